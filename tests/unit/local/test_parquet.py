import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from local import parquet


def test_pyarrow_is_imported_where_it_is_installed() -> None:
    assert hasattr(parquet.load_parquet(), "ParquetFile")


def test_pyarrow_is_installed_when_it_is_first_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed = ModuleType("pyarrow.parquet")
    commands: list[list[str]] = []

    def import_module(name: str) -> ModuleType:
        if not commands:
            raise ModuleNotFoundError(name)
        return installed

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(parquet, "import_module", import_module)
    monkeypatch.setattr(parquet.subprocess, "run", run)

    assert parquet.load_parquet() is installed
    assert commands[0][:4] == [sys.executable, "-m", "pip", "install"]
    assert "--require-hashes" in commands[0]
    assert Path(commands[0][-1]).read_text().startswith("pyarrow==")
    assert capsys.readouterr().err == "Installing pyarrow to read Parquet (once).\n"


def test_a_failed_installation_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> ModuleType:
        raise ModuleNotFoundError(name)

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "No matching distribution")

    monkeypatch.setattr(parquet, "import_module", import_module)
    monkeypatch.setattr(parquet.subprocess, "run", run)

    with pytest.raises(parquet.InstallationError, match=r"No matching distribution Install it with: .*parquet\.txt"):
        parquet.load_parquet()
