"""Configuration of each function, from its environment variables. A test checks it against what the stack sets.

Without pydantic: importing it would slow down the cold start of DownloadBatch.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from functions.core.model.host_limits import HostLimits
from functions.core.model.limits import PASS_SECONDS
from functions.core.model.runs import LocalRun
from functions.core.model.types import OptionValues
from functions.core.web.addresses import AddressPolicy

T = TypeVar("T")

EXPECTED_LOCAL_RUN = "a JSON object with command and out"


class ConfigError(Exception):
    """An environment variable of the function is missing or invalid."""


def environment_name(variables: Mapping[str, str] = os.environ) -> str:
    """Name of the deployment, a dimension of every metric."""
    return variables.get("ENVIRONMENT", "none")


@dataclass(frozen=True, slots=True)
class TraceConfig:
    """Set by Lambda: the trace `header` of the invocation and the address of the X-Ray `daemon`. Both may be empty."""

    header: str
    daemon: str

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        return cls(variables.get("_X_AMZN_TRACE_ID", ""), variables.get("AWS_XRAY_DAEMON_ADDRESS", ""))


@dataclass(frozen=True, slots=True)
class PrepareConfig:
    """`default_options` and `host_limits` are those of the stack's settings. Manifests of up to `check_bytes` bytes are
    checked whole.

    `local_run` is None in AWS: only the local AWS sets LOCAL_RUN.
    """

    runs_table: str
    default_options: OptionValues
    check_bytes: int
    host_limits: HostLimits
    local_run: LocalRun | None = None

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigError."""
        return cls(
            runs_table=_required(variables, "RUNS_TABLE"),
            default_options=_parsed(variables, "DEFAULT_OPTIONS", _json_object, "a JSON object of options by name"),
            check_bytes=_parsed(variables, "CHECK_BYTES", int, "a number of bytes"),
            host_limits=_parsed(variables, "HOST_LIMITS", HostLimits.parse, "a JSON object of limits by host"),
            local_run=_local_run(variables),
        )


@dataclass(frozen=True, slots=True)
class DownloadConfig:
    """`addresses` allows the networks of ALLOWED_NETWORKS. `contact` is part of the User-Agent and may be empty.

    The keys of all images that are stored have the prefix `images_prefix`. `pass_seconds` is the unit of the waits for
    a pass: only the local AWS sets PASS_SECONDS.
    """

    images_bucket: str
    images_prefix: str
    images_table: str
    hosts_table: str
    input_bucket: str
    topic_arn: str
    addresses: AddressPolicy
    contact: str
    pass_seconds: float = PASS_SECONDS

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigError."""
        return cls(
            images_bucket=_required(variables, "IMAGES_BUCKET"),
            images_prefix=_required(variables, "IMAGES_PREFIX"),
            images_table=_required(variables, "IMAGES_TABLE"),
            hosts_table=_required(variables, "HOSTS_TABLE"),
            input_bucket=_required(variables, "INPUT_BUCKET"),
            topic_arn=_required(variables, "TOPIC_ARN"),
            addresses=_parsed(variables, "ALLOWED_NETWORKS", AddressPolicy.parse, "comma-separated CIDR blocks"),
            contact=_required(variables, "CONTACT"),
            pass_seconds=_pass_seconds(variables),
        )


@dataclass(frozen=True, slots=True)
class PlanConfig:
    """The bucket of the run's files and the table of its record. A run ends `run_timeout_seconds` after its start.

    `pass_seconds` is the minimum wait before a pass: only the local AWS sets PASS_SECONDS.
    """

    input_bucket: str
    runs_table: str
    run_timeout_seconds: int
    pass_seconds: float = PASS_SECONDS

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigError."""
        return cls(
            input_bucket=_required(variables, "INPUT_BUCKET"),
            runs_table=_required(variables, "RUNS_TABLE"),
            run_timeout_seconds=_parsed(variables, "RUN_TIMEOUT_SECONDS", int, "a number of seconds"),
            pass_seconds=_pass_seconds(variables),
        )


@dataclass(frozen=True, slots=True)
class SummarizeConfig:
    """The bucket of the run's files, the table of its record, the topic of its notifications, and the state machine of
    its index.

    The links of the report to images leave `images_prefix` out. `local_run` is None in AWS: only the local AWS sets
    LOCAL_RUN.
    """

    input_bucket: str
    runs_table: str
    topic_arn: str
    images_prefix: str
    index_machine_arn: str
    local_run: LocalRun | None = None

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigError."""
        return cls(
            input_bucket=_required(variables, "INPUT_BUCKET"),
            runs_table=_required(variables, "RUNS_TABLE"),
            topic_arn=_required(variables, "TOPIC_ARN"),
            images_prefix=_required(variables, "IMAGES_PREFIX"),
            index_machine_arn=_required(variables, "INDEX_MACHINE_ARN"),
            local_run=_local_run(variables),
        )


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """The bucket of the run's files, and the table of its record."""

    input_bucket: str
    runs_table: str

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigError."""
        return cls(_required(variables, "INPUT_BUCKET"), _required(variables, "RUNS_TABLE"))


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """The buckets and tables of runs and images, and the state machine that the API starts.

    The API may read the images under `images_prefix` only.
    """

    images_bucket: str
    images_prefix: str
    images_table: str
    input_bucket: str
    runs_table: str
    state_machine_arn: str

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigError."""
        return cls(
            images_bucket=_required(variables, "IMAGES_BUCKET"),
            images_prefix=_required(variables, "IMAGES_PREFIX"),
            images_table=_required(variables, "IMAGES_TABLE"),
            input_bucket=_required(variables, "INPUT_BUCKET"),
            runs_table=_required(variables, "RUNS_TABLE"),
            state_machine_arn=_required(variables, "STATE_MACHINE_ARN"),
        )


def _local_run(variables: Mapping[str, str]) -> LocalRun | None:
    if "LOCAL_RUN" not in variables:
        return None
    return _parsed(variables, "LOCAL_RUN", LocalRun.parse, EXPECTED_LOCAL_RUN)


def _pass_seconds(variables: Mapping[str, str]) -> float:
    if "PASS_SECONDS" not in variables:
        return PASS_SECONDS
    return _parsed(variables, "PASS_SECONDS", float, "a number of seconds")


def _required(variables: Mapping[str, str], name: str) -> str:
    try:
        return variables[name]
    except KeyError as error:
        raise ConfigError(f"The environment variable {name} of this function is not set. The stack sets it.") from error


def _parsed(variables: Mapping[str, str], name: str, parse: Callable[[str], T], expected: str) -> T:
    """`parse` raises ValueError for an invalid text."""
    text = _required(variables, name)
    try:
        return parse(text)
    except ValueError as error:
        message = f"The environment variable {name} of this function must be {expected}, but is {text!r}: {error}"
        raise ConfigError(message) from error


def _json_object(text: str) -> OptionValues:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"it is a {type(value).__name__}")
    return value
