"""Reconciling the outcomes of a run with its rows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.errors import BooksFault, RowError
from functions.core.model.reasons import Reason
from functions.core.model.rows import RowRules
from functions.core.summary.reconciliation import BATCH_CRASHED, Reconciliation, pair_with_items, read_result_lines
from tests.support.fakes import FakeResults

OUTCOMES = ["stored", "unchanged", "skipped", "duplicate", "failed"]


def line(row: int, outcome: str = "stored", **more: Any) -> dict[str, Any]:
    result = {"row": row, "url": f"http://a.example/{row}", "outcome": outcome, **more}
    return {"reason": "timeout", "retryable": True, **result} if outcome == "failed" else result


def results(**lines_by_part: list[dict[str, Any]]) -> FakeResults:
    """Parts by first row and round: `p1_0`."""
    parts = FakeResults()
    for name, lines in lines_by_part.items():
        first, round_ = name.removeprefix("p").split("_")
        parts.write(f"results/part-{int(first):010d}-{int(round_):02d}.jsonl", lines)
    return parts


def test_lines_come_by_row_over_batches_and_rounds() -> None:
    parts = results(p11_0=[line(11)], p1_0=[line(1), line(3)], p1_1=[line(2)], p101_0=[line(101)])

    assert [entry["row"] for entry in read_result_lines(parts)] == [1, 2, 3, 11, 101]


@pytest.mark.parametrize(("first", "second"), [("failed", "stored"), ("stored", "failed"), ("failed", "duplicate")])
def test_of_a_batch_that_ran_twice_the_better_outcome_counts(first: str, second: str) -> None:
    parts = results(p1_0=[line(1, first)], p1_1=[line(1, second)])

    (entry,) = read_result_lines(parts)

    assert entry["outcome"] != "failed"


def test_of_two_failures_the_later_one_counts() -> None:
    parts = results(p1_0=[line(1, "failed", reason="dns")], p1_1=[line(1, "failed", reason="tls")])

    (entry,) = read_result_lines(parts)

    assert entry["reason"] == "tls"


def test_failures_parts_are_not_read_twice() -> None:
    parts = results(p1_0=[line(1, "failed")])
    parts.write("failures/part-0000000001-00.jsonl", [line(1, "failed")])

    assert len(list(read_result_lines(parts))) == 1


def test_every_item_has_its_line() -> None:
    assert list(pair_with_items([line(1), line(2)], ["a", "b"])) == [("a", line(1)), ("b", line(2))]


def test_rows_of_which_nothing_was_written_are_a_crashed_batchs() -> None:
    items = ["1.png", {"url": "http://b.example/?sig=x", "id": 7}, "http://c.example/", 5]

    pairs = list(pair_with_items([line(3)], items, RowRules("http://a.example")))

    assert [entry["outcome"] for _, entry in pairs] == ["failed", "failed", "stored", "failed"]
    assert [entry["url"] for _, entry in pairs if entry["outcome"] == "failed"] == [
        "http://a.example/1.png",
        "http://b.example/?sig=\u2026",
        "",
    ]
    assert pairs[1][1]["reason"] == "batch_crashed"
    assert pairs[1][1]["retryable"]
    assert pairs[1][1]["columns"] == {"id": 7}


@pytest.mark.parametrize("rows", [[1, 2, 3], [3], [1, 1]])
def test_an_outcome_too_many_is_a_fault(rows: list[int]) -> None:
    with pytest.raises(BooksFault, match=f"an outcome for row {rows[-1]}, but the manifest has 2 rows"):
        list(pair_with_items([line(row) for row in rows], ["a", "b"]))


def test_no_items_and_no_lines_are_nothing() -> None:
    assert list(pair_with_items([], [])) == []


def test_outcomes_that_do_not_add_up_to_the_rows_are_a_fault() -> None:
    reconciliation = Reconciliation(rows=2)
    reconciliation.add(line(1))

    with pytest.raises(BooksFault, match="has 2 rows, but 1 outcomes were found"):
        reconciliation.check()


def test_bytes_reasons_and_hosts_are_counted() -> None:
    reconciliation = Reconciliation(rows=5)
    for entry in (
        line(1, bytes=10),
        line(2, "skipped"),
        line(3, "failed", reason="dns"),
        line(4, "failed", reason="dns", url="http://b.example:8080/x"),
        line(5, "failed", reason="invalid_row", url=""),
    ):
        reconciliation.add(entry)

    reconciliation.check()
    assert (reconciliation.bytes, reconciliation.reasons) == (10, {"dns": 2, "invalid_row": 1})
    assert reconciliation.hosts == {"a.example": 1, "b.example:8080": 1, "(none)": 1}


def test_a_url_without_a_valid_host_is_counted_too() -> None:
    reconciliation = Reconciliation(rows=1)
    reconciliation.add(line(1, "failed", url="http://[::1/"))

    assert reconciliation.hosts == {"(none)": 1}


@given(outcomes=st.lists(st.sampled_from([*OUTCOMES, None]), max_size=30), batch=st.integers(1, 7))
def test_whatever_batches_have_written_the_run_is_reconciled(outcomes: list[str | None], batch: int) -> None:
    """A row without an outcome is one that no batch has written."""
    parts = FakeResults()
    for first in range(0, len(outcomes), batch):
        rows = enumerate(outcomes[first : first + batch], start=first + 1)
        lines = [line(row, outcome) for row, outcome in rows if outcome]
        if lines:
            parts.write(f"results/part-{first + 1:010d}-00.jsonl", lines)
    reconciliation = Reconciliation(rows=len(outcomes))

    for _, entry in pair_with_items(
        read_result_lines(parts), [f"http://a.example/{row}" for row in range(len(outcomes))]
    ):
        reconciliation.add(entry)

    reconciliation.check()
    assert reconciliation.outcomes["failed"] == outcomes.count("failed") + outcomes.count(None)


def test_rows_that_no_batch_has_recorded_are_lost_unless_the_run_was_stopped() -> None:
    stopped = RowError(Reason.OUT_OF_TIME, "Stopped.")
    for missing, lost in ((BATCH_CRASHED, {"batch_crashed": 2}), (stopped, {})):
        reconciliation = Reconciliation(rows=3)
        for _, paired in pair_with_items([line(2)], ["http://a/1", "http://a/2", "http://a/3"], RowRules(), missing):
            reconciliation.add(paired)
        reconciliation.check()

        assert reconciliation.lost == lost
        assert reconciliation.reasons == {missing.reason.value: 2}
        assert reconciliation.outcomes == {"stored": 1, "failed": 2}


def test_an_outcome_beyond_the_manifest_is_an_error_that_names_both() -> None:
    for items, rows in (([], 0), (["http://a/1"], 1)):
        with pytest.raises(BooksFault, match=f"an outcome for row 2, but the manifest has {rows} rows"):
            list(pair_with_items([line(2)], items))
