"""The contenders' own virtual environments, from their locks; made once."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(".venv/contenders")
LOCKS = Path("bench/contenders")


class Missing(Exception):
    """Why a contender cannot be run here."""


def python_of(name: str | None) -> Path:
    """The interpreter that has what `name`.txt locks, or our own. Raises Missing."""
    if name is None:
        return Path(sys.executable)
    python = FOLDER / name / "bin" / "python"
    ready = FOLDER / name / "ready"
    if not ready.exists():
        print(f"Installing {name} (once)", flush=True)
        uv = str(Path(sys.executable).with_name("uv"))
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(FOLDER / name))
        lock = str(LOCKS / f"{name}.txt")
        _run(uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "--requirement", lock)
        ready.touch()
    return python


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Missing((done.stderr.strip() or done.stdout.strip() or f"exit {done.returncode}").splitlines()[-1])
