"""`OUT/local.env`: the environment variables of a running `make up`, for shells and for `make watch`."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

NAME = "local.env"


def write_env_file(out: Path, variables: Mapping[str, str]) -> Path:
    """Write the file atomically: a program that waits for it may source it at once."""
    out.mkdir(parents=True, exist_ok=True)
    text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    partial = out / ".local.env.partial"
    partial.write_text(text)
    path = out / NAME
    os.replace(partial, path)
    return path


def read_env_file(out: Path) -> dict[str, str] | None:
    """The variables of the `export NAME=value` lines; None where there is no file."""
    path = out / NAME
    if not path.exists():
        return None
    words = [word for line in path.read_text().splitlines() for word in shlex.split(line)[1:]]
    return dict(word.split("=", 1) for word in words if "=" in word)
