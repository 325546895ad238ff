"""Handlers translate: an event in, one call of core, a result out."""

import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from functions import download_batch, prepare_run, summarize_run
from functions.adapters.clients import client
from functions.core.download.rounds import Batch, RoundReport
from functions.core.model.errors import InvalidManifest, RowError, WorkflowFault
from functions.core.model.outcomes import Failure, Outcome, OutcomeKind
from functions.core.model.reasons import Reason
from functions.core.model.runs import run_id_of
from functions.core.model.types import OutcomeCounts
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

    def prepare(self, *arguments: Any) -> dict[str, Any]:
        self.calls.append(arguments)
        if self._error:
            raise self._error
        return {"run": {"id": "r1"}, "status": "ready", "rows": 3}


def prepare(monkeypatch: pytest.MonkeyPatch, preparer: FakePreparer) -> Any:
    monkeypatch.setattr(prepare_run, "preparer", lambda: preparer)
    return prepare_run.handler({"input": EVENT, "execution_arn": "arn:1", "started_at": "t"}, Context())


def test_prepare_run_passes_the_executions_input_on(monkeypatch: pytest.MonkeyPatch, logs: Logs) -> None:
    preparer = FakePreparer()

    assert prepare(monkeypatch, preparer)["status"] == "ready"
    assert preparer.calls == [(EVENT, "arn:1", "t")]
    (line,) = logs.lines()
    assert (line["message"], line["run_id"], line["rows"]) == ("Run prepared", "r1", 3)


def test_prepare_run_raises_an_invalid_manifest_by_its_name(monkeypatch: pytest.MonkeyPatch, logs: Logs) -> None:
    with pytest.raises(InvalidManifest, match="Why"):
        prepare(monkeypatch, FakePreparer(InvalidManifest("Why.")))

    assert (logs.lines()[0]["message"], logs.lines()[0]["cause"]) == ("Invalid manifest", "Why.")


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
        download_batch, "runner", lambda run, options, phases: made.append((run["id"], options)) or runner
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


class FakeSummarizer:
    def __init__(self, **arguments: Any) -> None:
        assert arguments["now"].tzinfo is UTC

    def summarize(self, execution: EndedExecution) -> dict[str, Any]:
        assert execution == EndedExecution(input=EVENT, arn="arn:e", started_at="t", failure=None)
        return {"run_id": "r1", "status": "succeeded", "error": "", "cause": "", "counts": {"stored": 1}, "lost": {}}

    def summarize_once(self, execution: EndedExecution) -> None:
        assert execution.failure is not None
        assert (execution.input, execution.failure.error) == (EVENT, "Unknown")


COUNTS: OutcomeCounts = {"stored": 1, "unchanged": 0, "skipped": 0, "duplicate": 0, "failed": 0}


class FakeShares:
    def __init__(self) -> None:
        self.left: list[str] = []

    def leave(self, run_id: str) -> None:
        self.left.append(run_id)


def test_summarize_run_passes_on_what_was_caught_and_logs_how_it_ended(
    monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    for name in ("INPUT_BUCKET", "IMAGES_PREFIX", "RUNS_TABLE", "TOPIC_ARN", "INDEX_MACHINE_ARN"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(summarize_run, "Summarizer", FakeSummarizer)
    started: list[str] = []
    monkeypatch.setattr(summarize_run, "start_index", lambda _client, _machine, run_id: started.append(run_id))
    shares = FakeShares()
    monkeypatch.setattr(summarize_run, "shares", lambda: shares)
    client.cache_clear()
    summarize_run.config.cache_clear()

    state = {"input": EVENT, "execution_arn": "arn:e", "failure": None, "started_at": "t"}
    ended = summarize_run.handler(state, Context())
    detail = {"executionArn": "arn:e", "status": "FAILED", "startDate": 0, "input": json.dumps(EVENT)}
    event = {"detail-type": "Step Functions Execution Status Change", "detail": detail}
    over = summarize_run.handler(event, Context())

    client.cache_clear()
    summarize_run.config.cache_clear()
    assert (ended["status"], over) == ("succeeded", None)
    assert logs.lines()[0]["counts"] == {"stored": 1}
    assert shares.left == [run_id_of(EVENT)] * 2
    assert started == [ended["run_id"]]


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
