"""The end of an execution that SummarizeRun hears of from EventBridge."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.core.model.errors import StorageFault
from functions.core.summary.status_change import StatusChange
from functions.core.summary.summarizer import Summarizer
from tests.support.fakes import FakeManifests, FakeNotices, FakeRecords, FakeResults

INPUT = {
    "detail": {"bucket": {"name": "input"}, "object": {"key": "submitted/r.json", "etag": "e1", "size": 30}},
    "run": {"id": "r"},
}
ARN = "arn:execution:r"


def event(status: str = "ABORTED", **detail: Any) -> dict[str, Any]:
    """As EventBridge hands it over."""
    told = {
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
    return {"detail-type": "Step Functions Execution Status Change", "detail": told | detail}


class World:
    """A run of four rows; a batch has written down that the first and the third were stored."""

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

    def settle(self, told: dict[str, Any]) -> dict[str, Any] | None:
        summarizer = Summarizer(
            manifests=self.manifests,
            results=self.results,
            records=self.records,
            notices=self.notices,
            now=datetime(2026, 11, 23, 6, tzinfo=UTC),
        )
        return summarizer.settle(INPUT, StatusChange.from_event(told))

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.results.texts["summary.json"])
        return found


def test_a_cancelled_run_has_its_books_done_and_the_rest_in_its_retry_manifest() -> None:
    world = World()

    ended = world.settle(event(error="Cancelled", cause="The run was cancelled through the API."))

    assert ended is not None
    assert (ended["status"], ended["counts"]["stored"], ended["counts"]["failed"]) == ("cancelled", 2, 2)
    assert json.loads(world.results.texts["retry.json"]) == ["http://a/1", "http://a/3"]
    assert world.summary["failures_by_reason"] == {"out_of_time": 2}
    assert "cancelled before the batch of the row had ended" in world.results.texts["failures.csv"]
    record = world.records.records["r"]
    assert (record["status"], record["error"], record["retry_manifest"]) == (
        "cancelled",
        "Cancelled",
        "runs/r/retry.json",
    )
    assert [notice.kind for notice in world.notices.published] == ["run_cancelled"]


@pytest.mark.parametrize(
    ("status", "told", "error", "reason"),
    [
        ("TIMED_OUT", {}, "States.Timeout", "out_of_time"),
        ("FAILED", {"error": "States.Runtime", "cause": "Broken."}, "States.Runtime", "batch_crashed"),
        ("FAILED", {}, "Unknown", "batch_crashed"),
    ],
)
def test_a_run_that_broke_ends_as_failed(status: str, told: dict[str, str], error: str, reason: str) -> None:
    world = World()

    world.settle(event(status, **told))

    assert (world.records.records["r"]["status"], world.summary["error"]) == ("failed", error)
    assert world.summary["failures_by_reason"] == {reason: 2}


@pytest.mark.parametrize("record", [{"ended_at": "2026-11-23T05:52:04.000Z"}, {"execution_arn": "arn:execution:other"}])
def test_a_run_that_is_over_or_another_execution_s_is_left_alone(record: dict[str, str]) -> None:
    world = World(**record)

    assert world.settle(event("FAILED", error="TooManyFailures")) is None
    assert not world.results.texts
    assert not world.notices.published


def test_a_run_that_never_was_claimed_gets_a_record_that_expires() -> None:
    world = World()
    world.records.records.clear()
    world.results.files.clear()

    world.settle(event())

    record = world.records.records["r"]
    assert (record["status"], record["execution_arn"], record["kind"]) == ("cancelled", ARN, "run")
    assert record["expires_at"] > 0


def test_a_run_whose_books_cannot_be_done_is_recorded_as_failed_and_told_to_lambda() -> None:
    world = World()
    world.results.faults.append(StorageFault("S3 is down"))

    with pytest.raises(StorageFault):
        world.settle(event())

    record = world.records.records["r"]
    assert (record["status"], record["error"]) == ("failed", "StorageFault")
    assert world.settle(event()) is not None  # the next try may succeed


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
        INPUT,
        {"Error": "Lambda.Unknown", "Cause": "x"},
        "2026-11-23T05:52:00.279Z",
        execution_arn="arn:execution:other",
    )

    assert (ended["status"], ended["error"]) == ("failed", "Lambda.Unknown")
    assert world.records.records["r"]["status"] == "running"
    assert not world.results.texts


def test_an_input_that_the_event_leaves_out_is_none() -> None:
    change = StatusChange.from_event(event(input=None, inputDetails={"included": False}))

    assert change.input is None
    assert change.started_at == "2026-11-23T05:52:00.279Z"
