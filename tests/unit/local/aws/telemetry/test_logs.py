"""The output of workers in CloudWatch Logs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws import backend
from local.aws.backend import telemetry
from local.aws.telemetry import logs
from local.aws.telemetry.logs import Logs


class FakeLogs:
    """A fake of CloudWatch Logs that blocks at the first batch until it is released."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()
        self.messages: list[str] = []
        self.error: Exception | None = None

    def put(self, group: str, stream: str, events: list[dict[str, Any]]) -> None:
        self.reached.set()
        self.released.wait(5)
        error, self.error = self.error, None
        if error is not None:
            raise error
        self.messages += [event["message"] for event in events]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeLogs:
    fake = FakeLogs()
    monkeypatch.setattr(backend, "put_log_events", fake.put)
    monkeypatch.setattr(logs, "MAX_WAITING", 2)
    return fake


@pytest.fixture
def sink(fake: FakeLogs) -> Iterator[Logs]:
    sink = Logs()
    yield sink
    fake.released.set()
    sink.close()


def test_lines_over_the_limit_are_dropped_and_counted_in_the_log(sink: Logs, fake: FakeLogs) -> None:
    sink("g", "s", ["first"])
    assert fake.reached.wait(5)
    for name in ("second", "third", "dropped", "dropped"):
        sink("g", "s", [name])
    fake.released.set()
    sink.flush()
    sink("g", "s", ["last"])
    sink.flush()
    note = "(2 lines were dropped here)"
    assert [line for line in fake.messages if line != note] == ["first", "second", "third", "last"]
    assert fake.messages.count(note) == 1


def test_lines_that_are_rejected_do_not_end_the_log(sink: Logs, fake: FakeLogs) -> None:
    fake.released.set()
    fake.error = ValueError("rejected")
    sink("g", "s", ["rejected"])
    sink("g", "s", ["accepted"])
    sink.flush()
    assert fake.messages == ["accepted"]


def test_a_group_that_does_not_exist_is_created() -> None:
    sink = Logs()
    sink("/aws/lambda/new", "stream", ["a line"])
    sink.flush()
    sink.close()
    group = telemetry.logs_backends[backend.ACCOUNT][backend.REGION].groups["/aws/lambda/new"]
    assert [event.message for event in group.streams["stream"].events] == ["a line"]
    backend.reset()
