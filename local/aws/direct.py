"""What the process of a cloud reads of a run without HTTP: a request to itself would take time from its downloads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from local.states import Engine, StatesApi

if TYPE_CHECKING:
    from local.aws.cloud import Cloud


class DirectStates:
    """The calls of a Step Functions client that follow an execution. Any: the members of an answer differ."""

    def __init__(self, engine: Engine) -> None:
        self._api = StatesApi(engine)

    def describe_execution(self, **members: str) -> dict[str, Any]:
        return self._api.call("DescribeExecution", members)

    def list_map_runs(self, **members: str) -> dict[str, Any]:
        return self._api.call("ListMapRuns", members)

    def describe_map_run(self, **members: str) -> dict[str, Any]:
        return self._api.call("DescribeMapRun", members)


class CreatedObjects:
    """Counts the objects that are created, by bucket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, bucket: str) -> None:
        with self._lock:
            self._counts[bucket] += 1

    def count(self, bucket: str) -> int:
        return self._counts[bucket]


def direct_clients(cloud: Cloud) -> Callable[[str], Any]:
    """The clients of a cloud, with DirectStates for Step Functions. Any: the type depends on the service."""
    states = DirectStates(cloud.engine)
    return lambda service: states if service == "stepfunctions" else cloud.client(service)


def stored_counter(cloud: Cloud) -> Callable[[], int]:
    """Counts the images that are stored from now on."""
    bucket = cloud.outputs["ImagesBucket"]
    before = cloud.created.count(bucket)
    return lambda: cloud.created.count(bucket) - before


def waiter(cloud: Cloud, execution_arn: str) -> Callable[[float], object]:
    """Waits for a number of seconds, or for the end of the execution if that is earlier."""
    return cloud.engine.execution(execution_arn).done.wait
