"""Runs with passes in simulated time: the definition of the stack, and the code of its functions, without AWS."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import pytest

from cdk.workflow.definition import state_machine
from functions.core.download.batch import BatchMirror
from functions.core.download.mirror import RowMirror
from functions.core.download.passes import Passes
from functions.core.download.rounds import Batch, RoundRunner
from functions.core.model.errors import RowError
from functions.core.model.limits import CHILD_SECONDS
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from functions.core.model.rows import DEFAULT_RULES
from functions.core.prepare.passes import PassPlanner
from functions.core.summary.passes import RunLines
from tests.support.fakes import FakeImageStore, FakeImageTable, FakeNotices, FakeRecords, FakeResults, FakeWeb
from tests.support.images import png
from tests.unit.local.states.harness import START, Harness

MINUTE, HOUR, DAY = 60, 3600, 86_400
GOOD, BAD = "http://good.example", "http://bad.example"

Answer = Callable[[float], RowError | None]
"""The error of a host at a time, in seconds since the start of the run; None if it answers."""


class BucketFiles(FakeResults):
    """The files of a run, which are also in the bucket that the state machine reads."""

    def __init__(self, harness: Harness) -> None:
        super().__init__()
        self._objects = harness.bucket.objects

    def write(
        self, name: str, lines: Iterable[Mapping[str, object]], metadata: Mapping[str, str] | None = None
    ) -> None:
        super().write(name, lines, metadata)
        self._objects[f"runs/r1/{name}"] = "".join(json.dumps(line) + "\n" for line in self.files[name]).encode()


class Run:
    """A run over `good` rows of a host that answers, and `bad` rows of one that answers as the test says."""

    def __init__(self, answer: Answer, *, good: int = 6, bad: int = 6, run_seconds: float = 14 * DAY, **options: Any):
        self.harness = Harness()
        self.options = Options(**{"rounds": 2, "batch_size": 4, "timeout": 10, **options})
        self.files, self.records = BucketFiles(self.harness), FakeRecords()
        self.urls = [f"{BAD}/{n}.png" for n in range(bad)] + [f"{GOOD}/{n}.png" for n in range(good)]
        self.asked: list[tuple[str, float]] = []
        self.run_seconds = run_seconds
        self._answer = answer
        self._table, self._store = FakeImageTable(), FakeImageStore()
        self._web = FakeWeb({url: self._answer_of(url) for url in self.urls})
        functions = {
            "prepare_run": self._prepare,
            "download_batch": self._download,
            "plan_pass": self._plan,
            "summarize_run": lambda payload: {"status": "succeeded", "failure": payload["failure"]},
        }
        self.harness.functions.update(functions)
        self.harness.bucket.objects["manifest"] = b"".join(f"{json.dumps(url)}\n".encode() for url in self.urls)
        definition = state_machine(
            functions={name: f"arn:aws:lambda:eu-west-1:123456789012:function:{name}" for name in functions},
            partition="aws",
            timeout_seconds=int(run_seconds),
        )
        self.execution = self.harness.run(definition, {})
        assert self.execution.status == "SUCCEEDED", (self.execution.error, self.execution.cause)
        with RunLines(self.files, DEFAULT_RULES, stopped=False) as lines:
            self.lines = {line["row"]: line for line in lines}
        assert sorted(self.lines) == list(range(1, len(self.urls) + 1))

    @property
    def now(self) -> float:
        return (self.harness.clock.now() - START).total_seconds()

    def outcomes(self, host: str) -> list[str]:
        """The outcome of each row of a host, or its reason."""
        lines = [line for line in self.lines.values() if line["url"].startswith(host)]
        return [line.get("reason", line["outcome"]) for line in lines]

    def requests(self, host: str) -> list[float]:
        """The times of the requests to a host, in seconds since the start of the run."""
        return [time for url, time in self.asked if url.startswith(host)]

    def _answer_of(self, url: str) -> Callable[[], bytes]:
        def answer() -> bytes:
            self.asked.append((url, self.now))
            error = self._answer(self.now) if url.startswith(BAD) else None
            if error is not None:
                raise error
            return png(note=url.encode())

        return answer

    def _prepare(self, payload: Any) -> Any:
        return {
            "run": {"id": "r1", "options": {}},
            "status": "ready",
            "reader": "jsonl",
            "manifest": {"bucket": "in", "key": "manifest", "version_id": ""},
            "rows": len(self.urls),
            "batch_size": self.options.batch_size,
            "max_concurrency": 1,
            "map_prefix": "runs/r1/map",
            "passes": self.options.passes,
            "failure": None,
        }

    def _epoch(self) -> float:
        return self.harness.clock.now().timestamp()

    def _download(self, payload: Any) -> Any:
        mirror = RowMirror(fetcher=self._web, store=self._store, table=self._table, options=self.options, run_id="r1")
        runner = RoundRunner(
            mirror=BatchMirror(
                mirror=mirror, table=self._table, options=self.options, run_id="r1", monotonic=self._epoch
            ),
            files=self.files,
            notices=FakeNotices(),
            options=self.options,
            passes=Passes(self.options, clock=self._epoch),
            monotonic=self._epoch,
        )
        age = self._epoch() - datetime.fromisoformat(payload["started_at"]).timestamp()
        return runner.run(
            Batch.from_payload(payload["batch"]),
            start_deadline=self._epoch() + 60,
            child_seconds_left=CHILD_SECONDS - age,
            is_retry=payload["retries"] > 0,
        ).payload

    def _plan(self, payload: Any) -> Any:
        planner = PassPlanner(files=self.files, records=self.records, run_seconds=self.run_seconds, clock=self._epoch)
        return planner.plan(payload["state"], payload["started_at"])


def down_until(seconds: float, error: RowError) -> Answer:
    return lambda now: error if now < seconds else None


REFUSED = RowError(Reason.CONNECT, "refused")


@pytest.mark.parametrize("error", [REFUSED, RowError(Reason.HTTP_5XX, "500", status=500)], ids=["refused", "500"])
def test_a_host_that_is_down_for_twenty_minutes_loses_no_row_and_delays_no_other(error: RowError) -> None:
    run = Run(down_until(20 * MINUTE, error))

    assert (run.outcomes(BAD), run.outcomes(GOOD)) == (["stored"] * 6, ["stored"] * 6)
    assert max(run.requests(GOOD)) < 2 * MINUTE
    assert 20 * MINUTE < run.now < 45 * MINUTE


def test_a_host_that_asks_for_an_hour_is_not_asked_within_it() -> None:
    """Rows of other batches ask it once each before they know; then no batch does for an hour."""
    run = Run(down_until(HOUR, RowError(Reason.HTTP_BUSY, "429", status=429, wait=float(HOUR))))

    assert run.outcomes(BAD) == ["stored"] * 6
    early = [time for time in run.requests(BAD) if time < HOUR]
    assert max(early) < 2 * MINUTE
    assert max(run.requests(BAD)) < HOUR + 5 * MINUTE
    assert max(run.requests(GOOD)) < 2 * MINUTE


def test_a_host_that_does_not_exist_ends_its_run_in_forty_minutes() -> None:
    run = Run(lambda now: RowError(Reason.DNS, "no such host"))

    assert (run.outcomes(BAD), run.outcomes(GOOD)) == (["dns"] * 6, ["stored"] * 6)
    assert run.now < 45 * MINUTE
    assert all(line["retryable"] for line in run.lines.values() if line["outcome"] == "failed")


def test_a_host_that_is_up_every_other_three_minutes_gets_all_its_rows_stored() -> None:
    run = Run(lambda now: REFUSED if now // (3 * MINUTE) % 2 == 0 else None)

    assert run.outcomes(BAD) == ["stored"] * 6


def test_a_host_that_refuses_for_ever_ends_its_run_after_four_hours() -> None:
    run = Run(lambda now: RowError(Reason.HTTP_BUSY, "429", status=429, wait=0.5 * HOUR), bad=4)

    assert run.outcomes(BAD) == ["http_busy"] * 4
    assert 4 * HOUR < run.now < 5 * HOUR
    assert "no row ended in the last 4 hours" in run.records.records["r1"]["pass_note"]


def test_a_wait_beyond_the_time_of_the_run_is_not_waited_for() -> None:
    run = Run(lambda now: RowError(Reason.HTTP_BUSY, "429", status=429, wait=2.0 * DAY), run_seconds=DAY, bad=2, good=2)

    assert (run.outcomes(BAD), run.outcomes(GOOD)) == (["http_busy"] * 2, ["stored"] * 2)
    assert run.now < 10 * MINUTE
    assert "the time of the run ends" in run.records.records["r1"]["pass_note"]


def test_each_pass_has_a_map_run_of_its_own() -> None:
    run = Run(down_until(2 * MINUTE, REFUSED), bad=2, good=2)

    runs = run.harness.engine.services.map_runs.of_execution(run.execution.arn)
    plans = run.files.pass_plans()
    assert len(runs) == 1 + len(plans)
    assert [plan["number"] for plan in plans] == list(range(1, len(plans) + 1))
