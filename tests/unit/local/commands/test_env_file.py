"""`OUT/local.env`, sourced in the shells of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from local.commands.env_file import HIDDEN, NAME, read_env_file, write_env_file

SHELLS = [shell for shell in ("bash", "dash", "sh", "zsh", "ksh") if shutil.which(shell)]
VARIABLES = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "AWS_ACCESS_KEY_ID": "LOCALABC",
    "AWS_SECRET_ACCESS_KEY": 'it\'s $HOME `x` "q" ~',
    "AWS_REGION": "us-east-1",
    "INPUT_BUCKET": "input",
}
ACCOUNT = {
    "AWS_REGION": "eu-west-3",
    "AWS_ACCESS_KEY_ID": "AKID of the account",
    "AWS_SECRET_ACCESS_KEY": "two  spaces $(and more)",
    "AWS_SESSION_TOKEN": "token",
    "AWS_PROFILE": "production",
    "EMPTY": "",
    "INPUT_BUCKET": "",
}
SET_BY_SHELLS = ("PATH", "PWD", "OLDPWD", "SHLVL", "HOME", "LOGNAME", "_")
PRINT = f'"{shutil.which("env")}" -0'


def _shell(shell: str, script: str, **variables: str) -> list[dict[str, str]]:
    """The exported variables at each `PRINT` of the script, in a shell that stops at errors and unset variables."""
    done = subprocess.run(
        [shell, "-eu"],
        input=script.replace("PRINT", f"{PRINT}; echo ="),
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    blocks = [block.strip("\n").split("\0") for block in done.stdout.split("=\n") if block.strip()]
    pairs = [dict(word.split("=", 1) for word in block if "=" in word) for block in blocks]
    return [{name: value for name, value in found.items() if name not in SET_BY_SHELLS} for found in pairs]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_env_file(tmp_path, VARIABLES)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("before", [{}, ACCOUNT, dict.fromkeys(HIDDEN, "x")], ids=["none", "account", "hidden"])
def test_a_shell_has_the_variables_until_they_are_deactivated(shell: str, file: Path, before: dict[str, str]) -> None:
    script = f"PRINT; . {file}; PRINT; image_mirror_deactivate; PRINT"

    first, active, last = _shell(shell, script, **before)

    assert active == {name: value for name, value in before.items() if name not in HIDDEN} | VARIABLES
    assert first == last == before


@pytest.mark.parametrize("shell", SHELLS)
def test_deactivation_leaves_no_variable_and_no_function(shell: str, file: Path) -> None:
    _shell(shell, f". {file}; image_mirror_deactivate; true; set >{file}.set", **ACCOUNT)

    assert "image_mirror" not in Path(f"{file}.set").read_text().replace(str(file), "")
    assert _shell(shell, f". {file}; image_mirror_deactivate; ! command -v image_mirror_deactivate") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_sourcing_a_second_time_keeps_the_first_values(shell: str, file: Path) -> None:
    again = write_env_file(file.parent / "again", VARIABLES | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})

    active, last = _shell(shell, f". {file}; . {again}; PRINT; image_mirror_deactivate; PRINT", **ACCOUNT)

    assert active["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert last == ACCOUNT


def test_the_variables_are_read_back(file: Path) -> None:
    assert read_env_file(file.parent) == VARIABLES


def test_without_a_file_there_are_no_variables(tmp_path: Path) -> None:
    assert read_env_file(tmp_path) is None


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_only_its_owner_may_read_and_write_it(tmp_path: Path, umask: int) -> None:
    (tmp_path / NAME).write_text("of an earlier version")
    (tmp_path / NAME).chmod(0o644)
    previous = os.umask(umask)
    try:
        file = write_env_file(tmp_path, VARIABLES)
    finally:
        os.umask(previous)

    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_it_replaces_symbolic_links_and_leaves_their_targets_alone(tmp_path: Path) -> None:
    out, target = tmp_path / "out", tmp_path / "target"
    out.mkdir()
    target.write_text("mine")
    for name in (NAME, ".local.env.partial"):
        (out / name).symlink_to(target)

    file = write_env_file(out, VARIABLES)

    assert target.read_text() == "mine"
    assert not file.is_symlink()
    assert [path.name for path in out.iterdir()] == [NAME]
