"""The deployment packages: `functions/` and locked dependencies, built without Docker.

One package is that of all functions but IndexRun, which has a package of its own with more dependencies.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from uv import find_uv_bin

FUNCTIONS = Path(__file__).parent.parent / "functions"
LOCK = "requirements.txt"
INDEX_LOCK = FUNCTIONS.parent / "requirements" / "index.txt"
"""What IndexRun needs in addition: pyarrow, which is ten times as large as everything else."""

PYTHON = "3.13"
PLATFORM = "aarch64-manylinux_2_34"
"""Lambda's Python 3.13 runtime on arm64: Amazon Linux 2023, which has glibc 2.34."""

_REMOVED = ("bin", "*.dist-info", ".lock")
"""Console scripts, and the package metadata in which pydantic would search for plug-ins at every cold start."""


_REMOVED_OF_PYARROW = ("pyarrow/include", "pyarrow/tests", "pyarrow/*flight*", "pyarrow/*.pyx")
"""Headers, tests, and a library that no other one is linked to: a third of its size."""


class BundleError(RuntimeError):
    """The dependencies could not be installed. The message contains the output of the installer."""


def bundle(
    target: Path,
    *,
    platform: str | None = PLATFORM,
    python_version: str | None = PYTHON,
    functions: Path = FUNCTIONS,
    more: Sequence[Path] = (),
) -> None:
    """Write the deployment package into the folder `target`. `more` are further locks.

    `platform` and `python_version` default to Lambda's; `None` means this machine's. Only wheels are installed, and
    their hashes are checked against the lock, so that the package does not depend on the machine that builds it.
    Raises BundleError.
    """
    overrides = {"--python-platform": platform, "--python-version": python_version}
    options = [part for option, value in overrides.items() if value for part in (option, value)]
    for lock in (functions / LOCK, *more):
        _install(lock, target, options)
    for pattern in (*_REMOVED, *(_REMOVED_OF_PYARROW if more else ())):
        for path in target.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for source in _sources(functions):
        copy = target / FUNCTIONS.name / source.relative_to(functions)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)


def fingerprint(functions: Path = FUNCTIONS, more: Sequence[Path] = ()) -> str:
    """Compute the hash of everything that determines the package: sources, locks, Python, platform and this module."""
    digest = hashlib.sha256(f"{PYTHON} {PLATFORM}".encode())
    for path in (Path(__file__), functions / LOCK, *more, *_sources(functions)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        name = path.relative_to(functions).as_posix() if path.is_relative_to(functions) else path.name
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()


def _sources(functions: Path) -> list[Path]:
    """List the files to copy: modules and data files such as templates, without caches, hidden files and the lock."""
    return [
        path
        for path in sorted(functions.rglob("*"))
        if path.is_file() and not _is_excluded(path.relative_to(functions))
    ]


def _is_excluded(path: Path) -> bool:
    return path == Path(LOCK) or any(part == "__pycache__" or part.startswith(".") for part in path.parts)


def _install(lock: Path, target: Path, options: list[str]) -> None:
    command = [find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(target)]
    strict = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy"]
    result = subprocess.run(
        [*command, *strict, *options, "--requirement", str(lock)], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise BundleError(
            f"Cannot install the dependencies of the functions from {lock.name}. The installer reported:\n"
            f"{result.stderr.strip()}\n"
            "Behind a proxy, or where a company inspects TLS: docs/faq.md#proxies-and-company-networks."
        )
