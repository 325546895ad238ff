"""One command at a time owns OUT."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.errors import UsageError
from local.out_lock import lock_out, read_owner

ROOT = Path(__file__).parents[3]
OWNER = """
import sys
from pathlib import Path
from local.out_lock import lock_out
with lock_out(Path(sys.argv[1]), "run"):
    print("locked", flush=True)
    sys.stdin.read()
"""


def _start_owner(out: Path) -> "subprocess.Popen[str]":
    """A process that owns the folder until its standard input is closed."""
    command = [sys.executable, "-c", OWNER, str(out)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_a_second_process_is_refused_with_a_sentence_that_names_the_first(tmp_path: Path) -> None:
    with _start_owner(tmp_path / "out") as owner:
        record = json.loads((tmp_path / "out" / "lock").read_text())

        with pytest.raises(UsageError) as caught, lock_out(tmp_path / "out", "up"):
            pass

        owner.communicate()
    assert record["pid"] == owner.pid
    assert str(caught.value) == (
        f"{tmp_path}/out is in use by `run` of {record['user']} (pid {owner.pid}) since {record['since']}. "
        "Wait until it has ended, or choose another folder with --out (OUT)."
    )


def test_the_lock_is_released_at_the_end_and_its_file_is_removed(tmp_path: Path) -> None:
    with _start_owner(tmp_path) as owner:
        owner.communicate()

    assert not (tmp_path / "lock").exists()
    with lock_out(tmp_path, "run"):
        pass


def test_a_killed_process_owns_nothing(tmp_path: Path) -> None:
    with _start_owner(tmp_path) as owner:
        owner.send_signal(signal.SIGKILL)
    before = read_owner(tmp_path)

    with lock_out(tmp_path, "up"):
        after = read_owner(tmp_path)

    assert before is not None
    assert after is not None
    assert (before.pid, before.command) == (owner.pid, "run")
    assert (after.pid, after.command) == (os.getpid(), "up")


def test_one_process_cannot_lock_a_folder_twice(tmp_path: Path) -> None:
    with lock_out(tmp_path, "run"), pytest.raises(UsageError, match="is in use by `run`"), lock_out(tmp_path, "run"):
        pass


def test_a_record_that_cannot_be_read_does_not_hide_that_the_folder_is_in_use(tmp_path: Path) -> None:
    with lock_out(tmp_path, "run"):
        (tmp_path / "lock").write_text("")

        with pytest.raises(UsageError, match="is in use by another command"), lock_out(tmp_path, "run"):
            pass


def test_the_file_of_another_owner_is_kept(tmp_path: Path) -> None:
    with lock_out(tmp_path, "run"):
        (tmp_path / "lock").unlink()
        with lock_out(tmp_path, "up"):
            pass
        (tmp_path / "lock").write_text("of another owner")

    assert (tmp_path / "lock").read_text() == "of another owner"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")

    with pytest.raises(UsageError, match=r"Cannot lock .*/lock: "), lock_out(tmp_path, "run"):
        pass

    assert (tmp_path / "precious").read_text() == "kept"
