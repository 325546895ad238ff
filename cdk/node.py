"""Programs of npm: each is installed from its lock when it is first needed, and runs in the wheel's Node.js.

`requirements/node` has a folder with a lock for each. The locks name no registry: that is a setting of npm.
`python -m cdk.node FOLDER ...` resolves the package.json of each folder into its lock; `make lock` calls it.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

NODE = Path(os.environ["JSII_NODE"])
NPM = NODE.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

LOCKS = Path(__file__).parents[1] / "requirements" / "node"
INSTALLED = Path(sys.prefix) / "node"
LOCK = "package-lock.json"
OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


class InstallationError(Exception):
    """A package cannot be installed. The message has the output of npm."""


def package(name: str) -> Path:
    """The folder of an installed package. Raises InstallationError."""
    return installed(LOCKS / name, INSTALLED / name) / name


def installed(lock: Path, folder: Path) -> Path:
    """The folder `node_modules` with what the lock in `lock` has, installed in `folder`. Raises InstallationError."""
    wanted, ready = lock / LOCK, folder / "ready"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "busy").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another process may need the same package
        if not ready.exists() or ready.read_bytes() != wanted.read_bytes():
            sys.stderr.write(f"Installing {folder.name} (once)\n")
            for name in ("package.json", LOCK):
                shutil.copyfile(lock / name, folder / name)
            _npm_ci(folder)
            shutil.copyfile(wanted, ready)
    return folder / "node_modules"


def _npm_ci(folder: Path) -> None:
    result = subprocess.run(
        command(NPM, "ci", *OPTIONS), cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise InstallationError(f"Cannot install {folder.name}. npm reported:\n{result.stderr.strip()}")


def resolve(folder: Path) -> None:
    """Make the lock of the package.json in the folder, with hashes and without the addresses of a registry."""
    options = (*OPTIONS, "--package-lock-only", "--omit-lockfile-registry-resolved")
    subprocess.run(command(NPM, "install", *options), cwd=folder, env=environment(), check=True)


def command(program: Path, *arguments: str) -> list[str]:
    """The command that runs a program of a package."""
    return [str(NODE), str(program), *arguments]


def environment() -> dict[str, str]:
    """The environment variables for it: with this Node.js first in the PATH."""
    return {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        resolve(Path(argument))
