"""A local AWS of its own: its functions make smaller groups of rows, and smaller ranges of manifests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws.cloud import Cloud
from local.lambdas.function import WORKER_IMPORTS
from tests.integration.conftest import assembly
from tests.support import small_groups

__all__ = ["assembly"]


@pytest.fixture(scope="package", name="cloud")
def cloud_with_small_groups(assembly: Path) -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv(WORKER_IMPORTS, small_groups.__name__)
        with Cloud(assembly=assembly, allow="127.0.0.0/8") as cloud:
            yield cloud


def states_of(cloud: Cloud, arn: str) -> list[str]:
    """The names of the states that an execution has entered."""
    pages = cloud.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
    events = [event for page in pages for event in page["events"]]
    return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
