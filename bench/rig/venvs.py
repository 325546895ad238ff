"""Virtual environments of other programs, each installed once from a lock: the contenders, and the second opinions."""

import shutil
import subprocess
import sys
from pathlib import Path

VENVS = Path(".venv/contenders")
LOCKS = Path("bench/contenders")


class InstallationError(Exception):
    """A program cannot be installed on this machine. The message is the last line of the installer's output."""


def interpreter(venv: str | None) -> Path:
    """Return the Python of the environment that `venv`.txt locks, or the current one. Raises InstallationError."""
    if venv is None:
        return Path(sys.executable)
    return installed(LOCKS / f"{venv}.txt", VENVS / venv)


def installed(lock: Path, folder: Path) -> Path:
    """Return the Python of the environment in `folder`, which has what `lock` has. Raises InstallationError."""
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists() or ready.read_bytes() != lock.read_bytes():
        print(f"Installing {folder.name} (once)", flush=True)
        uv = str(Path(sys.executable).with_name("uv"))
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        requirements = ("--require-hashes", "--requirement", str(lock))
        _run(uv, "pip", "install", "--quiet", "--python", str(python), *requirements)
        shutil.copyfile(lock, ready)
    return python


def _run(*command: str) -> None:
    """Raises InstallationError."""
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        output = result.stderr.strip() or result.stdout.strip() or f"exit code {result.returncode}"
        raise InstallationError(output.splitlines()[-1])
