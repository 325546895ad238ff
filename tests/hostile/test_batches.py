"""Many rows at once: the good ones are stored in time, whatever the others do."""

import threading
from itertools import chain

import pytest

from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine
from tests.hostile.faults import FAULTS, GOOD, SMALL, Fault
from tests.support.servers import Behaviour, Visit, answer, in_turn, redirect, resetting

SLOW_SECONDS = 2.0


def two_of_each_reason() -> list[Fault]:
    by_reason: dict[str, list[Fault]] = {}
    for fault in FAULTS:
        by_reason.setdefault(fault.reason, []).append(fault)
    return [fault for faults in by_reason.values() for fault in faults[-2:]]


def test_of_a_hundred_rows_with_twenty_hostile_ones_eighty_are_stored_in_time(serve: Serve, engine: Engine) -> None:
    selected = two_of_each_reason()[:20]
    good = serve({f"/{n}.jpg": GOOD for n in range(80)})
    hostile = [serve({"/bad.jpg": fault.behaviour}).url("/bad.jpg") for fault in selected]
    fine = [good.url(f"/{n}.jpg", f"h{n % 5}.test") for n in range(80)]
    rows = list(chain.from_iterable((*fine[4 * n : 4 * n + 4], url) for n, url in enumerate(hostile)))
    result = engine.mirror(*rows, rounds=1, timeout=1.5, **SMALL)
    assert len(result.stored) == 80
    assert len(result.store.objects) == 80
    assert [line["reason"] for line in result.failures] == [fault.reason for fault in selected]
    assert result.seconds[0] < 1.5 + 2


def test_a_slow_host_keeps_no_other_hosts_rows_waiting(serve: Serve, engine: Engine) -> None:
    active: set[threading.Thread] = set()
    peak = 0

    def slow(visit: Visit) -> None:
        nonlocal peak
        active.add(threading.current_thread())
        peak = max(peak, len(active))
        visit.stopping.wait(SLOW_SECONDS)
        active.discard(threading.current_thread())
        GOOD(visit)

    slow_host = serve({f"/{n}.jpg": slow for n in range(50)})
    fast_hosts = serve({"/a.jpg": GOOD})
    rows = [slow_host.url(f"/{n}.jpg") for n in range(50)] + [fast_hosts.url("/a.jpg", f"f{n}.test") for n in range(50)]
    result = engine.mirror(*rows, rounds=1, per_host=4, start_within=SLOW_SECONDS / 2)
    assert set(range(51, 101)) <= set(result.stored)
    assert result.seconds[0] < 3
    assert peak == 4
    assert {line["reason"] for line in result.failures} == {"out_of_time"}


def busy(seconds: str) -> Behaviour:
    return answer(503, {"Retry-After": seconds})


def test_the_workflow_waits_for_a_host_that_sends_retry_after_twice(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": in_turn(busy("2"), busy("2"), GOOD)})
    result = engine.mirror(server.url("/a.jpg"), rounds=4)
    assert result.stored == [1]
    assert server.hits["/a.jpg"] == len(result.seconds) == 3
    assert all(2 <= wait <= 3 for wait in result.waits)
    assert sum(result.seconds) < 1


@pytest.mark.parametrize(
    ("retry_after", "min_wait", "max_wait"),
    [("2", 2, 3), ("59", 59, 60), ("61", 61, 62), ("200", 200, 201)],
)
def test_the_wait_is_that_of_retry_after(
    retry_after: str, min_wait: int, max_wait: int, serve: Serve, engine: Engine
) -> None:
    server = serve({"/a.jpg": in_turn(busy(retry_after), GOOD)})
    (wait,) = engine.mirror(server.url("/a.jpg")).waits
    assert min_wait <= wait <= max_wait


@pytest.mark.parametrize("retry_after", ["0", "1", "soon", "-5", ""])
def test_a_short_wait_stays_short(retry_after: str, serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": in_turn(answer(429, {"Retry-After": retry_after}), GOOD)})
    result = engine.mirror(server.url("/a.jpg"), rounds=10)
    assert result.stored == [1]
    assert server.hits["/a.jpg"] == 2
    assert sum(result.waits) <= 2


def test_waits_end_well_before_the_child_execution(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": busy("55")})
    result = engine.mirror(server.url("/a.jpg"), rounds=10)
    assert result.failures[0]["reason"] == "http_busy"
    assert sum(result.waits) + 10 + 15 <= 300
    assert server.hits["/a.jpg"] == len(result.waits) + 1 == 5


@pytest.mark.parametrize("seconds", ["3600", "86400", "9" * 20, "9" * 400])
def test_a_host_that_asks_for_more_time_than_the_child_has_is_not_asked_again(
    seconds: str, serve: Serve, engine: Engine
) -> None:
    """Nor does it delay another host, whose next request is after its own wait."""
    hour = serve({f"/{n}.jpg": busy(seconds) for n in range(20)})
    other = serve({"/a.jpg": in_turn(busy("3"), busy("3"), GOOD)})
    rows = [*(hour.url(f"/{n}.jpg") for n in range(20)), other.url("/a.jpg")]
    result = engine.mirror(*rows, rounds=4, per_host=2)
    assert result.stored == [21]
    assert hour.hits.total() <= 2
    assert all(3 <= wait <= 4 for wait in result.waits)
    assert {(line["reason"], line["retryable"]) for line in result.failures} == {("http_busy", True)}
    asked = "31536000" if len(seconds) > 10 else seconds
    assert all(f"asked to wait for {asked} seconds" in line["message"] for line in result.failures)


def test_the_wait_of_a_host_delays_no_other_target_of_the_redirects_that_led_to_it(
    serve: Serve, engine: Engine
) -> None:
    hour, fine = serve({"/a.jpg": busy("3600")}), serve({"/a.jpg": GOOD})
    targets = [(hour if n % 2 else fine).url("/a.jpg") for n in range(40)]
    links = serve({f"/{n}": redirect(target) for n, target in enumerate(targets)})
    result = engine.mirror(*(links.url(f"/{n}") for n in range(40)), rounds=4, per_host=4)
    assert result.stored == [row for row in range(1, 41) if row % 2]
    assert hour.hits["/a.jpg"] <= 4
    assert {(line["reason"], line["retryable"]) for line in result.failures} == {("http_busy", True)}
    assert all("asked to wait for 3600 seconds" in line["message"] for line in result.failures)


def test_a_redirect_to_a_host_that_limits_requests_is_followed_after_its_wait(serve: Serve, engine: Engine) -> None:
    """The wait is that of the target in the next round, too."""
    target = serve({f"/{n}.jpg": in_turn(busy("3"), GOOD) for n in range(6)})
    links = serve({f"/{n}": redirect(target.url(f"/{n}.jpg")) for n in range(6)})
    result = engine.mirror(*(links.url(f"/{n}") for n in range(6)), rounds=10, per_host=2)
    assert result.stored == list(range(1, 7))
    assert set(target.hits.values()) == {2}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}, {"Retry-After": "1"}, {"Retry-After": "soon"}])
def test_a_host_that_always_refuses_is_given_up_after_some_requests(
    status: int, headers: dict[str, str], serve: Serve, engine: Engine
) -> None:
    server = serve({f"/{n}.jpg": answer(status, headers) for n in range(50)})
    result = engine.mirror(*(server.url(f"/{n}.jpg") for n in range(50)), rounds=3, per_host=4)
    assert len(result.failures) == 50
    assert {(line["reason"], line["retryable"]) for line in result.failures} == {("http_busy", True)}
    assert server.hits.total() <= 4 + 3 * 4
    assert sum(result.seconds) + sum(result.waits) < 30


def test_a_host_that_refuses_two_of_three_requests_is_asked_while_the_child_has_time(
    serve: Serve, engine: Engine
) -> None:
    """More often than `rounds` says: it answers."""
    refuse = answer(429, {"Retry-After": "5"})
    server = serve({f"/{n}.jpg": in_turn(*[refuse] * (n % 3), GOOD) for n in range(12)})
    result = engine.mirror(*(server.url(f"/{n}.jpg") for n in range(12)), rounds=3, per_host=1)
    assert result.stored == list(range(1, 13))
    assert len(result.seconds) > 3


@pytest.mark.parametrize(("duration", "rounds"), [(10.0, 2), (254.0, 1)])
def test_the_duration_of_a_round_reduces_the_time_of_the_child_execution(
    duration: float, rounds: int, serve: Serve, engine: Engine
) -> None:
    """300 seconds, of which the next round needs its timeout of 30 and a margin of 15."""
    server = serve({"/a.jpg": in_turn(answer(500), GOOD)})
    times = chain.from_iterable((0.0, 0.0, duration) for _ in range(9))  # start of the round, of the row, and end
    result = engine.mirror(server.url("/a.jpg"), clock=lambda: next(times), start_within=1e9, timeout=30)
    assert len(result.seconds) == rounds


def test_a_busy_host_opens_its_circuit_for_the_rest_of_the_round(serve: Serve, engine: Engine) -> None:
    server = serve({f"/{n}.jpg": in_turn(busy("1"), GOOD) for n in range(20)})
    other = serve({"/a.jpg": GOOD})
    result = engine.mirror(
        *(server.url(f"/{n}.jpg") for n in range(20)), other.url("/a.jpg"), per_host=2, rounds=1, concurrency=4
    )
    assert result.stored == [21]
    assert server.hits.total() <= 3
    assert {(line["reason"], line["retryable"]) for line in result.failures} == {("http_busy", True)}


def test_only_the_failing_rows_of_a_host_fail(serve: Serve, engine: Engine) -> None:
    failing = {5, 6, 7, 8, 9, 20, 21, 22, 23}
    server = serve({f"/{n}.jpg": answer(503) if n in failing else GOOD for n in range(1, 31)})
    result = engine.mirror(*(server.url(f"/{n}.jpg") for n in range(1, 31)), per_host=1, rounds=1)
    assert set(result.stored) == set(range(1, 31)) - failing
    assert {line["row"] for line in result.failures} == failing


def test_three_consecutive_failures_open_the_circuit_of_a_host_without_a_success(serve: Serve, engine: Engine) -> None:
    server = serve(bare=resetting())
    result = engine.mirror(*(server.url(f"/{n}.jpg") for n in range(40)), per_host=1, rounds=1)
    assert {line["reason"] for line in result.failures} == {"connect"}
    assert server.connections == 3 * 2


def test_good_rows_behind_bad_ones_of_their_host_go_first_in_the_next_round(serve: Serve, engine: Engine) -> None:
    """The bad rows open the circuit in each round; rows that were not attempted come before those that were."""
    bad = {f"/bad{n}.jpg": resetting() for n in range(6)}
    good = {f"/good{n}.jpg": GOOD for n in range(4)}
    server = serve({**bad, **good})
    result = engine.mirror(*(server.url(path) for path in (*bad, *good)), per_host=1, rounds=3)
    assert result.stored == [7, 8, 9, 10]
    assert all(server.hits[path] == 1 for path in good)
    assert all(server.hits[path] >= 2 for path in bad)


def test_an_internal_error_in_one_row_fails_no_other_row(serve: Serve, engine: Engine) -> None:
    server = serve({f"/{n}.jpg": GOOD for n in range(5)})
    urls = [server.url(f"/{n}.jpg") for n in range(5)]

    class BrokenStore:
        def put(self, upload: object, if_match: object) -> str:
            raise IndexError("token=secret")

        def head(self, key: str) -> None:
            """There is no object."""

    engine.store = BrokenStore()
    (line,) = engine.mirror(urls[0], rounds=1).failures
    engine.store = None
    assert (line["reason"], line["retryable"]) == ("batch_crashed", True)
    assert "IndexError" in line["message"]
    assert "secret" not in line["message"]
    assert len(engine.mirror(*urls, rounds=1).stored) == 5
