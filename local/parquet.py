"""pyarrow, which reads Parquet manifests on this machine. It is 165 MB, so it is installed when it is first needed."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements" / "parquet.txt"


class InstallationError(RuntimeError):
    """pyarrow could not be installed. The message says why and how to install it."""


def load_parquet() -> Any:
    """The module `pyarrow.parquet`, which has no type hints. Raises InstallationError."""
    try:
        return import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        _install()
        return import_module("pyarrow.parquet")


def _install() -> None:
    sys.stderr.write("Installing pyarrow to read Parquet (once).\n")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    result = subprocess.run([*command, "--requirement", str(LOCK)], capture_output=True, text=True, check=False)
    if result.returncode:
        raise InstallationError(
            f"Cannot install pyarrow, which reads Parquet: {result.stderr.strip()[-300:]} "
            f"Install it with: {sys.executable} -m pip install --requirement {LOCK}"
        )
