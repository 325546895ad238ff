"""`OUT/local.env`: the environment variables of a running `make up`, for shells and for `make watch`."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

NAME = "local.env"
OWNER_ONLY = 0o600
"""The file has the secret access key."""

EXPORT = "export "
DEACTIVATE = "image_mirror_deactivate"
SAVED = "_image_mirror_"
"""Prefix of the shell variables with the values that the shell had before."""

HIDDEN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
"""Variables of an AWS account that would be combined with the exported ones."""


def write_env_file(out: Path, variables: Mapping[str, str]) -> Path:
    """Write the file atomically: a program that waits for it may source it at once. It replaces a symbolic link."""
    out.mkdir(parents=True, exist_ok=True)
    partial = out / ".local.env.partial"
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, OWNER_ONLY)  # whatever the umask
        file.write(_script(variables))
    path = out / NAME
    os.replace(partial, path)
    return path


def read_env_file(out: Path) -> dict[str, str] | None:
    """The variables of the `export NAME=value` lines; None where there is no file."""
    path = out / NAME
    if not path.exists():
        return None
    lines = [line for line in path.read_text().splitlines() if line.startswith(EXPORT)]
    words = [word for line in lines for word in shlex.split(line)[1:]]
    return dict(word.split("=", 1) for word in words if "=" in word)


def _script(variables: Mapping[str, str]) -> str:
    """POSIX shell. Sourced again, it first restores the values from before the first time."""
    names = [*variables, *HIDDEN]
    lines = [
        f"# The local AWS of `make up`. Undo with: {DEACTIVATE}",
        f"if command -v {DEACTIVATE} >/dev/null 2>&1; then {DEACTIVATE}; fi",
        *(f'if [ -n "${{{name}+set}}" ]; then {SAVED}{name}="${{{name}}}"; fi' for name in names),
        f"unset {' '.join(HIDDEN)}",
        *(f"{EXPORT}{name}={shlex.quote(value)}" for name, value in variables.items()),
        f"{DEACTIVATE}() {{",
        f"  unset {' '.join(names)}",
        *(f"  {_restore(name)}" for name in names),
        f"  unset -f {DEACTIVATE}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _restore(name: str) -> str:
    saved = SAVED + name
    return f'if [ -n "${{{saved}+set}}" ]; then export {name}="${{{saved}}}"; unset {saved}; fi'
