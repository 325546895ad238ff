"""Programs of Debian packages, installed when a test first needs them: as root, with apt-get."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache

SECONDS = 300
"""Maximum time of a command."""

OPTIONS = ("-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10", "-o", f"DPkg::Lock::Timeout={SECONDS}")
"""Without a network, apt-get fails soon. Two tests may install at the same time: one waits."""


class NotInstalledError(Exception):
    """A program is not installed and cannot be installed. The message says why."""


@cache
def program(name: str, *other_names: str) -> str:
    """The path of a program, also under another name; its package has the first one. Raises NotInstalledError."""
    names = (name, *other_names)
    if found := _found(names):
        return found
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise NotInstalledError(f"{name} is not installed. Install it, or run the tests as root with apt-get.")
    _apt_get("update")
    failure = _apt_get("install", "--yes", "--no-install-recommends", name)
    if found := _found(names):
        return found
    raise NotInstalledError(f"apt-get could not install {name}: {failure}")


def _found(names: Sequence[str]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


def _apt_get(*arguments: str) -> str:
    """Returns the end of its error output; empty if it succeeded."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", *OPTIONS, *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"it took more than {SECONDS} s"
    return done.stderr.strip()[-300:] if done.returncode else ""
