"""The end of an execution, as EventBridge reports it to SummarizeRun."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.core.model.errors import StorageFault
from functions.core.model.types import ExecutionInput, RunEnd
from functions.core.summary.execution import EndedExecution, StatusChange, WorkflowFailure
from functions.core.summary.summarizer import Summarizer
from tests.support.fakes import FakeManifests, FakeNotices, FakeRecords, FakeResults

INPUT: ExecutionInput = {
    "detail": {"bucket": {"name": "input"}, "object": {"key": "submitted/r.json", "etag": "e1", "size": 30}},
    "run": {"id": "r"},
}
ARN = "arn:execution:r"


def event(status: str = "ABORTED", **detail: Any) -> dict[str, Any]:
    """As EventBridge hands it over."""
    default = {
        "executionArn": ARN,
        "stateMachineArn": "arn:machine",
        "name": "r",
        "status": status,
        "startDate": 1_795_413_120_279,
        "stopDate": 1_795_413_125_000,
        "input": json.dumps(INPUT),
        "inputDetails": {"included": True},
        "output": None,
        "error": None,
        "cause": None,
    }
    return {"detail-type": "Step Functions Execution Status Change", "detail": default | detail}


class World:
    """A run of four rows; a batch has recorded that the first and the third were stored."""

    def __init__(self, **record: Any) -> None:
        self.manifests, self.records, self.results, self.notices = (
            FakeManifests(),
            FakeRecords(),
            FakeResults(),
            FakeNotices(),
        )
        self.manifests.add("submitted/r.json", json.dumps([f"http://a/{n}" for n in range(4)]).encode())
        self.results.files["results/part-0000000001-00.jsonl"] = [
            {"row": row, "url": f"http://a/{row - 1}", "outcome": "stored", "bytes": 5} for row in (1, 3)
        ]
        self.records.records["r"] = {
            "run_id": "r",
            "status": "running",
            "execution_arn": ARN,
            "format": "json",
            "rows": 4,
            **record,
        }

    def summarize(self, status_change: dict[str, Any]) -> RunEnd | None:
        summarizer = Summarizer(
            manifests=self.manifests,
            results=self.results,
            records=self.records,
            notices=self.notices,
            now=datetime(2026, 11, 23, 6, tzinfo=UTC),
        )
        return summarizer.summarize_once(StatusChange.from_event(status_change).execution(INPUT))

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads(self.results.texts["summary.json"])
        return summary


def test_a_cancelled_run_is_summarized_and_its_other_rows_are_in_the_retry_manifest() -> None:
    world = World()

    ended = world.summarize(event(error="Cancelled", cause="The run was cancelled through the API."))

    assert ended is not None
    assert (ended["status"], ended["counts"]["stored"], ended["counts"]["failed"]) == ("cancelled", 2, 2)
    assert json.loads(world.results.texts["retry.json"]) == ["http://a/1", "http://a/3"]
    assert world.summary["failures_by_reason"] == {"out_of_time": 2}
    assert "cancelled before an outcome of this row was recorded" in world.results.texts["failures.csv"]
    record = world.records.records["r"]
    assert (record["status"], record["error"], record["retry_manifest"]) == (
        "cancelled",
        "Cancelled",
        "runs/r/retry.json",
    )
    assert [notice.kind for notice in world.notices.published] == ["run_cancelled"]


def test_an_interrupted_run_is_a_cancelled_one_whose_other_rows_were_not_attempted() -> None:
    world = World()

    ended = world.summarize(event(error="Interrupted", cause="The local run was interrupted."))

    assert ended is not None
    assert (ended["status"], ended["error"], ended["cause"]) == (
        "cancelled",
        "Interrupted",
        "The local run was interrupted.",
    )
    assert (world.summary["retry_rows"], world.summary["failures_by_reason"]) == (2, {"out_of_time": 2})
    assert "interrupted before an outcome of this row was recorded" in world.results.texts["failures.csv"]
    assert "2 of 4 images were stored, 2 rows were not attempted." in world.results.texts["report.html"]


@pytest.mark.parametrize(
    ("status", "detail", "error", "reason"),
    [
        ("TIMED_OUT", {}, "States.Timeout", "out_of_time"),
        ("FAILED", {"error": "States.Runtime", "cause": "Broken."}, "States.Runtime", "batch_crashed"),
        ("FAILED", {}, "Unknown", "batch_crashed"),
    ],
)
def test_a_run_that_broke_ends_as_failed(status: str, detail: dict[str, str], error: str, reason: str) -> None:
    world = World()

    world.summarize(event(status, **detail))

    assert (world.records.records["r"]["status"], world.summary["error"]) == ("failed", error)
    assert world.summary["failures_by_reason"] == {reason: 2}


@pytest.mark.parametrize("record", [{"ended_at": "2026-11-23T05:52:04.000Z"}, {"execution_arn": "arn:execution:other"}])
def test_a_run_that_has_ended_or_belongs_to_another_execution_is_not_changed(record: dict[str, str]) -> None:
    world = World(**record)

    assert world.summarize(event("FAILED", error="TooManyFailures")) is None
    assert not world.results.texts
    assert not world.notices.published


def test_a_run_that_never_was_claimed_gets_a_record_that_expires() -> None:
    world = World()
    world.records.records.clear()
    world.results.files.clear()

    world.summarize(event())

    record = world.records.records["r"]
    assert (record["status"], record["execution_arn"], record["kind"]) == ("cancelled", ARN, "run")
    assert record["expires_at"] > 0


def test_a_run_that_cannot_be_summarized_is_recorded_as_failed_and_lambda_sees_the_error() -> None:
    world = World()
    world.results.faults.append(StorageFault("S3 is down"))

    with pytest.raises(StorageFault):
        world.summarize(event())

    record = world.records.records["r"]
    assert (record["status"], record["error"]) == ("failed", "StorageFault")
    assert world.summarize(event()) is not None  # the next try may succeed


def test_an_execution_that_fails_before_it_has_the_run_does_not_end_the_one_that_has_it() -> None:
    world = World()
    summarizer = Summarizer(
        manifests=world.manifests,
        results=world.results,
        records=world.records,
        notices=world.notices,
        now=datetime(2026, 11, 23, 6, tzinfo=UTC),
    )

    ended = summarizer.summarize(
        EndedExecution(
            input=INPUT,
            arn="arn:execution:other",
            started_at="2026-11-23T05:52:00.279Z",
            failure=WorkflowFailure("Lambda.Unknown", "x"),
        )
    )

    assert (ended["status"], ended["error"]) == ("failed", "Lambda.Unknown")
    assert world.records.records["r"]["status"] == "running"
    assert not world.results.texts


def test_an_input_that_the_event_leaves_out_is_none() -> None:
    change = StatusChange.from_event(event(input=None, inputDetails={"included": False}))

    assert change.input is None
    assert change.started_at == "2026-11-23T05:52:00.279Z"


@pytest.mark.parametrize(
    ("status", "error", "cause", "cancelled", "reason"),
    [
        ("FAILED", "Unknown", "Step Functions gave no cause.", False, "batch_crashed"),
        (
            "TIMED_OUT",
            "States.Timeout",
            "The execution exceeded the timeout of the state machine.",
            False,
            "out_of_time",
        ),
        ("ABORTED", "Cancelled", "The execution was stopped.", True, "out_of_time"),
        ("OTHER", "Unknown", "Step Functions gave no cause.", False, "batch_crashed"),
    ],
)
def test_an_event_without_a_cause_has_one_by_its_status(
    status: str, error: str, cause: str, cancelled: bool, reason: str
) -> None:
    execution = StatusChange.from_event(event(status)).execution({})

    assert execution.failure == WorkflowFailure(error, cause)
    assert (execution.cancelled, execution.missing_outcome.reason.value) == (cancelled, reason)


def test_an_input_is_included_unless_the_event_says_otherwise() -> None:
    for details in ({"included": True}, {}, None):
        assert StatusChange.from_event(event(inputDetails=details)).input == INPUT
    assert StatusChange.from_event(event(inputDetails={"included": False})).input is None
    assert StatusChange.from_event(event(input=None)).input is None
