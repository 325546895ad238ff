"""The environments of other programs."""

from pathlib import Path

import pytest

from bench.rig import venvs
from bench.rig.venvs import installed


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The subcommands of uv that were run. `uv venv` makes the folder."""
    ran: list[str] = []

    def run(*command: str) -> None:
        ran.append(command[1])
        if command[1] == "venv":
            Path(command[-1]).mkdir(exist_ok=True)

    monkeypatch.setattr(venvs, "_run", run)
    return ran


def test_an_environment_is_installed_once_and_again_after_a_change_of_its_lock(
    tmp_path: Path, commands: list[str]
) -> None:
    lock = tmp_path / "other.txt"
    lock.write_text("other==1.0\n")

    assert installed(lock, tmp_path / "other") == tmp_path / "other" / "bin" / "python"
    installed(lock, tmp_path / "other")
    assert commands == ["venv", "pip"]

    lock.write_text("other==1.1\n")
    installed(lock, tmp_path / "other")
    assert commands == ["venv", "pip"] * 2
