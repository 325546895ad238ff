"""The order of downloads, and the circuit breaker of each host."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.download.host_scheduler import (
    CONSECUTIVE_FAILURES_TO_OPEN,
    CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS,
    HostScheduler,
)
from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.urls import host_of

BUSY = RowError(Reason.HTTP_BUSY, "busy")
BUSY_FOR_A_MINUTE = RowError(Reason.HTTP_BUSY, "busy", wait=60.0)
MISSING = RowError(Reason.HTTP_4XX, "missing")


def rows(hosts: str) -> list[Row]:
    """A row for each letter, which names its host."""
    return [Row(number, f"http://{host}.example/{number}") for number, host in enumerate(hosts, start=1)]


def letters(taken: list[Row]) -> str:
    return "".join(host_of(row.url)[0] for row in taken)


def take(scheduler: HostScheduler) -> Row:
    row = scheduler.take()
    assert row is not None
    return row


def fail(scheduler: HostScheduler, times: int) -> list[list[Row]]:
    return [scheduler.done(take(scheduler), BUSY) for _ in range(times)]


def test_hosts_take_turns() -> None:
    scheduler = HostScheduler(rows("aaaaabbc"), per_host=8)

    assert letters([take(scheduler) for _ in range(8)]) == "abcabaaa"
    assert scheduler.take() is None


def test_a_hosts_rows_come_in_their_order() -> None:
    scheduler = HostScheduler(rows("aaa"), per_host=8)

    assert [take(scheduler).number for _ in range(3)] == [1, 2, 3]


def test_a_full_host_keeps_no_other_waiting() -> None:
    scheduler = HostScheduler(rows("aabbb"), per_host=1)
    slow = take(scheduler)
    others = []
    for _ in range(3):
        others.append(take(scheduler))
        scheduler.done(others[-1], None)
    scheduler.done(slow, None)

    assert letters([slow, *others, take(scheduler)]) == "abbba"


def test_no_rows_is_the_end() -> None:
    assert HostScheduler([], per_host=1).take() is None


def test_a_host_on_another_port_is_another_host() -> None:
    first, second = Row(1, "http://a.example/1"), Row(2, "http://a.example:8080/2")
    scheduler = HostScheduler([first, second], per_host=1)

    assert [take(scheduler), take(scheduler)] == [first, second]


def test_three_consecutive_failures_open_the_circuit_of_a_host_without_a_success() -> None:
    scheduler = HostScheduler(rows("aaaaab"), per_host=8)
    first, other = take(scheduler), take(scheduler)
    scheduler.done(first, BUSY)

    cancelled = fail(scheduler, CONSECUTIVE_FAILURES_TO_OPEN - 1)

    assert [letters(batch) for batch in cancelled] == ["", "aa"]
    assert scheduler.done(other, None) == []
    assert scheduler.take() is None


@pytest.mark.parametrize("error", [None, MISSING])
def test_a_success_resets_the_count_of_failures(error: RowError | None) -> None:
    scheduler = HostScheduler(
        rows("a" * (CONSECUTIVE_FAILURES_TO_OPEN + CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS)), per_host=1
    )
    fail(scheduler, CONSECUTIVE_FAILURES_TO_OPEN - 1)
    scheduler.done(take(scheduler), error)

    assert not any(fail(scheduler, CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS - 1))
    assert letters([take(scheduler)]) == "a"


@pytest.mark.parametrize("error", [None, MISSING])
def test_more_failures_open_the_circuit_of_a_host_with_a_success(error: RowError | None) -> None:
    """Ten random failures in a hundred requests include three consecutive ones now and then."""
    scheduler = HostScheduler(rows("a" * (CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS + 3)), per_host=1)
    scheduler.done(take(scheduler), error)

    assert not any(fail(scheduler, CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS - 1))
    assert [letters(batch) for batch in fail(scheduler, 1)] == ["aa"]


def test_a_retry_after_opens_the_circuit_at_once() -> None:
    scheduler = HostScheduler(rows("aaa"), per_host=1)

    assert letters(scheduler.done(take(scheduler), BUSY_FOR_A_MINUTE)) == "aa"
    assert scheduler.take() is None


def test_rows_in_flight_when_the_circuit_opens_still_end() -> None:
    scheduler = HostScheduler(rows("aaaa"), per_host=2)
    first, second = take(scheduler), take(scheduler)
    scheduler.done(first, BUSY_FOR_A_MINUTE)

    assert scheduler.done(second, BUSY_FOR_A_MINUTE) == []
    assert scheduler.take() is None


def test_pending_rows_can_be_cancelled() -> None:
    scheduler = HostScheduler(rows("aaabb"), per_host=1)
    started = take(scheduler)

    assert letters(scheduler.cancel_pending()) == "aabb"
    assert scheduler.take() is None
    assert scheduler.done(started, None) == []
    assert scheduler.cancel_pending() == []


def test_a_thread_that_waits_for_a_host_is_woken_when_there_is_room() -> None:
    scheduler = HostScheduler(rows("aaa"), per_host=1)
    first = take(scheduler)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(take, scheduler)
        scheduler.done(first, None)

        assert waiting.result(timeout=10).number == 2


def test_a_thread_that_waits_for_a_host_is_woken_when_pending_rows_are_cancelled() -> None:
    scheduler = HostScheduler(rows("aa"), per_host=1)
    take(scheduler)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(scheduler.take)
        scheduler.cancel_pending()

        assert waiting.result(timeout=10) is None


def test_a_host_whose_image_is_being_stored_may_get_another_request() -> None:
    scheduler = HostScheduler(rows("aab"), per_host=1, concurrency=2)
    first, other = take(scheduler), take(scheduler)

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(take, scheduler)
        scheduler.done(other, None)
        assert not second.done()
        scheduler.response_received(first)
        assert second.result(timeout=5).number == 2
    assert scheduler.done(first, None) == []


def test_there_are_at_most_concurrency_requests_however_many_images_are_being_stored() -> None:
    scheduler = HostScheduler(rows("abcdef"), per_host=8, concurrency=2)
    started = [take(scheduler) for _ in range(2)]
    for row in started:
        scheduler.response_received(row)
    started += [take(scheduler) for _ in range(2)]

    with ThreadPoolExecutor(1) as pool:
        fifth = pool.submit(take, scheduler)
        for row in started[:2]:
            scheduler.done(row, None)  # their responses were complete before
        assert not fifth.done()
        scheduler.response_received(started[2])
        assert fifth.result(timeout=5).number == 5


def test_a_row_whose_image_is_being_stored_is_in_flight() -> None:
    scheduler = HostScheduler(rows("ab"), per_host=8, limit=1)
    first = take(scheduler)
    scheduler.response_received(first)

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(take, scheduler)
        assert not second.done()
        scheduler.done(first, None)
        assert second.result(timeout=5).number == 2


def test_a_success_counts_when_the_response_is_complete_and_not_when_it_is_stored() -> None:
    scheduler = HostScheduler(rows("a" * (CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS + 4)), per_host=8)
    slow = take(scheduler)
    fail(scheduler, CONSECUTIVE_FAILURES_TO_OPEN - 1)
    scheduler.response_received(slow)

    fail(scheduler, CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS - 1)
    scheduler.done(slow, None)
    assert [letters(batch) for batch in fail(scheduler, 1)] == ["a"]  # the eighth in a row since that response


class Crowd:
    """Threads that take rows until none is left. Each row ends with one of `errors`, some after a complete response."""

    def __init__(self, pending: list[Row], errors: list[RowError | None], per_host: int) -> None:
        self.scheduler = HostScheduler(pending, per_host, concurrency=4, limit=5)
        self.ended: Counter[int] = Counter()
        self.peak: Counter[str] = Counter()
        self._faults = errors
        self._active: Counter[str] = Counter()
        self._lock = threading.Lock()

    def work(self) -> None:
        while (row := self.scheduler.take()) is not None:
            host = host_of(row.url)
            with self._lock:
                self._active[host] += 1
                self.peak[host] = max(self.peak[host], self._active[host])
            with self._lock:
                self._active[host] -= 1
            if row.number % 2:
                self.scheduler.response_received(row)
            cancelled = self.scheduler.done(row, self._faults[row.number % len(self._faults)])
            with self._lock:
                self.ended.update([row.number, *(other.number for other in cancelled)])


@settings(max_examples=60)
@given(
    hosts=st.text("abcd", max_size=40),
    errors=st.lists(st.sampled_from([None, None, BUSY, BUSY_FOR_A_MINUTE, MISSING]), min_size=1, max_size=5),
    per_host=st.integers(1, 3),
    threads=st.integers(1, 6),
)
def test_every_row_ends_once_and_no_thread_waits_for_ever(
    hosts: str, errors: list[RowError | None], per_host: int, threads: int
) -> None:
    crowd = Crowd(rows(hosts), errors, per_host)
    workers = [threading.Thread(target=crowd.work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=20)

    assert not any(worker.is_alive() for worker in workers)
    assert crowd.ended == Counter(range(1, len(hosts) + 1))
    assert max(crowd.peak.values(), default=0) <= per_host


def test_at_most_limit_rows_are_in_flight() -> None:
    scheduler = HostScheduler(rows("abcdef"), per_host=8, limit=2)
    first = take(scheduler)
    take(scheduler)

    with ThreadPoolExecutor(1) as pool:
        third = pool.submit(take, scheduler)
        assert not third.done()
        scheduler.done(first, None)
        assert host_of(third.result(timeout=5).url) == "c.example"


def test_waiting_threads_are_woken_when_the_limit_rises() -> None:
    scheduler = HostScheduler(rows("abc"), per_host=8, limit=1)
    take(scheduler)

    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(take, scheduler) for _ in range(2)]
        scheduler.set_limit(3)
        assert {other.result(timeout=5).number for other in others} == {2, 3}


def test_rows_in_flight_continue_when_the_limit_falls() -> None:
    scheduler = HostScheduler(rows("abcd"), per_host=8, limit=3)
    started = [take(scheduler) for _ in range(3)]
    scheduler.set_limit(1)

    with ThreadPoolExecutor(1) as pool:
        last = pool.submit(take, scheduler)
        for row in started:
            assert not last.done()
            scheduler.done(row, None)
        assert last.result(timeout=5).number == 4
