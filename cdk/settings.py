"""What can be set about a deployment, read from the CDK context (`cdk.json`, or `-c key=value`)."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from typing import Any

from functions.core.cost.estimate import GLACIER_FROM_BYTES
from functions.core.manifests.validation import MAX_WHOLE_CHECK_BYTES
from functions.core.model.errors import InvalidManifest
from functions.core.model.option_validation import validate_options

# CloudWatch Logs takes no others.
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180),
    *(365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


class SettingsError(ValueError):
    """A context key holds what cannot be used; the text is a sentence that names the key."""


def text(value: object) -> str:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ValueError
    return value.strip()


def name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[\w.-]{1,64}", value, re.ASCII):
        raise ValueError
    return value


def whole_number(value: object) -> int:
    """An integer of 0 or more; the CDK command line hands over every value as text."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return value


def positive(value: object) -> int:
    number = whole_number(value)
    if not number:
        raise ValueError
    return number


def networks(value: object) -> str:
    """Networks in their own spelling, without spaces; host bits that are set are a slip and are refused."""
    return ",".join(str(ip_network(part.strip())) for part in text(value).split(",") if part.strip())


def run_options(value: object) -> Mapping[str, object]:
    """Held against what the functions accept: otherwise every run would end with this mistake."""
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, Mapping):
        raise ValueError
    try:
        validate_options(found)
    except InvalidManifest as refusal:
        raise ValueError(str(refusal)) from refusal
    return dict(found)


Kind = tuple[str, Callable[[object], Any]]  # what a value must be, and how it is read


def _choice(*choices: Any) -> Kind:
    by_text = {str(choice).lower(): choice for choice in choices}

    def read(value: object) -> Any:
        if str(value).lower() not in by_text:
            raise ValueError
        return by_text[str(value).lower()]

    return f"one of {', '.join(map(str, choices))}", read


def _days(longest: int) -> Kind:
    def read(value: object) -> int:
        days = whole_number(value)
        if not 1 <= days <= longest:
            raise ValueError
        return days

    return f"a number of days from 1 to {longest}", read


_FLAG = ("true or false", _choice(True, False)[1])


def setting(default: Any, must_be: str, read: Callable[[object], object]) -> Any:
    default_factory = default if callable(default) else lambda: default
    return field(default_factory=default_factory, metadata={"must_be": must_be, "read": read})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One field a context key, of the same name."""

    # That downloads may reach although they are not public.
    allowed_networks: str = setting("", "networks parted by commas, such as 203.0.113.0/24", networks)
    # Whole, that is; of a larger manifest the beginning and the end. PrepareRun reads some 30 MB a second.
    check_manifests_up_to_bytes: int = setting(MAX_WHOLE_CHECK_BYTES, "a number of bytes", whole_number)
    # Named in the User-Agent, for the people whose servers are asked.
    contact: str = setting("", "a URL or a mail address in plain ASCII", text)
    # Sets the role by which API Gateway writes logs: one for the account and region, whatever APIs it has.
    api_account_role: bool = setting(True, *_FLAG)
    # GET /openapi.json, and Swagger UI at GET /docs.
    api_docs: bool = setting(False, *_FLAG)
    # Requests a second that the API takes, and at once; above that it answers 429.
    api_rate_limit: int = setting(50, "a number of requests from 1", positive)
    api_burst_limit: int = setting(100, "a number of requests from 1", positive)
    # Used where a run does not say.
    default_options: Mapping[str, object] = setting(dict, "a JSON object of run options", run_options)
    # A dimension of every metric, so that two deployments in an account are told apart.
    environment: str = setting("production", "a name of letters, digits, dots, dashes and underscores", name)
    # In bytes; smaller images stay in S3 Standard. Unset, S3's own rule holds: nothing under 128 KB moves.
    glacier_object_size_greater_than: int | None = setting(None, "a number of bytes", whole_number)
    images_point_in_time_recovery: bool = setting(False, *_FLAG)
    # With its manifests and reports, when the stack is deleted.
    keep_input_bucket: bool = setting(True, *_FLAG)
    log_level: str = setting("INFO", *_choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
    log_retention_days: int = setting(30, *_choice(*RETENTION_DAYS))
    # Where docs/operations.md can be read by whoever an alarm wakes up; alarms name its sections.
    runbook: str = setting("docs/operations.md", "a URL in plain ASCII", text)
    # All that is under runs/: parts, reports, retry manifests.
    run_files_expire_after_days: int | None = setting(None, *_days(3650))
    run_timeout_days: int = setting(14, *_days(365))
    workflow_log_level: str = setting("ERROR", *_choice("ALL", "ERROR", "FATAL", "OFF"))

    @property
    def glacier_from_bytes(self) -> int:
        """The smallest image that is moved."""
        larger_than = self.glacier_object_size_greater_than
        return GLACIER_FROM_BYTES if larger_than is None else larger_than + 1

    @classmethod
    def from_context(cls, lookup: Callable[[str], object]) -> "Settings":
        """Raises SettingsError. A key that is absent (None) takes its default."""
        given = {item.name: lookup(item.name) for item in fields(cls)}
        return cls(
            **{
                item.name: _read(item.name, given[item.name], **item.metadata)
                for item in fields(cls)
                if given[item.name] is not None
            }
        )


def _read(key: str, value: object, *, must_be: str, read: Callable[[object], Any]) -> Any:
    try:
        return read(value)
    except ValueError as error:
        sentence = f'The context key "{key}" must be {must_be}; it is {value!r}. {error}'
        raise SettingsError(sentence.rstrip()) from None
