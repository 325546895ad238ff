"""Programs of Debian packages, installed when a test first needs them: as root, with apt-get."""

import os
import shutil
import subprocess
from functools import cache

SECONDS = 600


class NotInstalledError(Exception):
    """A program is not installed and cannot be installed. The message says why."""


@cache
def program(name: str) -> str:
    """The path of a program; its package has the same name. Raises NotInstalledError."""
    if found := shutil.which(name):
        return found
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise NotInstalledError(f"{name} is not installed. Install it, or run the tests as root with apt-get.")
    for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", name]):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode and command[1] == "install":
            raise NotInstalledError(f"apt-get could not install {name}: {done.stderr.strip()[-300:]}")
    if found := shutil.which(name):
        return found
    raise NotInstalledError(f"apt-get has installed {name}, but it is not on the PATH")
