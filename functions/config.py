"""Each function's environment, read once. A test holds these models against what the stack sets."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from functions.core.web.addresses import AddressPolicy


def environment_name(variables: Mapping[str, str] = os.environ) -> str:
    """Which deployment it is: a dimension of every metric."""
    return variables.get("ENVIRONMENT", "none")


@dataclass(frozen=True, slots=True)
class TraceConfig:
    """Set by Lambda: `header` anew for each invocation, `daemon` where it takes segments. Both are empty elsewhere."""

    header: str
    daemon: str

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        return cls(variables.get("_X_AMZN_TRACE_ID", ""), variables.get("AWS_XRAY_DAEMON_ADDRESS", ""))


@dataclass(frozen=True, slots=True)
class PrepareConfig:
    """`default_options` are those of the stack's settings; a manifest up to `check_bytes` is read whole."""

    runs_table: str
    default_options: Mapping[str, Any]
    check_bytes: int

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        return cls(variables["RUNS_TABLE"], json.loads(variables["DEFAULT_OPTIONS"]), int(variables["CHECK_BYTES"]))


@dataclass(frozen=True, slots=True)
class DownloadConfig:
    """`addresses` lets the networks of ALLOWED_NETWORKS through; `contact` stands in the User-Agent."""

    images_bucket: str
    images_table: str
    input_bucket: str
    topic_arn: str
    addresses: AddressPolicy
    contact: str

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        return cls(
            images_bucket=variables["IMAGES_BUCKET"],
            images_table=variables["IMAGES_TABLE"],
            input_bucket=variables["INPUT_BUCKET"],
            topic_arn=variables["TOPIC_ARN"],
            addresses=AddressPolicy.parse(variables["ALLOWED_NETWORKS"]),
            contact=variables["CONTACT"],
        )


@dataclass(frozen=True, slots=True)
class SummarizeConfig:
    """Where the parts are and where the run is recorded."""

    input_bucket: str
    runs_table: str
    topic_arn: str

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        return cls(variables["INPUT_BUCKET"], variables["RUNS_TABLE"], variables["TOPIC_ARN"])


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Where runs are recorded and what they have brought, and the state machine that makes them."""

    images_bucket: str
    images_table: str
    input_bucket: str
    runs_table: str
    state_machine_arn: str

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        return cls(
            images_bucket=variables["IMAGES_BUCKET"],
            images_table=variables["IMAGES_TABLE"],
            input_bucket=variables["INPUT_BUCKET"],
            runs_table=variables["RUNS_TABLE"],
            state_machine_arn=variables["STATE_MACHINE_ARN"],
        )
