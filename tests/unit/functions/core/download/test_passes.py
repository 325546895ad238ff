"""Rows that go on to the next pass when the time of their batch is over."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.core.download.batch_results import DeferredRow
from functions.core.download.hosts.pace import HostState
from functions.core.download.passes import MAX_FAILED_PASSES, NOT_A_ROW, Passes
from functions.core.download.rounds import Batch
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from tests.support.images import png
from tests.unit.functions.core.download.test_rounds import BUSY, DOWN, A, B, C, World, first_payload

NEVER = HostState(float("inf"), 4)
NO_TIME = RowError(Reason.OUT_OF_TIME, "no time")
LIMIT = RowError(Reason.HTTP_BUSY, "429", status=429)
NO_HOST = RowError(Reason.DNS, "no such host")


def pass_payload(*items: dict[str, Any], number: int = 1) -> dict[str, Any]:
    """The payload of ItemBatcher in a pass."""
    return {"BatchInput": {"run": {"id": "r1", "options": {}}, "pass_number": number}, "Items": list(items)}


def waiting(row: int, url: str, not_before: float = 0.0, **fields: Any) -> dict[str, Any]:
    error = {"reason": "http_5xx", "message": "500", "http_status": 500}
    return {
        "row": row,
        "item": url,
        "tried": 4,
        "failed_passes": 1,
        "not_before": not_before,
        "error": error,
        **fields,
    }


def deferred(row: DeferredRow, *, pass_number: int = 0, failed_passes: int = 0, **options: Any) -> Any:
    passes = Passes(Options(**options), 60.0, lambda: 6_000.0)
    return passes.deferred_item(row, "x", pass_number=pass_number, attempts=4, failed_passes=failed_passes)


@pytest.mark.parametrize("error", [DOWN, NO_HOST, RowError(Reason.CONNECT, "refused"), RowError(Reason.STORAGE, "S3")])
def test_a_row_that_fails_waits_for_one_two_four_eight_and_sixteen_minutes_and_then_fails(error: RowError) -> None:
    """A host that is down for twenty minutes loses no row, and one that does not exist ends its run in half an hour."""
    row = DeferredRow(7, error, tried=True)

    waits = [deferred(row, failed_passes=number)["not_before"] - 6_000 for number in range(MAX_FAILED_PASSES)]

    assert waits == [60, 120, 240, 480, 960]
    assert sum(waits) > 20 * 60
    assert deferred(row, failed_passes=MAX_FAILED_PASSES) is None
    assert deferred(row)["failed_passes"] == 1


def test_a_row_whose_host_failed_others_counts_as_one_that_failed() -> None:
    item = deferred(DeferredRow(7, NO_HOST, tried=False, host=NEVER), failed_passes=2)

    assert (item["failed_passes"], item["not_before"]) == (3, 6_240)
    assert deferred(DeferredRow(7, NO_HOST, tried=False, host=NEVER), failed_passes=5) is None


@pytest.mark.parametrize(
    ("row", "not_before"),
    [
        (DeferredRow(7, NO_TIME, tried=False), 6_000),
        (DeferredRow(7, NO_TIME, tried=False, host=HostState(5.0)), 6_000),
        (DeferredRow(7, BUSY, tried=False, host=HostState(20.0)), 6_060),
        (DeferredRow(7, LIMIT, tried=False, host=NEVER), 6_060),
        (DeferredRow(7, RowError(Reason.HTTP_BUSY, "503", status=503, wait=3600.0), tried=False, host=NEVER), 9_600),
        (DeferredRow(7, RowError(Reason.HTTP_BUSY, "429", status=429, wait=3601.0), tried=False), 9_660),
        (DeferredRow(7, RowError(Reason.HTTP_BUSY, "408", status=408, wait=7200.0), tried=True), 13_200),
    ],
    ids=["no time", "pace", "wait", "limit", "an hour", "rounded up", "two hours"],
)
def test_a_row_whose_host_limits_it_goes_on_as_often_as_needed(row: DeferredRow, not_before: float) -> None:
    """Times are rounded up to whole minutes, so that rows which differ by seconds are tried in one pass."""
    item = deferred(row, failed_passes=MAX_FAILED_PASSES)

    assert item["not_before"] == not_before
    assert item["failed_passes"] == MAX_FAILED_PASSES


def test_a_host_that_refuses_without_a_time_is_asked_after_up_to_sixteen_minutes() -> None:
    row = DeferredRow(7, LIMIT, tried=False, host=NEVER)

    waits = [deferred(row, pass_number=number)["not_before"] - 6_000 for number in (0, 1, 2, 3, 4, 5, 99)]

    assert waits == [60, 120, 240, 480, 960, 960, 960]


def test_when_the_passes_are_used_up_a_row_fails() -> None:
    row = DeferredRow(7, NO_TIME, tried=False)

    assert deferred(row, passes=2, pass_number=1) is not None
    assert deferred(row, passes=2, pass_number=2) is None
    assert deferred(row, passes=0) is None


def test_with_one_attempt_only_rows_that_were_never_attempted_go_on() -> None:
    assert deferred(DeferredRow(7, DOWN, tried=True), rounds=1) is None
    assert deferred(DeferredRow(7, BUSY, tried=False), rounds=1) is None
    assert deferred(DeferredRow(7, NO_TIME, tried=False), rounds=1) is not None


def test_the_file_of_a_pass_is_written_before_the_results_and_has_the_rows_with_their_errors() -> None:
    world = World({B: DOWN}, passes=3, rounds=1 + 1)
    payload = {**first_payload(A, {"url": B, "id": 5}, C, after=100), "round": 1, "first_row": 101}
    payload["Items"][1]["tried"] = 1

    report = world.run(payload)

    names = list(world.files.files)
    assert names == ["passes/1/part-0000000101-01.jsonl", "results/part-0000000101-01.jsonl"]
    [line] = world.files.files[names[0]]
    assert (line["row"], line["item"], line["tried"]) == (101, {"url": B, "id": 5}, 2)
    assert line["error"] == {"reason": "http_5xx", "message": "500", "http_status": 500}
    assert world.files.file_metadata[names[0]] == {"rows": "1", "not-before": f"{line['not_before']:.3f}"}
    assert world.rows("results") == {names[1]: [101, 103]}
    assert (report.passed_on, report.deferred) == (1, 0)
    assert report.payload["counts"]["failed"] == 0
    assert world.notices.published == []


def test_a_round_that_is_retried_replaces_its_file_also_if_no_row_is_left() -> None:
    """The first attempt was stopped after it had written the file; in the second one the host answers."""
    world = World({B: [DOWN, png(note=b"b")]}, passes=3, rounds=2)
    payload = first_payload(A, B)
    payload["Items"][1]["tried"] = 1
    world.run(payload)
    assert world.rows("passes") == {"passes/1/part-0000000001-00.jsonl": [1]}
    del world.files.files["results/part-0000000001-00.jsonl"]

    report = world.run(payload, is_retry=True)

    name = "passes/1/part-0000000001-00.jsonl"
    assert world.files.files[name] == [json.loads(json.dumps(NOT_A_ROW))]
    assert world.files.file_metadata[name]["rows"] == "0"
    assert report.payload["counts"]["stored"] == 2


def test_a_round_without_such_rows_writes_no_file() -> None:
    world = World(passes=3)

    world.run(first_payload(A, B))

    assert world.rows("passes") == {}


def test_a_line_that_is_no_row_is_ignored_by_the_batch_that_gets_it() -> None:
    world = World(passes=3)

    report = world.run(pass_payload(dict(NOT_A_ROW), waiting(8, A), number=2))

    assert world.rows("results") == {"results/part-0002-0000000009-0000000009-00.jsonl": [9]}
    assert report.payload["BatchInput"]["pass_number"] == 2


def test_a_row_that_is_not_due_goes_on_unchanged_and_its_host_is_not_asked() -> None:
    world = World(passes=3)
    later = waiting(8, A, not_before=2_000.0)

    report = world.run(pass_payload(later, waiting(9, B)), epoch=1_999.0)

    assert world.web.requests == [B]
    assert world.files.files["passes/2/part-0000000009-00.jsonl"] == [later]
    assert (report.passed_on, report.payload["counts"]["stored"]) == (1, 1)


def test_a_row_that_is_not_due_in_the_last_pass_fails_with_its_last_error() -> None:
    world = World(passes=1)

    world.run(pass_payload(waiting(8, A, not_before=2_000.0)), epoch=1_999.0)

    [line] = world.files.files["results/part-0001-0000000009-0000000009-00.jsonl"]
    assert (line["row"], line["reason"], line["http_status"], line["retryable"]) == (9, "http_5xx", 500, True)
    assert world.rows("passes") == {}


def test_a_row_that_failed_is_attempted_once_in_each_pass() -> None:
    world = World({A: DOWN}, passes=3)

    report = world.run(pass_payload(waiting(8, A)))

    assert world.web.requests == [A]
    assert (report.deferred, report.passed_on) == (0, 1)
    [line] = world.files.files["passes/2/part-0000000009-00.jsonl"]
    assert (line["tried"], line["failed_passes"]) == (5, 2)


def test_the_payload_of_the_next_round_keeps_the_pass_and_what_the_row_has_waited() -> None:
    world = World({A: DOWN}, passes=3)

    report = world.run(pass_payload(waiting(8, A, tried=0)))

    [item] = report.payload["Items"]
    assert (item["tried"], item["failed_passes"]) == (1, 1)
    assert Batch.from_payload(report.payload).waiting == {}
    assert Batch.from_payload(report.payload).part_name() == "part-0001-0000000009-0000000009-01.jsonl"


def test_a_pass_file_that_cannot_be_written_repeats_the_round() -> None:
    world = World({A: DOWN}, passes=3, rounds=2)
    payload = first_payload(A)
    payload["Items"][0]["tried"] = 1
    world.files.write = failing_at(world.files.write, "passes/")  # type: ignore[method-assign]

    with pytest.raises(StorageFault):
        world.run(payload)

    assert world.rows("results") == {}


def failing_at(write: Callable[..., None], folder: str) -> Callable[..., None]:
    def failing(name: str, *arguments: Any) -> None:
        if name.startswith(folder):
            raise StorageFault("PutObject failed")
        write(name, *arguments)

    return failing
