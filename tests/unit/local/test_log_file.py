"""Where the log of a command goes: into OUT, and never to the terminal."""

import logging
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from local.log_file import NAME, log_to

ROOT = Path(__file__).parents[3]

PROGRAM = """
import logging, sys, threading, warnings
from pathlib import Path
from local.log_file import keep_off_terminal, log_to


class Resource:
    def __del__(self):
        raise ValueError("no caller")


def fail():
    raise KeyError("a thread failed")


keep_off_terminal()
with log_to(Path(sys.argv[1])):
    try:
        raise RuntimeError("broken rule")
    except RuntimeError:
        logging.getLogger("local.aws.events").exception("EventBridge could not deliver the event")
    logging.getLogger("local.aws.http.guard").info("not shown")
    thread = threading.Thread(target=fail, name="mapper")
    thread.start()
    thread.join()
    warnings.warn("a library is deprecated")
    Resource()
logging.getLogger("botocore").warning("after the end")
"""


def _run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_everything_that_is_logged_is_in_the_file_and_the_terminal_stays_empty(tmp_path: Path) -> None:
    done = _run(PROGRAM, tmp_path)

    text = (tmp_path / NAME).read_text()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "ERROR local.aws.events: EventBridge could not deliver the event" in text
    assert "RuntimeError: broken rule" in text
    assert "The thread mapper failed" in text
    assert "KeyError: 'a thread failed'" in text
    assert "a library is deprecated" in text
    assert "ValueError: no caller" in text
    assert "not shown" not in text
    assert "after the end" not in text


def test_a_command_that_logs_nothing_leaves_no_file(tmp_path: Path) -> None:
    with log_to(tmp_path):
        logging.getLogger("local").info("all is well")

    assert [*tmp_path.iterdir()] == []


def test_a_long_log_is_replaced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.log_file.MAX_BYTES", 1000)
    with log_to(tmp_path):
        for number in range(100):
            logging.getLogger("local").warning("warning %d", number)

    assert {path.name for path in tmp_path.iterdir()} == {NAME, f"{NAME}.1"}
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert "warning 99" in (tmp_path / NAME).read_text()


def test_the_log_is_never_written_through_a_symbolic_link(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAME).symlink_to(mine)

    with log_to(tmp_path / "out"):
        logging.getLogger("local").warning("not for this file")

    assert mine.read_text() == "mine"
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("local.log_file.NAME", "../../../../../../../../dev/full")
    with log_to(tmp_path):
        logging.getLogger("local").warning("lost")

    assert capfd.readouterr().err == ""
