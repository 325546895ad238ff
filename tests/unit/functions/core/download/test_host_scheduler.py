"""Whose turn it is."""

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
    """A row for each letter, which is its host."""
    return [Row(number, f"http://{host}.example/{number}") for number, host in enumerate(hosts, start=1)]


def letters(taken: list[Row]) -> str:
    return "".join(host_of(row.url)[0] for row in taken)


def take(queues: HostScheduler) -> Row:
    row = queues.take()
    assert row is not None
    return row


def refuse(queues: HostScheduler, times: int) -> list[list[Row]]:
    return [queues.done(take(queues), BUSY) for _ in range(times)]


def test_hosts_take_turns() -> None:
    queues = HostScheduler(rows("aaaaabbc"), per_host=8)

    assert letters([take(queues) for _ in range(8)]) == "abcabaaa"
    assert queues.take() is None


def test_a_hosts_rows_come_in_their_order() -> None:
    queues = HostScheduler(rows("aaa"), per_host=8)

    assert [take(queues).number for _ in range(3)] == [1, 2, 3]


def test_a_full_host_keeps_no_other_waiting() -> None:
    queues = HostScheduler(rows("aabbb"), per_host=1)
    slow = take(queues)
    others = []
    for _ in range(3):
        others.append(take(queues))
        queues.done(others[-1], None)
    queues.done(slow, None)

    assert letters([slow, *others, take(queues)]) == "abbba"


def test_no_rows_is_the_end() -> None:
    assert HostScheduler([], per_host=1).take() is None


def test_a_host_on_another_port_is_another_host() -> None:
    first, second = Row(1, "http://a.example/1"), Row(2, "http://a.example:8080/2")
    queues = HostScheduler([first, second], per_host=1)

    assert [take(queues), take(queues)] == [first, second]


def test_a_host_that_answers_nothing_and_refuses_three_times_in_a_row_is_left_alone() -> None:
    queues = HostScheduler(rows("aaaaab"), per_host=8)
    first, other = take(queues), take(queues)
    queues.done(first, BUSY)

    given_up = refuse(queues, CONSECUTIVE_FAILURES_TO_OPEN - 1)

    assert [letters(batch) for batch in given_up] == ["", "aa"]
    assert queues.done(other, None) == []
    assert queues.take() is None


@pytest.mark.parametrize("fault", [None, MISSING])
def test_an_answer_that_is_no_refusal_begins_the_count_anew(fault: RowError | None) -> None:
    queues = HostScheduler(
        rows("a" * (CONSECUTIVE_FAILURES_TO_OPEN + CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS)), per_host=1
    )
    refuse(queues, CONSECUTIVE_FAILURES_TO_OPEN - 1)
    queues.done(take(queues), fault)

    assert not any(refuse(queues, CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS - 1))
    assert letters([take(queues)]) == "a"


@pytest.mark.parametrize("fault", [None, MISSING])
def test_a_host_that_has_answered_may_refuse_more_often_before_it_is_left_alone(fault: RowError | None) -> None:
    """Ten in a hundred at random are three in a row every now and then."""
    queues = HostScheduler(rows("a" * (CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS + 3)), per_host=1)
    queues.done(take(queues), fault)

    assert not any(refuse(queues, CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS - 1))
    assert [letters(batch) for batch in refuse(queues, 1)] == ["aa"]


def test_a_host_that_asks_to_wait_is_left_alone_at_once() -> None:
    queues = HostScheduler(rows("aaa"), per_host=1)

    assert letters(queues.done(take(queues), BUSY_FOR_A_MINUTE)) == "aa"
    assert queues.take() is None


def test_rows_under_way_when_their_host_is_left_alone_still_end() -> None:
    queues = HostScheduler(rows("aaaa"), per_host=2)
    first, second = take(queues), take(queues)
    queues.done(first, BUSY_FOR_A_MINUTE)

    assert queues.done(second, BUSY_FOR_A_MINUTE) == []
    assert queues.take() is None


def test_what_has_not_begun_can_be_given_up() -> None:
    queues = HostScheduler(rows("aaabb"), per_host=1)
    begun = take(queues)

    assert letters(queues.give_up()) == "aabb"
    assert queues.take() is None
    assert queues.done(begun, None) == []
    assert queues.give_up() == []


def test_a_thread_that_waits_for_a_host_is_woken_when_there_is_room() -> None:
    queues = HostScheduler(rows("aaa"), per_host=1)
    first = take(queues)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(take, queues)
        queues.done(first, None)

        assert waiting.result(timeout=10).number == 2


def test_a_thread_that_waits_for_a_host_is_woken_when_all_is_given_up() -> None:
    queues = HostScheduler(rows("aa"), per_host=1)
    take(queues)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(queues.take)
        queues.give_up()

        assert waiting.result(timeout=10) is None


def test_a_host_whose_answer_is_being_stored_may_be_asked_again() -> None:
    queues = HostScheduler(rows("aab"), per_host=1, concurrency=2)
    first, other = take(queues), take(queues)

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(take, queues)
        queues.done(other, None)
        assert not second.done()
        queues.answered(first)
        assert second.result(timeout=5).number == 2
    assert queues.done(first, None) == []


def test_no_more_are_asked_for_than_concurrency_says_however_many_are_being_stored() -> None:
    queues = HostScheduler(rows("abcdef"), per_host=8, concurrency=2)
    begun = [take(queues) for _ in range(2)]
    for row in begun:
        queues.answered(row)
    begun += [take(queues) for _ in range(2)]

    with ThreadPoolExecutor(1) as pool:
        fifth = pool.submit(take, queues)
        for row in begun[:2]:
            queues.done(row, None)  # their servers had answered before
        assert not fifth.done()
        queues.answered(begun[2])
        assert fifth.result(timeout=5).number == 5


def test_what_is_being_stored_is_under_way() -> None:
    queues = HostScheduler(rows("ab"), per_host=8, at_once=1)
    first = take(queues)
    queues.answered(first)

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(take, queues)
        assert not second.done()
        queues.done(first, None)
        assert second.result(timeout=5).number == 2


def test_an_answer_counts_when_it_comes_and_not_when_it_is_stored() -> None:
    queues = HostScheduler(rows("a" * (CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS + 4)), per_host=8)
    slow = take(queues)
    refuse(queues, CONSECUTIVE_FAILURES_TO_OPEN - 1)
    queues.answered(slow)

    refuse(queues, CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS - 1)
    queues.done(slow, None)
    assert [letters(batch) for batch in refuse(queues, 1)] == ["a"]  # the eighth in a row since that answer


class Crowd:
    """Threads that take rows until none is left, each row ending as `faults` say, some after they were answered."""

    def __init__(self, given: list[Row], faults: list[RowError | None], per_host: int) -> None:
        self.queues = HostScheduler(given, per_host, concurrency=4, at_once=5)
        self.ended: Counter[int] = Counter()
        self.most: Counter[str] = Counter()
        self._faults = faults
        self._active: Counter[str] = Counter()
        self._lock = threading.Lock()

    def work(self) -> None:
        while (row := self.queues.take()) is not None:
            host = host_of(row.url)
            with self._lock:
                self._active[host] += 1
                self.most[host] = max(self.most[host], self._active[host])
            with self._lock:
                self._active[host] -= 1
            if row.number % 2:
                self.queues.answered(row)
            given_up = self.queues.done(row, self._faults[row.number % len(self._faults)])
            with self._lock:
                self.ended.update([row.number, *(other.number for other in given_up)])


@settings(max_examples=60)
@given(
    hosts=st.text("abcd", max_size=40),
    faults=st.lists(st.sampled_from([None, None, BUSY, BUSY_FOR_A_MINUTE, MISSING]), min_size=1, max_size=5),
    per_host=st.integers(1, 3),
    threads=st.integers(1, 6),
)
def test_every_row_ends_once_and_no_thread_waits_for_ever(
    hosts: str, faults: list[RowError | None], per_host: int, threads: int
) -> None:
    crowd = Crowd(rows(hosts), faults, per_host)
    workers = [threading.Thread(target=crowd.work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=20)

    assert not any(worker.is_alive() for worker in workers)
    assert crowd.ended == Counter(range(1, len(hosts) + 1))
    assert max(crowd.most.values(), default=0) <= per_host


def test_no_more_rows_than_allowed_are_under_way_at_once() -> None:
    queues = HostScheduler(rows("abcdef"), per_host=8, at_once=2)
    first = take(queues)
    take(queues)

    with ThreadPoolExecutor(1) as pool:
        third = pool.submit(take, queues)
        assert not third.done()
        queues.done(first, None)
        assert host_of(third.result(timeout=5).url) == "c.example"


def test_who_waits_is_woken_when_more_are_allowed() -> None:
    queues = HostScheduler(rows("abc"), per_host=8, at_once=1)
    take(queues)

    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(take, queues) for _ in range(2)]
        queues.allow(3)
        assert {other.result(timeout=5).number for other in others} == {2, 3}


def test_rows_under_way_stay_when_fewer_are_allowed() -> None:
    queues = HostScheduler(rows("abcd"), per_host=8, at_once=3)
    begun = [take(queues) for _ in range(3)]
    queues.allow(1)

    with ThreadPoolExecutor(1) as pool:
        last = pool.submit(take, queues)
        for row in begun:
            assert not last.done()
            queues.done(row, None)
        assert last.result(timeout=5).number == 4
