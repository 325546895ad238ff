"""Handlers translate: an event in, one call of core, a result out."""

import contextlib
import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from functions import download_batch, prepare_run, summarize_run
from functions.adapters.clients import client
from functions.core.download.rounds import Batch, RoundReport
from functions.core.model.errors import InvalidManifest, RowError, StorageFault, WorkflowFault
from functions.core.model.outcomes import Failure, Outcome, OutcomeKind
from functions.core.model.reasons import Reason
from functions.core.model.runs import run_id_of
from functions.core.model.types import FoldPlan, OutcomeCounts
from functions.core.summary.execution import EndedExecution

HANDLERS = (prepare_run, download_batch, summarize_run)
EVENT = {"detail": {"bucket": {"name": "input"}, "object": {"key": "manifests/demo.csv"}}}


@dataclass(frozen=True)
class Context:
    """The attributes of a Lambda context that the handlers use."""

    function_name: str = "function"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:function"
    aws_request_id: str = "request"
    seconds: float = 90.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1_000)


class Logs(io.StringIO):
    """The output of the loggers, which keep the standard output of the time when they were created."""

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def logs() -> Iterator[Logs]:
    handlers = {handler for module in HANDLERS for handler in module.logger.handlers}
    written = Logs()
    before = {handler: handler.setStream(written) for handler in handlers}
    yield written
    for handler, stream in before.items():
        handler.setStream(stream)


class FakePreparer:
    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[Any] = []
        self._error = error

    def prepare(self, *arguments: Any, ranges_checked: bool) -> dict[str, Any]:
        self.calls.append((*arguments, ranges_checked))
        if self._error:
            raise self._error
        return {"run": {"id": "r1"}, "status": "ready", "rows": 3}

    def check_range(self, *arguments: Any) -> None:
        self.calls.append(arguments)
        if self._error:
            raise self._error


def prepare(monkeypatch: pytest.MonkeyPatch, preparer: FakePreparer, **step: Any) -> Any:
    monkeypatch.setattr(prepare_run, "preparer", lambda: preparer)
    return prepare_run.handler({"input": EVENT, "execution_arn": "arn:1", "started_at": "t", **step}, Context())


def test_prepare_run_passes_the_executions_input_on(monkeypatch: pytest.MonkeyPatch, logs: Logs) -> None:
    preparer = FakePreparer()

    assert prepare(monkeypatch, preparer)["status"] == "ready"
    assert preparer.calls == [(EVENT, "arn:1", "t", False)]
    (line,) = logs.lines()
    assert (line["message"], line["run_id"], line["rows"]) == ("Run prepared", "r1", 3)


def test_prepare_run_raises_an_invalid_manifest_by_its_name(monkeypatch: pytest.MonkeyPatch, logs: Logs) -> None:
    with pytest.raises(InvalidManifest, match="Why"):
        prepare(monkeypatch, FakePreparer(InvalidManifest("Why.")))

    assert (logs.lines()[0]["message"], logs.lines()[0]["cause"]) == ("Invalid manifest", "Why.")


def test_prepare_run_checks_a_range_and_joins_them(monkeypatch: pytest.MonkeyPatch, logs: Logs) -> None:
    preparer = FakePreparer()

    assert prepare(monkeypatch, preparer, step="check", range=7) is None
    assert prepare(monkeypatch, preparer, step="join")["status"] == "ready"
    assert preparer.calls == [(EVENT, 7), (EVENT, "arn:1", "t", True)]


@pytest.mark.parametrize(("step", "started"), [({}, 1), ({"step": "check", "range": 0}, 0), ({"step": "join"}, 0)])
@pytest.mark.parametrize("error", [None, InvalidManifest("Why.")])
def test_a_run_is_counted_once_whatever_its_steps(
    monkeypatch: pytest.MonkeyPatch, logs: Logs, step: dict[str, Any], started: int, error: Exception | None
) -> None:
    emitted: list[Any] = []
    monkeypatch.setattr(prepare_run, "emit", emitted.append)

    with contextlib.suppress(InvalidManifest):
        prepare(monkeypatch, FakePreparer(error), **step)

    assert len(emitted) == started


class FakeRunner:
    """Ends with one failure, one deferral."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def run(self, batch: Batch, **asked: float) -> RoundReport:
        self.asked = {"batch": batch, **asked}
        fault = RowError(Reason.HTTP_4XX, "Not found.", status=404)
        own = {"message": "mine", "name": "private", "levelname": "x"}
        outcomes = [
            Outcome(1, "http://a.example/1", OutcomeKind.FAILED, own, failure=Failure.from_error(fault)),
            Outcome(2, "http://a.example/2", OutcomeKind.STORED, own),
        ]
        return RoundReport(outcomes, 1, True, {"Items": []})


def download(monkeypatch: pytest.MonkeyPatch, runner: FakeRunner, *, age: float = 0.0, seconds: float = 90.0) -> Any:
    made: list[Any] = []
    monkeypatch.setattr(
        download_batch, "runner", lambda batch, options, phases: made.append((batch.run["id"], options)) or runner
    )
    items = [{"row": 0, "item": "x"}]
    batch = {"BatchInput": {"run": {"id": "r1", "options": {"timeout": 20.0}}}, "Items": items}
    started = (datetime.now(UTC) - timedelta(seconds=age)).isoformat().replace("+00:00", "Z")
    answer = download_batch.handler({"batch": batch, "started_at": started}, Context(seconds=seconds))
    assert [(run_id, options.timeout) for run_id, options in made] == [("r1", 20.0)]
    return answer


def test_download_batch_keeps_time_for_the_last_download_and_for_writing_down(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = FakeRunner()

    assert download(monkeypatch, runner) == {"Items": []}

    assert runner.asked["batch"].items == {1: "x"}
    assert runner.asked["start_deadline"] - time.monotonic() == pytest.approx(90 - 20 - 10, abs=2)


def test_download_batch_knows_when_its_invocation_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = FakeRunner()

    download(monkeypatch, runner, seconds=40.0)

    assert runner.asked["end"] - time.monotonic() == pytest.approx(40, abs=2)


def test_download_batch_knows_how_long_its_child_still_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = FakeRunner()

    download(monkeypatch, runner, age=100.0)

    assert runner.asked["child_seconds_left"] == pytest.approx(200, abs=2)


def test_download_batch_logs_a_line_a_failure_and_one_for_the_batch(
    monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    download(monkeypatch, FakeRunner())

    failure, batch = logs.lines()
    assert (failure["message"], failure["run_id"], failure["first_row"]) == ("Image failed", "r1", 1)
    assert (failure["row"], failure["host"], failure["reason"]) == (1, "a.example", "http_4xx")
    assert "private" not in str(failure), "a user's own columns are not ours to log"
    assert (batch["message"], batch["failed"], batch["stored"], batch["deferred"]) == ("Batch done", 1, 1, 1)


STATE = {"input": EVENT, "execution_arn": "arn:e", "failure": None, "started_at": "t"}
DETAIL = {"executionArn": "arn:e", "status": "FAILED", "startDate": 0, "input": json.dumps(EVENT)}
STOPPED = {"detail-type": "Step Functions Execution Status Change", "detail": DETAIL}
PLAN: FoldPlan = {
    "status": "folding",
    "run_id": "r1",
    "event": {},
    "folder": "fold/x",
    "groups": [0, 1],
    "rows": 9,
    "readable": True,
    "errors": [],
}


class FakeSummarizer:
    """`calls` are those of all instances. A `long` run has a plan."""

    long = False
    calls: ClassVar[list[Any]] = []

    def __init__(self, **arguments: Any) -> None:
        assert arguments["now"].tzinfo is UTC

    def plan(self, execution: EndedExecution) -> FoldPlan | None:
        assert execution == EndedExecution(input=EVENT, arn="arn:e", started_at="t", failure=None)
        return PLAN.copy() if self.long else None

    def plan_once(self, execution: EndedExecution) -> FoldPlan | None:
        assert execution.failure is not None
        assert (execution.input, execution.failure.error) == (EVENT, "Unknown")
        return PLAN.copy() if self.long else None

    def fold(self, execution: EndedExecution, plan: FoldPlan, number: int) -> None:
        self.calls.append(("fold", execution.arn, plan["folder"], number))

    def summarize(self, execution: EndedExecution, plan: FoldPlan | None) -> dict[str, Any]:
        self.calls.append(("summarize", plan and plan["folder"]))
        return {"run_id": "r1", "status": "succeeded", "error": "", "cause": "", "counts": {"stored": 1}, "lost": {}}

    def summarize_once(self, execution: EndedExecution, plan: FoldPlan | None) -> dict[str, Any] | None:
        self.calls.append(("summarize_once", plan and plan["folder"]))
        return None

    def discard(self, plan: FoldPlan) -> None:
        self.calls.append("discard")
        raise StorageFault("S3 DeleteObject failed.")


COUNTS: OutcomeCounts = {"stored": 1, "unchanged": 0, "skipped": 0, "duplicate": 0, "failed": 0}


class FakeShares:
    def __init__(self) -> None:
        self.left: list[str] = []

    def leave(self, run_id: str) -> None:
        self.left.append(run_id)


@dataclass
class Summarizing:
    """SummarizeRun with fakes: the runs that left their share, and the executions that were started."""

    shares: FakeShares
    indexes: list[str]
    folds: list[tuple[Any, ...]]


@pytest.fixture
def summarizing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Summarizing]:
    for name in ("INPUT_BUCKET", "IMAGES_PREFIX", "RUNS_TABLE", "TOPIC_ARN", "INDEX_MACHINE_ARN"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(summarize_run, "Summarizer", FakeSummarizer)
    monkeypatch.setattr(FakeSummarizer, "calls", [])
    world = Summarizing(FakeShares(), [], [])
    monkeypatch.setattr(summarize_run, "start_index", lambda _client, _machine, run_id: world.indexes.append(run_id))
    monkeypatch.setattr(summarize_run, "start_fold", lambda _client, *arguments: world.folds.append(arguments))
    monkeypatch.setattr(summarize_run, "shares", lambda: world.shares)
    client.cache_clear()
    summarize_run.config.cache_clear()
    yield world
    client.cache_clear()
    summarize_run.config.cache_clear()


def test_summarize_run_passes_on_what_was_caught_and_logs_how_it_ended(summarizing: Summarizing, logs: Logs) -> None:
    ended = summarize_run.handler(STATE, Context())
    over = summarize_run.handler(STOPPED, Context())

    assert (ended["status"], over) == ("succeeded", None)
    assert logs.lines()[0]["counts"] == {"stored": 1}
    assert summarizing.shares.left == [run_id_of(EVENT)] * 2
    assert summarizing.indexes == [ended["run_id"]]
    assert FakeSummarizer.calls == [("summarize", None), ("summarize_once", None)]


def test_the_execution_of_a_long_run_gets_a_plan_folds_its_groups_and_joins_them(
    summarizing: Summarizing, monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    monkeypatch.setattr(FakeSummarizer, "long", True)

    plan = summarize_run.handler(STATE, Context())
    folded = [summarize_run.handler({"step": "fold", "plan": plan, "group": group}, Context()) for group in (0, 1)]
    ended = summarize_run.handler({"step": "join", "plan": plan}, Context())

    assert plan == {**PLAN, "event": STATE}
    assert (folded, ended["status"]) == ([None, None], "succeeded")
    assert FakeSummarizer.calls == [
        ("fold", "arn:e", "fold/x", 0),
        ("fold", "arn:e", "fold/x", 1),
        ("summarize", "fold/x"),
        "discard",
    ]
    assert summarizing.shares.left == [run_id_of(EVENT)], "a run leaves its share once"
    assert (summarizing.indexes, summarizing.folds) == (["r1"], [])
    assert logs.lines()[-1]["message"] == "The files of the fold were not deleted"


def test_a_long_run_without_an_execution_is_folded_by_another_one(
    summarizing: Summarizing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeSummarizer, "long", True)

    assert summarize_run.handler(STOPPED, Context()) is None
    [(machine, name, plan, function)] = summarizing.folds
    summarize_run.handler({"step": "fold", "plan": plan, "group": 1}, Context())
    summarize_run.handler({"step": "join", "plan": plan}, Context())

    assert (machine, name, function) == ("x", "request", "arn:function")
    assert plan == {**PLAN, "event": STOPPED}
    assert FakeSummarizer.calls == [("fold", "arn:e", "fold/x", 1), ("summarize_once", "fold/x"), "discard"]


def test_a_fold_that_failed_is_joined_all_the_same(summarizing: Summarizing) -> None:
    """The run has no summary yet. If this fails too, the event ends in the dead-letter queue, which has an alarm."""
    plan = {**PLAN, "event": STOPPED, "function": "arn:function"}
    detail = {"executionArn": "arn:fold", "status": "FAILED", "startDate": 0, "input": json.dumps(plan)}

    summarize_run.handler({**STOPPED, "detail": detail}, Context())

    assert FakeSummarizer.calls == [("summarize_once", "fold/x"), "discard"]


def test_an_index_that_failed_is_no_run(summarizing: Summarizing) -> None:
    detail = {"executionArn": "arn:index", "status": "FAILED", "startDate": 0, "input": '{"run_id": "r1"}'}

    assert summarize_run.handler({**STOPPED, "detail": detail}, Context()) is None
    assert (FakeSummarizer.calls, summarizing.shares.left) == ([], [])


def test_an_index_that_cannot_be_started_does_not_change_the_end_of_the_run(
    monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    def refuse(*_: object) -> None:
        raise WorkflowFault("Step Functions StartExecution failed.")

    monkeypatch.setattr(summarize_run, "start_index", refuse)
    monkeypatch.setattr(summarize_run, "config", lambda: SimpleNamespace(index_machine_arn="arn:index"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client.cache_clear()

    summarize_run._start_index(
        {"run_id": "r1", "status": "succeeded", "error": "", "cause": "", "counts": COUNTS, "lost": 0}
    )

    client.cache_clear()
    assert logs.lines()[0]["message"] == "The index was not started"
