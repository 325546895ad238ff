"""Wall time, CPU time and memory of a command with its descendants."""

import os
import sys
from pathlib import Path

import pytest

from bench.rig.process_tree import CommandFailedError, run_command

PARENT = """
import subprocess, sys
children = [subprocess.Popen([sys.executable, "-c", sys.argv[1]]) for _ in range(2)]
sys.exit(max(child.wait() for child in children))
"""
CHILD = """
import pathlib, sys, time
kept = bytearray(b"x" * (64 << 20))
while not pathlib.Path(FILE).exists():
    time.sleep(0.01)
"""


def test_the_memory_of_all_processes_is_added_up(tmp_path: Path) -> None:
    end, ticks = tmp_path / "end", []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 8:
            end.touch()

    child = CHILD.replace("FILE", repr(str(end)))
    usage = run_command(
        [sys.executable, "-c", PARENT, child], folder=tmp_path, variables=os.environ, tick=tick, tick_seconds=0.25
    )

    assert usage.rss_mb > 128
    assert usage.memory_mb > 128
    assert usage.seconds >= 2
    assert usage.cpu_seconds > 0


def test_a_command_that_fails_is_an_error_with_its_output(tmp_path: Path) -> None:
    code = "import sys; print('no such option'); sys.exit(2)"

    with pytest.raises(CommandFailedError, match="exit status 2: no such option"):
        run_command([sys.executable, "-c", code], folder=tmp_path, variables=os.environ)
