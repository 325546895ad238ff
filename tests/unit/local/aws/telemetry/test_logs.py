"""Worker output on its way to CloudWatch Logs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws import backend
from local.aws.backend import telemetry
from local.aws.telemetry import logs
from local.aws.telemetry.logs import Logs


class Recorder:
    """In CloudWatch's place: holds the first batch until it is released."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()
        self.messages: list[str] = []
        self.fault: Exception | None = None

    def put(self, group: str, stream: str, events: list[dict[str, Any]]) -> None:
        self.reached.set()
        self.released.wait(5)
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        self.messages += [event["message"] for event in events]


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(backend, "put_log_events", recorder.put)
    monkeypatch.setattr(logs, "MAX_WAITING", 2)
    return recorder


@pytest.fixture
def sink(recorder: Recorder) -> Iterator[Logs]:
    sink = Logs()
    yield sink
    recorder.released.set()
    sink.close()


def test_lines_beyond_what_may_wait_are_dropped_and_said_so(sink: Logs, recorder: Recorder) -> None:
    sink("g", "s", ["first"])
    assert recorder.reached.wait(5)
    for name in ("second", "third", "dropped", "dropped"):
        sink("g", "s", [name])
    recorder.released.set()
    sink.flush()
    sink("g", "s", ["last"])
    sink.flush()
    said = "(2 lines were dropped here)"
    assert [line for line in recorder.messages if line != said] == ["first", "second", "third", "last"]
    assert recorder.messages.count(said) == 1


def test_lines_that_are_refused_do_not_end_the_log(sink: Logs, recorder: Recorder) -> None:
    recorder.released.set()
    recorder.fault = ValueError("refused")
    sink("g", "s", ["refused"])
    sink("g", "s", ["taken"])
    sink.flush()
    assert recorder.messages == ["taken"]


def test_a_group_that_nobody_created_is_created() -> None:
    sink = Logs()
    sink("/aws/lambda/new", "stream", ["a line"])
    sink.flush()
    sink.close()
    group = telemetry.logs_backends[backend.ACCOUNT][backend.REGION].groups["/aws/lambda/new"]
    assert [event.message for event in group.streams["stream"].events] == ["a line"]
    backend.reset()
