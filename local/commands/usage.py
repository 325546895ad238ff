"""Checks the command line before anything is started."""

import json
import shlex
import sys
from ipaddress import ip_network
from pathlib import Path

from cdk.settings import Settings, SettingsError

SETTINGS_FILE = Path("cdk.json")
DEFAULT_OUT = "out"
MAX_PORT = 65_535


class UsageError(Exception):
    """Wrong usage of a command. The message says what is wrong, where, and how to fix it; the exit status is 2."""


def print_error(error: object) -> None:
    """Print one line to standard error."""
    sys.stderr.write(f"{error}\n")


def networks(text: str) -> str:
    """Comma-separated CIDR blocks in the form of the stack's parameter. Raises UsageError."""
    try:
        return ",".join(str(ip_network(part.strip())) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UsageError(f"ALLOW takes comma-separated CIDR blocks such as 127.0.0.0/8: {error}.") from error


def options(text: str) -> dict[str, str]:
    """`name=value …` as the metadata of a manifest. PrepareRun validates the values. Raises UsageError."""
    metadata = {}
    try:
        pairs = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"OPTIONS takes name=value pairs separated by spaces; in {text!r}: {error}.") from error
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise UsageError(f"OPTIONS takes name=value pairs separated by spaces; '{pair}' is not such a pair.")
        metadata[name.strip().lower().replace("_", "-")] = value
    return metadata


def port_number(text: str) -> int:
    """A TCP port; 0 selects a free one. Raises UsageError."""
    if not (text.isascii() and text.isdecimal()) or int(text) > MAX_PORT:
        raise UsageError(f"--port takes a number from 0 to {MAX_PORT}, not '{text}'.")
    return int(text)


def out_folder(text: str) -> Path:
    """The output folder, which need not exist. Raises UsageError."""
    path = Path(text or DEFAULT_OUT)
    if path.exists() and not path.is_dir():
        raise UsageError(f"OUT takes a folder; {path} is a file.")
    return path


def manifest_file(text: str) -> Path:
    """An existing file that is not empty. Raises UsageError."""
    if not text:
        raise UsageError("MANIFEST is missing: give the path of a manifest, such as MANIFEST=my.csv.")
    path = Path(text).expanduser()
    if not path.is_file():
        raise UsageError(f"There is no manifest {text}. MANIFEST takes the path of a file.")
    if path.stat().st_size == 0:
        raise UsageError(f"The manifest {text} is empty: 0 rows, nothing to mirror.")
    return path


def stack_settings() -> Settings:
    """The settings that `make deploy` uses. Raises UsageError."""
    try:
        return Settings.from_context(json.loads(SETTINGS_FILE.read_text())["context"])
    except SettingsError as error:
        raise UsageError(f"{SETTINGS_FILE}: {error}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"Cannot read the settings from {SETTINGS_FILE}: {error!r}.") from error
