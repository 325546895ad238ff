"""The order of downloads, and the circuit breaker of each host."""

import math
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.download.hosts.host import CONSECUTIVE_FAILURES_TO_OPEN, CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS
from functions.core.download.hosts.pace import MAX_IDLE_SECONDS, HostState
from functions.core.download.hosts.scheduler import HostScheduler
from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.urls import host_of

BUSY = RowError(Reason.HTTP_BUSY, "busy")
BUSY_FOR_A_MINUTE = RowError(Reason.HTTP_BUSY, "busy", wait=60.0)
LIMITED = RowError(Reason.HTTP_BUSY, "429", status=429)
DOWN = RowError(Reason.CONNECT, "refused")
MISSING = RowError(Reason.HTTP_4XX, "missing")


def rows(hosts: str) -> list[Row]:
    """A row for each letter, which names its host."""
    return [Row(number, f"http://{host}.example/{number}") for number, host in enumerate(hosts, start=1)]


class Clock:
    """A clock that tests advance."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def letters(taken: list[Row]) -> str:
    return "".join(host_of(row.url)[0] for row in taken)


def take(scheduler: HostScheduler) -> Row:
    row = scheduler.take()
    assert row is not None
    return row


def fail(scheduler: HostScheduler, times: int) -> None:
    for _ in range(times):
        scheduler.done(take(scheduler), DOWN)


def waiting(scheduler: HostScheduler) -> str:
    """The hosts that are waited for."""
    return "".join(name[0] for name in scheduler.states())


def remaining(scheduler: HostScheduler) -> str:
    return letters([row for _, row, _, _ in scheduler.remaining()])


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
    scheduler.done(first, DOWN)

    fail(scheduler, CONSECUTIVE_FAILURES_TO_OPEN - 2)
    assert waiting(scheduler) == ""
    fail(scheduler, 1)

    assert waiting(scheduler) == "a"
    assert not scheduler.done(other, None)
    assert remaining(scheduler) == "aa"


@pytest.mark.parametrize("error", [None, MISSING])
def test_a_success_resets_the_count_of_failures(error: RowError | None) -> None:
    scheduler = HostScheduler(
        rows("a" * (CONSECUTIVE_FAILURES_TO_OPEN + CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS)), per_host=1
    )
    fail(scheduler, CONSECUTIVE_FAILURES_TO_OPEN - 1)
    scheduler.done(take(scheduler), error)

    fail(scheduler, CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS - 1)
    assert waiting(scheduler) == ""
    assert letters([take(scheduler)]) == "a"


@pytest.mark.parametrize("error", [None, MISSING])
def test_more_failures_open_the_circuit_of_a_host_with_a_success(error: RowError | None) -> None:
    """Ten random failures in a hundred requests include three consecutive ones now and then."""
    scheduler = HostScheduler(rows("a" * (CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS + 3)), per_host=1)
    scheduler.done(take(scheduler), error)

    fail(scheduler, CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS - 1)
    assert waiting(scheduler) == ""
    fail(scheduler, 1)
    assert (waiting(scheduler), remaining(scheduler)) == ("a", "aa")


@pytest.mark.parametrize("error", [BUSY_FOR_A_MINUTE, LIMITED])
def test_a_host_that_limits_requests_is_waited_for_at_once(error: RowError) -> None:
    scheduler = HostScheduler(rows("aaa"), per_host=1)
    refused = take(scheduler)

    assert scheduler.done(refused, error)
    assert waiting(scheduler) == "a"
    assert [row.number for _, row, _, _ in scheduler.remaining()] == [2, 3, 1]


def test_a_busy_response_alone_fails_its_row_and_not_its_host() -> None:
    scheduler = HostScheduler(rows("aa"), per_host=1)

    assert not scheduler.done(take(scheduler), BUSY)
    assert letters([take(scheduler)]) == "a"


def test_more_busy_responses_than_answers_are_those_of_a_host_that_limits_requests() -> None:
    """It answers now and then, so there are never eight failures in a row."""
    scheduler = HostScheduler(rows("a" * 40), per_host=1)
    errors = [None, *[BUSY, BUSY, BUSY, None] * 5]
    for error in errors[:14]:
        scheduler.done(take(scheduler), error)

    assert waiting(scheduler) == ""
    scheduler.done(take(scheduler), BUSY)
    assert waiting(scheduler) == "a"


def test_requests_that_were_sent_before_the_wait_change_nothing_but_its_end() -> None:
    clock = Clock()
    scheduler = HostScheduler(rows("aaaaa"), per_host=4, rounds=9, clock=clock)
    sent = [take(scheduler) for _ in range(4)]
    scheduler.done(sent[0], LIMITED)
    assert scheduler.done(sent[1], LIMITED)
    assert scheduler.states()["a.example"].refusals == 1

    assert scheduler.done(sent[2], BUSY_FOR_A_MINUTE)
    assert not scheduler.done(sent[3], None)

    state = scheduler.states()["a.example"]
    assert state.refusals == 1
    assert 60 <= state.not_before <= 61


def test_a_host_is_asked_again_after_its_wait_and_the_others_meanwhile() -> None:
    clock = Clock()
    scheduler = HostScheduler(rows("aabb"), per_host=1, clock=clock, rounds=4)
    scheduler.done(take(scheduler), RowError(Reason.HTTP_BUSY, "", wait=1.0))

    first = take(scheduler)
    seconds = scheduler.resume()
    assert (letters([first]), 1 <= seconds <= 2) == ("b", True)
    scheduler.done(first, None)
    assert letters([take(scheduler)]) == "b"

    clock.now += seconds
    scheduler.resume()
    assert letters([take(scheduler)]) == "a"


def test_a_host_that_was_waited_for_is_asked_at_its_pace_and_faster_while_it_answers() -> None:
    clock = Clock()
    scheduler = HostScheduler(rows("a" * 9), per_host=8, states={"a.example": HostState(0.0, 0, 10.0)}, clock=clock)
    scheduler.resume()
    intervals = []
    for _ in range(4):
        scheduler.response_received(take(scheduler))
        intervals.append(scheduler.resume())
        clock.now += intervals[-1]
        scheduler.resume()

    assert intervals == pytest.approx([1 / 10, 1 / 10.5, 1 / 11, 1 / 11.5])


def test_the_round_ends_when_nothing_is_left_but_a_long_wait() -> None:
    clock = Clock()
    scheduler = HostScheduler(rows("aab"), per_host=1, clock=clock, rounds=4)
    scheduler.done(take(scheduler), RowError(Reason.HTTP_BUSY, "", wait=MAX_IDLE_SECONDS + 1))
    other = take(scheduler)
    scheduler.resume()
    with ThreadPoolExecutor(1) as pool:
        next_row = pool.submit(scheduler.take)
        assert not next_row.done()
        scheduler.done(other, None)
        scheduler.resume()

        assert next_row.result(timeout=10) is None
    assert remaining(scheduler) == "aa"


@pytest.mark.parametrize(("answers", "waits"), [(0, 4), (1, 7)])
def test_a_host_is_given_up_after_some_waits_without_an_answer(answers: int, waits: int) -> None:
    clock = Clock()
    scheduler = HostScheduler(rows("a" * 20), per_host=1, clock=clock, rounds=4)
    for _ in range(answers):
        scheduler.done(take(scheduler), None)
    for _ in range(waits):
        assert scheduler.states().get("a.example", HostState(0, 0, 0)).not_before < 100
        scheduler.resume()
        scheduler.done(take(scheduler), LIMITED)
        clock.now += 100

    assert scheduler.states()["a.example"].not_before == math.inf
    assert scheduler.resume() == math.inf
    assert scheduler.take() is None


def test_the_state_of_a_host_comes_from_the_round_before() -> None:
    clock = Clock()
    state = HostState(20.0, 2, 5.5)
    scheduler = HostScheduler(rows("ab"), per_host=1, clock=clock, states={"a.example": state})
    clock.now += 5

    assert letters([take(scheduler)]) == "b"
    assert scheduler.states() == {"a.example": HostState(15.0, 2, 5.5)}


def test_a_wait_belongs_to_the_host_that_a_redirect_led_to() -> None:
    clock = Clock()
    scheduler = HostScheduler(rows("aaab"), per_host=8, rounds=4, clock=clock)
    first, other, second, third = (take(scheduler) for _ in range(4))
    asked = RowError(Reason.HTTP_BUSY, "429", status=429, wait=3600.0, host="b.example")

    assert scheduler.done(first, asked)
    assert scheduler.done(second, asked)  # it was sent before the wait
    scheduler.check_url(third, "http://c.example/3")
    with pytest.raises(RowError, match=r"The redirect leads to a host that limits or fails requests, .* 429") as raised:
        scheduler.check_url(third, "http://b.example/3")
    assert scheduler.done(third, raised.value)
    scheduler.check_url(other, "http://b.example/4")  # its own request

    state = scheduler.states()["b.example"]
    assert (list(scheduler.states()), state.refusals, state.name) == (["b.example"], 1, "b.example")
    assert [(host, row.number) for host, row, _, _ in scheduler.remaining()] == [
        ("b.example", 1),
        ("b.example", 2),
        ("b.example", 3),
    ]


def test_a_row_that_was_redirected_to_a_host_waits_in_its_queue() -> None:
    clock = Clock()
    states = {"b.example": HostState(1.0, 1, 8.0)}
    scheduler = HostScheduler(rows("aa"), per_host=1, rounds=4, clock=clock, states=states)
    redirected = take(scheduler)
    with pytest.raises(RowError) as raised:
        scheduler.check_url(redirected, "http://b.example/")
    assert scheduler.done(redirected, raised.value)
    assert take(scheduler).number == 2

    clock.now += 1.1
    scheduler.resume()
    assert take(scheduler) is redirected
    scheduler.check_url(redirected, "http://b.example/")


def test_after_stop_no_row_is_handed_out() -> None:
    scheduler = HostScheduler(rows("aaabb"), per_host=1)
    started, late = take(scheduler), take(scheduler)
    scheduler.stop(late)

    assert scheduler.take() is None
    assert not scheduler.done(started, None)
    assert remaining(scheduler) == "aabb"


def test_a_thread_that_waits_for_a_host_is_woken_when_there_is_room() -> None:
    scheduler = HostScheduler(rows("aaa"), per_host=1)
    first = take(scheduler)
    with ThreadPoolExecutor(1) as pool:
        next_row = pool.submit(take, scheduler)
        scheduler.done(first, None)

        assert next_row.result(timeout=10).number == 2


def test_a_thread_that_waits_for_a_host_is_woken_by_stop() -> None:
    scheduler = HostScheduler(rows("aa"), per_host=1)
    take(scheduler)
    with ThreadPoolExecutor(1) as pool:
        next_row = pool.submit(scheduler.take)
        scheduler.stop()

        assert next_row.result(timeout=10) is None


def test_a_host_whose_image_is_being_stored_may_get_another_request() -> None:
    scheduler = HostScheduler(rows("aab"), per_host=1, concurrency=2)
    first, other = take(scheduler), take(scheduler)

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(take, scheduler)
        scheduler.done(other, None)
        assert not second.done()
        scheduler.response_received(first)
        assert second.result(timeout=5).number == 2
    assert not scheduler.done(first, None)


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
    assert waiting(scheduler) == ""
    fail(scheduler, 1)  # the eighth in a row since that response
    assert waiting(scheduler) == "a"


class Crowd:
    """Threads that take rows until none is left. Each row ends with one of `errors`, some after a complete response."""

    def __init__(self, pending: list[Row], errors: list[RowError | None], per_host: int) -> None:
        self.scheduler = HostScheduler(pending, per_host, concurrency=4, limit=5, rounds=2)
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
            if not self.scheduler.done(row, self._faults[row.number % len(self._faults)]):
                with self._lock:
                    self.ended.update([row.number])


@settings(max_examples=60)
@given(
    hosts=st.text("abcd", max_size=40),
    errors=st.lists(st.sampled_from([None, None, BUSY, BUSY_FOR_A_MINUTE, DOWN, MISSING]), min_size=1, max_size=5),
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
        while worker.is_alive():
            crowd.scheduler.resume()
            worker.join(timeout=0.001)

    left = [row.number for _, row, _, _ in crowd.scheduler.remaining()]
    assert crowd.ended + Counter(left) == Counter(range(1, len(hosts) + 1))
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
