"""What a user gives on the command line, checked before anything is started."""

import json
import shlex
from ipaddress import ip_network
from pathlib import Path

from cdk.settings import Settings, SettingsError

SETTINGS = Path("cdk.json")


class UsageError(Exception):
    """A sentence for whoever typed the command; exit status 2."""


def networks(text: str) -> str:
    """Comma-separated CIDRs, as the stack's parameter takes them. Raises UsageError."""
    try:
        return ",".join(str(ip_network(part.strip())) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UsageError(f"ALLOW takes networks such as 127.0.0.0/8, separated by commas: {error}.") from error


def options(text: str) -> dict[str, str]:
    """`name=value …`, as the manifest's metadata takes them; PrepareRun checks what they say. Raises UsageError."""
    found = {}
    for pair in shlex.split(text):
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"OPTIONS takes name=value pairs separated by spaces; '{pair}' is none.")
        found[name.strip().lower().replace("_", "-")] = value
    return found


def manifest_file(text: str) -> Path:
    """An existing file with something in it. Raises UsageError."""
    path = Path(text).expanduser()
    if not path.is_file():
        raise UsageError(f"There is no manifest {text}. MANIFEST takes the path of a file.")
    if path.stat().st_size == 0:
        raise UsageError(f"The manifest {text} is empty: 0 rows, nothing to mirror.")
    return path


def deployed() -> Settings:
    """What `make deploy` would set. Raises UsageError."""
    try:
        return Settings.from_context(json.loads(SETTINGS.read_text())["context"])
    except SettingsError as error:
        raise UsageError(f"{SETTINGS}: {error}") from error
