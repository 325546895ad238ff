"""Concurrency limits, and asynchronous invocations that are repeated and then reported."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from local.lambdas.asynchronous import Event, EventQueue, failed_wait, throttled_wait
from local.lambdas.concurrency import ACCOUNT_LIMIT, RESERVED_LIMIT, Concurrency, ThrottledError
from local.lambdas.function import FunctionConfig, Target
from local.lambdas.host import FunctionHost
from local.lambdas.sandbox import InvocationResult
from tests.unit.local.conftest import HANDLERS, Lines

FUNCTION = FunctionConfig("f", "handler", 3, 128)
ERROR = InvocationResult({"errorType": "ValueError", "errorMessage": "no"}, "Unhandled", "id")
SUCCESS = InvocationResult("done", None, "id")


def throttled(concurrency: Concurrency, *functions: str) -> list[str]:
    """The reason for each function, invoked while those before it still run; empty for one that is not throttled."""
    reasons = []
    with ExitStack() as running:
        for function in functions:
            try:
                running.enter_context(concurrency.invocation(function))
                reasons.append("")
            except ThrottledError as error:
                reasons.append(error.reason)
    return reasons


def test_functions_share_the_concurrency_of_the_account() -> None:
    assert throttled(Concurrency(2), "f", "g", "f", "g") == ["", "", ACCOUNT_LIMIT, ACCOUNT_LIMIT]


def test_an_invocation_that_has_ended_does_not_count() -> None:
    concurrency = Concurrency(1)

    assert [throttled(concurrency, "f") for _ in range(3)] == [[""]] * 3
    assert concurrency.running == {"f": 0}


def test_reserved_concurrency_is_for_its_function_only() -> None:
    concurrency = Concurrency(3)
    concurrency.reserve("f", 1)

    assert throttled(concurrency, "f", "f", "g", "g", "g") == ["", RESERVED_LIMIT, "", "", ACCOUNT_LIMIT]


def test_reserved_concurrency_holds_without_a_limit_of_the_account() -> None:
    concurrency = Concurrency()
    concurrency.reserve("f", 0)

    assert throttled(concurrency, "f", *"gggggg") == [RESERVED_LIMIT, *[""] * 6]


class FakeFunction:
    """Returns or raises the results one after the other, and keeps the events that have failed."""

    def __init__(self, *results: InvocationResult | Exception) -> None:
        self.results = list(results)
        self.failed: list[tuple[Event, str]] = []

    def invoke(self, function: FunctionConfig, payload: Any) -> InvocationResult:
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def on_failure(self, event: Event, condition: str) -> None:
        self.failed.append((event, condition))

    def run(self, function: FunctionConfig, retry_seconds: float = 0.0) -> None:
        queue = EventQueue(self.invoke, self.on_failure, retry_seconds)
        queue.put(function, {"row": 1})
        queue.flush()
        queue.close()


def test_a_failure_is_repeated_twice_and_then_reported_with_a_record() -> None:
    fake = FakeFunction(ERROR, ERROR, ERROR)

    fake.run(FUNCTION)

    ((event, condition),) = fake.failed
    record = event.record("arn:f", condition)
    assert record["requestContext"]["functionArn"] == "arn:f:$LATEST"
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestPayload"] == {"row": 1}
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"] == ERROR.payload


def test_a_success_after_a_failure_ends_the_retries() -> None:
    fake = FakeFunction(ERROR, SUCCESS)

    fake.run(FUNCTION)

    assert (fake.results, fake.failed) == ([], [])


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_the_template_sets_the_number_of_retries(retries: int) -> None:
    fake = FakeFunction(*[ERROR] * 5)

    fake.run(replace(FUNCTION, max_retries=retries))

    assert len(fake.results) == 4 - retries


def test_throttles_do_not_count_as_attempts() -> None:
    fake = FakeFunction(*[ThrottledError(ACCOUNT_LIMIT)] * 4, ERROR, ThrottledError(ACCOUNT_LIMIT), SUCCESS)

    fake.run(FUNCTION)

    assert (fake.results, fake.failed) == ([], [])


def test_an_event_that_becomes_too_old_is_reported() -> None:
    fake = FakeFunction(ERROR)

    fake.run(replace(FUNCTION, max_event_age_seconds=60), retry_seconds=61)

    ((event, condition),) = fake.failed
    assert (condition, event.attempts) == ("EventAgeExceeded", 1)


def test_the_waits_are_those_of_lambda() -> None:
    assert [failed_wait(attempts) for attempts in (1, 2)] == [60, 120]
    assert [throttled_wait(throttles) for throttles in (1, 2, 3, 9, 10, 99)] == [1, 2, 4, 256, 300, 300]


def test_closing_does_not_wait_for_events_that_are_not_due() -> None:
    fake = FakeFunction(ERROR)
    given = threading.Event()
    queue = EventQueue(lambda *arguments: (given.set(), fake.invoke(*arguments))[1], fake.on_failure, 60)
    queue.put(FUNCTION, {})
    assert given.wait(5)

    queue.close()

    assert fake.failed == []
    assert not queue.put(FUNCTION, {})


@pytest.fixture
def limited(lines: Lines) -> Iterator[Callable[..., FunctionHost]]:
    with ExitStack() as cleanup:

        def create(**settings: Any) -> FunctionHost:
            host = FunctionHost(Target("us-east-1", "123456789012", "http://127.0.0.1:1"), lines, 4, **settings)
            cleanup.callback(host.close)
            return host

        yield create


def test_an_invocation_above_the_concurrency_is_throttled_and_the_others_run(
    limited: Callable[..., FunctionHost], lines: Lines
) -> None:
    host = limited(concurrency=2)
    host.register(FunctionConfig("wait", f"{HANDLERS}.wait", 20, 256))
    with ThreadPoolExecutor(2) as callers:
        running = [callers.submit(host.invoke, "wait", {}) for _ in range(2)]
        _until(lambda: host._concurrency.running.get("wait") == 2)
        with pytest.raises(ThrottledError, match="Rate Exceeded"):
            host.invoke("wait", {})
        host.close()

    assert all(future.done() for future in running)


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("the condition did not become true")


def test_a_function_that_fails_asynchronously_is_invoked_three_times(limited: Callable[..., FunctionHost]) -> None:
    failed: list[Event] = []
    host = limited(on_failure=lambda event, condition: failed.append(event))
    host.register(FunctionConfig("fail", f"{HANDLERS}.fail", 20, 256))

    host.invoke_later("fail", {"row": 1})
    host.flush()

    assert [event.attempts for event in failed] == [3]
    assert failed[0].result is not None
    assert failed[0].result.payload["errorMessage"] == "no such manifest"
