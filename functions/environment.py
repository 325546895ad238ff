"""Each function's environment, read once. A test holds these models against what the stack sets."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from functions.core.web.addresses import AddressPolicy


@dataclass(frozen=True, slots=True)
class PrepareEnvironment:
    """`default_options` are those of the stack's settings."""

    runs_table: str
    default_options: Mapping[str, Any]

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        return cls(variables["RUNS_TABLE"], json.loads(variables["DEFAULT_OPTIONS"]))


@dataclass(frozen=True, slots=True)
class DownloadEnvironment:
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
class SummarizeEnvironment:
    """Where the parts are and where the run is recorded."""

    input_bucket: str
    runs_table: str
    topic_arn: str

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        return cls(variables["INPUT_BUCKET"], variables["RUNS_TABLE"], variables["TOPIC_ARN"])
