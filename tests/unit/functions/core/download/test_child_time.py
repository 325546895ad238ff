"""A child execution that is throttled ends within the five minutes of an Express workflow, with all its rows."""

import random
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from cdk.workflow.definition import FIRST_ROUND_RETRY, LATER_ROUND_RETRY
from functions.core.download.batch import BatchMirror
from functions.core.download.batch_results import BatchResult, DeferredRow
from functions.core.download.hosts.pace import HostState
from functions.core.download.rounds import Batch, RoundRunner
from functions.core.model.errors import RowError
from functions.core.model.limits import CHILD_SECONDS, DOWNLOAD_TIMEOUT_SECONDS, RESERVE_SECONDS
from functions.core.model.options import Options
from functions.core.model.outcomes import failed_outcome
from functions.core.model.reasons import Reason
from functions.core.model.rows import RowRules
from functions.core.model.types import BatchPayload
from tests.support.fakes import FakeNotices, FakeRunFiles

ROWS = 20
WRITE_SECONDS = RESERVE_SECONDS
"""The longest time that a round needs to write its outcomes."""


class SlowMirror:
    """Starts rows until the deadline, each of which can take the whole `timeout`. Some rows are deferred."""

    def __init__(self, child: "Child") -> None:
        self._child = child

    def run(self, items: Mapping[int, object], *, start_deadline: float, hosts: Mapping[int, HostState]) -> BatchResult:
        child, numbers = self._child, self._child.numbers
        if start_deadline > child.now:
            child.now = numbers.choice((start_deadline, numbers.uniform(child.now, start_deadline)))
            child.now += child.options.timeout
        result = BatchResult()
        for row, item in items.items():
            wait = numbers.choice((None, 0.0, 5.0, 60.0))
            error = RowError(Reason.HTTP_BUSY if wait is not None else Reason.OUT_OF_TIME, "503", wait=wait)
            if numbers.random() < 0.5:
                result.outcomes.append(failed_outcome(row, item, error, RowRules()))
            else:
                host = None if wait is None else HostState(wait, 1, 8.0)
                result.deferred.append(DeferredRow(row, error, tried=numbers.random() < 0.1, host=host))
        return result


class SlowFiles(FakeRunFiles):
    def __init__(self, child: "Child") -> None:
        super().__init__()
        self._child = child

    def write(self, name: str, lines: Any) -> None:
        super().write(name, lines)
        if name.startswith("results/"):
            self._child.now += self._child.numbers.choice((0.1, WRITE_SECONDS))


class Child:
    """A child execution, from the item processor of the state machine, that starts at 0."""

    def __init__(self, numbers: random.Random, options: Options) -> None:
        self.numbers, self.options, self.now = numbers, options, 0.0
        self.files = SlowFiles(self)
        self.rounds = 0

    def run(self) -> None:
        self._throttle(FIRST_ROUND_RETRY)
        payload = self._invoke(
            {"BatchInput": {"run": {"id": "r", "options": {}}}, "Items": [{"row": n, "item": "x"} for n in range(ROWS)]}
        )
        while payload["Items"]:
            self.now += payload["wait_seconds"]
            self._throttle(LATER_ROUND_RETRY)
            payload = self._invoke(payload)

    def _throttle(self, retrier: Mapping[str, Any]) -> None:
        """Some retries, or all of them; the last one finds a free execution."""
        waits = list(delays(retrier, self.numbers))
        self.now += sum(waits[: self.numbers.choice((0, self.numbers.randint(0, len(waits)), len(waits)))])

    def _invoke(self, payload: BatchPayload) -> BatchPayload:
        """As the handler of DownloadBatch does it."""
        self.rounds += 1
        runner = RoundRunner(
            mirror=cast(BatchMirror, SlowMirror(self)),
            files=self.files,
            notices=FakeNotices(),
            options=self.options,
            monotonic=lambda: self.now,
        )
        report = runner.run(
            Batch.from_payload(payload),
            start_deadline=self.now + DOWNLOAD_TIMEOUT_SECONDS - self.options.timeout - RESERVE_SECONDS,
            child_seconds_left=CHILD_SECONDS - self.now,
        )
        return report.payload

    def written(self) -> list[int]:
        return sorted(line["row"] for name in self.files.files if "results/" in name for line in self.files.files[name])


def delays(retrier: Mapping[str, Any], numbers: random.Random) -> Iterator[float]:
    for attempt in range(retrier["MaxAttempts"]):
        delay = min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** attempt, retrier["MaxDelaySeconds"])
        yield numbers.uniform(0, delay) if retrier["JitterStrategy"] == "FULL" else delay


@pytest.mark.parametrize("timeout", [0.1, 5.0, 30.0, 60.0])
def test_a_throttled_child_ends_in_time_with_an_outcome_of_every_row(timeout: float) -> None:
    seed = random.randrange(2**32)
    numbers = random.Random(seed)
    rounds = set()
    for number in range(500):
        child = Child(numbers, Options(timeout=timeout, rounds=numbers.randint(1, 10), passes=0))
        child.run()
        assert child.now < CHILD_SECONDS, (seed, number)
        assert child.written() == list(range(1, ROWS + 1)), (seed, number)
        rounds.add(child.rounds)
    assert max(rounds) > 2, "a batch that is not throttled has more than two rounds"


def test_a_child_that_waited_as_long_as_it_may_has_time_for_its_first_round() -> None:
    """The rows of its first round are started as long as Lambda's timeout allows, not only until the child must end."""
    waited = sum(delays(FIRST_ROUND_RETRY, random.Random(0)))
    options = Options()

    lambda_deadline = waited + DOWNLOAD_TIMEOUT_SECONDS - options.timeout - RESERVE_SECONDS
    child_deadline = CHILD_SECONDS - options.timeout - 15

    assert 140 < waited <= 150
    assert lambda_deadline < child_deadline
