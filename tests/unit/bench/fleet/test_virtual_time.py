"""Threads on a simulated clock."""

from collections.abc import Callable

import pytest

from bench.fleet.virtual_threads import Condition, Event, Executor, Lock, wait
from bench.fleet.virtual_time import DeadlockError, VirtualTime
from functions.core.download import batch
from functions.core.download.hosts.scheduler import HostScheduler


def test_threads_sleep_side_by_side_and_the_order_is_that_of_the_clock() -> None:
    time, seen = VirtualTime(), []

    def sleeper(seconds: float) -> Callable[[], None]:
        def sleep() -> None:
            for _ in range(2):
                time.sleep(seconds)
                seen.append((time.now, seconds))

        return sleep

    def main() -> None:
        with Executor(time) as pool:
            for seconds in (3.0, 2.0, 3600.0):
                pool.submit(sleeper(seconds))
        seen.append((time.now, 0.0))

    time.run(main)

    assert seen == [(2, 2), (3, 3), (4, 2), (6, 3), (3600, 3600), (7200, 3600), (7200, 0)]


def test_a_condition_wakes_as_many_threads_as_are_notified_and_others_time_out() -> None:
    time = VirtualTime()
    condition, woken = Condition(time), []

    def main() -> None:
        with Executor(time) as pool:
            for number in range(3):
                pool.submit(lambda number=number: woken.append((number, condition.wait(10), time.now)))
            time.sleep(5)
            condition.notify(2)

    time.run(main)

    assert woken == [(0, True, 5), (1, True, 5), (2, False, 10)]


def test_a_lock_has_one_thread_at_a_time_also_while_it_sleeps() -> None:
    time, ends = VirtualTime(), []
    lock = Lock(time)

    def work() -> None:
        with lock:
            time.sleep(2)
            ends.append(time.now)

    def main() -> None:
        with Executor(time) as pool:
            for _ in range(3):
                pool.submit(work)

    time.run(main)

    assert ends == [2, 4, 6]


def test_a_future_that_is_not_done_in_time_is_not_done() -> None:
    time, looks = VirtualTime(), []

    def main() -> None:
        with Executor(time) as pool:
            future = pool.submit(time.sleep, 2.5)
            while wait((future,), 1).not_done:
                looks.append(time.now)
            looks.append(time.now)

    time.run(main)

    assert looks == [1, 2, 2.5]


@pytest.mark.parametrize("wrong", [lambda time: Event(time).wait(), lambda time: 1 / 0], ids=["deadlock", "exception"])
def test_what_goes_wrong_in_a_thread_is_raised(wrong: Callable[[VirtualTime], object]) -> None:
    time = VirtualTime()

    with pytest.raises((DeadlockError, ZeroDivisionError)):
        time.run(lambda: wrong(time))


def test_the_modules_of_a_package_have_the_simulated_clock_and_threads_for_a_while() -> None:
    time = VirtualTime()
    before = batch.ThreadPoolExecutor, HostScheduler.__init__.__kwdefaults__
    with time.replacing("functions.core.download"):
        assert HostScheduler.__init__.__kwdefaults__["clock"] == time.clock
        assert isinstance(batch.ThreadPoolExecutor(3), Executor)

    assert (batch.ThreadPoolExecutor, HostScheduler.__init__.__kwdefaults__) == before
