"""The one asset of all functions: the folder `functions/` and the libraries it locks, without Docker."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

FUNCTIONS = Path(__file__).parent.parent / "functions"
LOCK = "requirements.txt"

PYTHON = "3.13"
PLATFORM = "aarch64-manylinux_2_34"  # Lambda's Python 3.13 on arm64: Amazon Linux 2023, whose glibc is 2.34

# Console scripts, and the metadata in which pydantic would look for plug-ins at every cold start.
_UNUSED = ("bin", "*.dist-info", ".lock")


class BundleError(RuntimeError):
    """The libraries could not be installed; the text says what the installer said."""


def bundle(
    target: Path,
    *,
    platform: str | None = PLATFORM,
    python_version: str | None = PYTHON,
    functions: Path = FUNCTIONS,
) -> None:
    """Fills `target` with what Lambda unpacks. `None` means this machine's platform, this Python's version.

    Wheels only, each held against the hashes of the lock: nothing is built, nothing of this machine gets in.
    Raises BundleError.
    """
    foreign = {"--python-platform": platform, "--python-version": python_version}
    options = [part for option, value in foreign.items() if value for part in (option, value)]
    _install(functions / LOCK, target, options)
    for pattern in _UNUSED:
        for path in target.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for source in _sources(functions):
        copy = target / FUNCTIONS.name / source.relative_to(functions)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)


def fingerprint(functions: Path = FUNCTIONS) -> str:
    """Changes when the bundle would: with the sources, the lock, Python, the architecture, or this module."""
    digest = hashlib.sha256(f"{PYTHON} {PLATFORM}".encode())
    for path in (Path(__file__), functions / LOCK, *_sources(functions)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        name = path.relative_to(functions).as_posix() if path.is_relative_to(functions) else path.name
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()


def _sources(functions: Path) -> list[Path]:
    """Code and data; neither caches nor hidden files, nor the lock."""
    return [
        path for path in sorted(functions.rglob("*")) if path.is_file() and not _left_out(path.relative_to(functions))
    ]


def _left_out(path: Path) -> bool:
    return path == Path(LOCK) or any(part == "__pycache__" or part.startswith(".") for part in path.parts)


def _install(lock: Path, target: Path, options: list[str]) -> None:
    command = [
        find_uv_bin(),
        "pip",
        "install",
        "--quiet",
        "--python",
        sys.executable,
        "--target",
        str(target),
    ]
    strict = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy"]
    done = subprocess.run(
        [*command, *strict, *options, "--requirement", str(lock)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BundleError(f"What {lock.name} locks could not be installed for Lambda:\n{done.stderr.strip()}")
