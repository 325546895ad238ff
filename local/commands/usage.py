"""Checks the values of the command line before anything is started.

`name` is how a message calls the parameter: as the user gave it, `--out` or OUT.
"""

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import click

from cdk.settings import Settings, SettingsError
from functions.core.cost.estimate import LATENCY_MS, SIZE_KB, URL_BYTES
from functions.core.cost.prices import MILLION
from functions.core.model.headers import HeaderError, parse_headers
from functions.core.model.limits import DOWNLOAD_MEMORY_MB, MAX_URL_BYTES
from local.errors import UsageError
from local.limits import Limits
from local.parameters import shown_name
from local.preflight import check_writable

ROOT = Path(__file__).parents[2]
SETTINGS_FILE = ROOT / "cdk.json"
DEFAULT_OUT = "out"
MAX_PORT = 65_535

DEMO_PORT = 8437
"""The preferred port of the demo's web site: with the same port, a second run finds the URLs of the first in its table.
"""

HEAD_BYTES = 65_536
_DEMO_URL = re.compile(rb"http://127\.0\.0\.1:(\d{1,5})/")


@dataclass(frozen=True)
class NumberArgument:
    """A number on the command line."""

    minimum: float
    maximum: float
    default: float
    meaning: str
    integer: bool = False
    no_default: str = "no limit"

    @property
    def shown_default(self) -> str:
        if math.isinf(self.default):
            return self.no_default
        return f"{self.default:,g}" if self.default < MILLION else "a million"

    def parse(self, name: str, text: str) -> float:
        """Raises UsageError."""
        if not text:
            return self.default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not self.minimum <= value <= self.maximum or (self.integer and not value.is_integer()):
            kind = "a whole number" if self.integer else "a number"
            limits = f"from {self.minimum:,.0f} to {self.maximum:,.0f}"
            raise UsageError(f"{name} takes {kind} {limits}, not '{text}'.")
        return value


COST_NUMBERS: Mapping[str, NumberArgument] = {
    "images": NumberArgument(1, 1e12, MILLION, "number of images", integer=True),
    "size_kb": NumberArgument(0, 5_000_000, SIZE_KB, "size of an image in KB"),
    "latency_ms": NumberArgument(0, 60_000, LATENCY_MS, "time to download an image in milliseconds"),
    "hosts": NumberArgument(1, 1e12, math.inf, "number of hosts with equally many images"),
    "url_bytes": NumberArgument(10, MAX_URL_BYTES, URL_BYTES, "length of a URL in bytes", integer=True),
    "memory_mb": NumberArgument(128, 10_240, DOWNLOAD_MEMORY_MB, "memory of DownloadBatch in MB", integer=True),
}
"""The numbers that `cost` takes."""

LIMITS: Mapping[str, NumberArgument] = {
    "lambda_concurrency": NumberArgument(1, 10_000, math.inf, "concurrent Lambda invocations of the account", True),
    "environments": NumberArgument(
        1, 1_000, math.inf, "execution environments of a function", True, "one for each core"
    ),
    "s3_requests_per_second": NumberArgument(1, 1_000_000, math.inf, "reads and writes of a bucket, each", True),
    "write_capacity": NumberArgument(1, 1_000_000, math.inf, "write units of a table per second", True),
    "read_capacity": NumberArgument(1, 1_000_000, math.inf, "read units of a table per second", True),
    "async_retry_seconds": NumberArgument(0, 60, 1, "wait before an asynchronous invocation is repeated"),
    "pass_seconds": NumberArgument(0.1, 60, 60, "minimum wait before a pass, and unit of the waits of rows"),
}
"""Limits of the local AWS by their names in Limits."""

PLAN_LIMITS = {"lambda_concurrency": replace(LIMITS["lambda_concurrency"], no_default="not known")}
"""The limits of an account that `plan` takes."""

COST_OPTIONS = (
    *("batch_size", "concurrency", "per_host", "host_concurrency", "host_rate", "max_concurrency"),
    *("storage_class", "output", "table", "robots"),
)
"""The options of a run that `cost` takes."""


def print_error(error: object) -> None:
    """Print one line to standard error."""
    sys.stderr.write(f"{error}\n")


def message_of(error: click.ClickException) -> str:
    """Of the options that a misspelt one may mean, the closest alone."""
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        error = click.NoSuchOption(error.option_name, possibilities=[*error.possibilities][:1], ctx=error.ctx)
    return error.format_message()


def networks(texts: Iterable[str], name: str) -> str:
    """CIDR blocks, comma-separated, in canonical form. Raises UsageError."""
    parts = (part.strip() for text in texts for part in text.split(","))
    try:
        return ",".join(str(ip_network(part)) for part in parts if part)
    except ValueError as error:
        raise UsageError(f"{name} takes comma-separated CIDR blocks such as 127.0.0.0/8: {error}.") from error


def options(pairs: Iterable[str], name: str) -> dict[str, str]:
    """`name=value` pairs as the metadata of a manifest. Raises UsageError."""
    metadata = {}
    for pair in pairs:
        option, separator, value = pair.partition("=")
        if not separator or not option:
            raise UsageError(f"{name} takes name=value, such as concurrency=16; '{pair}' is not such a pair.")
        metadata[option.strip().lower().replace("_", "-")] = value
    if "headers" in metadata:
        metadata["headers"] = _headers(metadata["headers"])
    return metadata


def _headers(text: str) -> str:
    """As JSON: metadata have one line, in ASCII. Raises UsageError."""
    try:
        return json.dumps(parse_headers(text))
    except HeaderError as error:
        raise UsageError(f"Option 'headers': {error}") from error


def limits(texts: Mapping[str, str], names: Mapping[str, str]) -> Limits:
    """`names` is how messages call each of them. Raises UsageError."""
    values = {name: LIMITS[name].parse(names[name], text) for name, text in texts.items() if text}
    fields: dict[str, Any] = {name: int(value) if LIMITS[name].integer else value for name, value in values.items()}
    return Limits(**fields)


def port_number(text: str, name: str) -> int:
    """A TCP port; 0 selects a free one. Raises UsageError."""
    if not (text.isascii() and text.isdecimal()) or int(text) > MAX_PORT:
        raise UsageError(f"{name} takes a number from 0 to {MAX_PORT}, not '{text}'.")
    return int(text)


def out_folder(text: str, name: str) -> Path:
    """The output folder, which need not exist. Raises UsageError."""
    path = _expanded(text or DEFAULT_OUT)
    try:
        is_file = path.exists() and not path.is_dir()
    except OSError as error:
        raise UsageError(f"{name} takes a folder; {text}: {error.strerror}.") from error
    if is_file:
        raise UsageError(f"{name} takes a folder; {path} is a file.")
    return path


def manifest_file(text: str) -> Path:
    """An existing file that is not empty. Raises UsageError."""
    if not text:
        raise UsageError("MANIFEST is missing: give the path of a manifest, such as my.csv.")
    path = _expanded(text)
    try:
        if path.is_file() and path.stat().st_size:
            return path
    except OSError as error:
        raise UsageError(f"Cannot read the manifest {text}: {error.strerror}.") from error
    if path.is_file():
        raise UsageError(f"The manifest {text} is empty: 0 rows, nothing to mirror.")
    if path.is_dir():
        raise UsageError(f"There is no manifest {text}: it is a folder. MANIFEST takes the path of a file.")
    raise UsageError(f"There is no manifest {text}. MANIFEST takes the path of a file.")


def demo_port(manifest: Path) -> int:
    """The port of the demo's web site in a retry manifest: that of the first URL on loopback. Raises UsageError."""
    with manifest.open("rb") as file:
        found = _DEMO_URL.search(file.read(HEAD_BYTES))
    if found is None or not 0 < int(found[1]) <= MAX_PORT:
        raise UsageError(
            f"--demo is for a retry manifest of the demo. {manifest} has no URL of its web site, such as"
            f" http://127.0.0.1:{DEMO_PORT}/tired.jpg."
        )
    return int(found[1])


def stack_settings() -> Settings:
    """The settings that `deploy` uses. Raises UsageError."""
    try:
        return Settings.from_context(json.loads(SETTINGS_FILE.read_text())["context"])
    except SettingsError as error:
        raise UsageError(f"{SETTINGS_FILE}: {error}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"Cannot read the settings from {SETTINGS_FILE}: {error!r}.") from error


def _expanded(text: str) -> Path:
    """The path with the home folder for ~, which a shell does not replace in `--out=~/x`. Raises UsageError."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{text} is not a path: {error}") from error


def given_options(pairs: Sequence[str], flags: Mapping[str, str | None]) -> dict[str, str]:
    """The options of a run as metadata; a flag takes precedence over a pair of the same name."""
    given = [f"{name}={value}" for name, value in flags.items() if value is not None and name not in LIMITS]
    return options(pairs, shown_name("pairs")) | options(given, "")


def given_limits(values: Mapping[str, str | None]) -> Limits:
    texts = {name: values[name] or "" for name in LIMITS}
    return limits(texts, {name: shown_name(name) for name in texts})


def given_networks(allow: Sequence[str]) -> str:
    return networks(allow, shown_name("allow"))


def given_out(out: str) -> Path:
    name = shown_name("out")
    folder = out_folder(out, name)
    check_writable(folder, name)
    return folder
