"""The virtual environments of the contenders, installed once from their locks."""

import subprocess
import sys
from pathlib import Path

VENVS = Path(".venv/contenders")
LOCKS = Path("bench/contenders")


class InstallationError(Exception):
    """A contender cannot be installed on this machine. The message is the last line of the installer's output."""


def interpreter(venv: str | None) -> Path:
    """Return the Python of the environment that `venv`.txt locks, or the current one. Raises InstallationError."""
    if venv is None:
        return Path(sys.executable)
    python = VENVS / venv / "bin" / "python"
    ready = VENVS / venv / "ready"
    if not ready.exists():
        print(f"Installing {venv} (once)", flush=True)
        uv = str(Path(sys.executable).with_name("uv"))
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENVS / venv))
        lock = str(LOCKS / f"{venv}.txt")
        _run(uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "--requirement", lock)
        ready.touch()
    return python


def _run(*command: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        output = result.stderr.strip() or result.stdout.strip() or f"exit code {result.returncode}"
        raise InstallationError(output.splitlines()[-1])
