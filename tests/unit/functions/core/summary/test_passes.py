"""The outcomes of a run with passes: one for each row, in any order of the passes."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.rows import DEFAULT_RULES
from functions.core.model.runs import part_name
from functions.core.model.types import ResultLine
from functions.core.summary import passes
from functions.core.summary.passes import RunLines
from functions.core.summary.reconciliation import pair_with_items
from tests.support.fakes import FakeResults
from tests.unit.functions.core.summary.test_reconciliation import line


def plan(results: FakeResults, *rows: int) -> None:
    for number, count in enumerate(rows, start=1):
        record = {"number": number, "rows": count, "starts_at": "2026-01-01T00:00:00.000Z"}
        results.write(f"passes/plan-{number:04d}.jsonl", [record])


def waits(number: int, *rows: int, results: FakeResults, reason: str = "http_busy") -> None:
    error = {"reason": reason, "message": "429", "http_status": 429}
    fields = {"tried": 1, "failed_passes": 0, "not_before": 0.0, "error": error}
    lines: list[dict[str, Any]] = [
        {"row": row - 1, "item": {"url": f"http://a.example/{row}", "id": row}, **fields} for row in rows
    ]
    results.write(f"passes/{number}/part-{rows[0]:010d}-00.jsonl", lines)


def lines_of(results: FakeResults, *, stopped: bool = False) -> list[ResultLine]:
    with RunLines(results, DEFAULT_RULES, stopped=stopped) as lines:
        return list(lines)


@given(st.data())
def test_each_row_has_one_outcome_in_any_order_of_the_rows_of_passes(data: st.DataObject) -> None:
    """The passes are drawn: which rows go on, how they are divided into batches, and the order."""
    results, remaining, expected = FakeResults(), list(range(1, data.draw(st.integers(1, 60)) + 1)), {}
    rows, seed = len(remaining), data.draw(st.integers(0, 10**6))
    shuffle = random.Random(seed)
    planned = []
    for number in range(4):
        if number:
            planned.append(len(remaining))
            shuffle.shuffle(remaining)
        on = set(shuffle.sample(remaining, len(remaining) // 2)) if number < 3 else set()
        for start in range(0, len(remaining), 7):
            batch = remaining[start : start + 7]
            kinds = {row: shuffle.choice(["stored", "failed", "duplicate"]) for row in batch if row not in on}
            expected |= kinds
            shuffled = sorted(kinds) if not number else list(kinds)
            name = part_name(min(batch), 0, number, max(batch))
            results.write(f"results/{name}", [line(row, kinds[row]) for row in shuffled])
        remaining = [row for row in remaining if row in on]
    plan(results, *planned)

    found = lines_of(results)

    assert [each["row"] for each in found] == list(range(1, rows + 1)), seed
    assert {each["row"]: each["outcome"] for each in found} == expected, seed


def test_sorting_needs_memory_for_a_limited_number_of_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "SORTED_IN_MEMORY", 3)
    results = FakeResults()
    results.write("results/part-0000000001-00.jsonl", [line(1), line(20)])
    results.write("results/part-0001-0000000002-0000000020-00.jsonl", [line(row) for row in (19, 3, 11, 2, 8)])
    results.write("results/part-0002-0000000004-0000000020-00.jsonl", [line(row) for row in (13, 4, 18, 5)])
    plan(results, 9, 4)

    assert [each["row"] for each in lines_of(results)] == [1, 2, 3, 4, 5, 8, 11, 13, 18, 19, 20]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [("stored", "failed", "stored"), ("failed", "stored", "stored"), ("failed", "failed", "failed")],
)
def test_a_row_with_two_outcomes_counts_once(first: str, second: str, expected: str) -> None:
    """A batch may run twice, with another result each time."""
    results = FakeResults()
    results.write("results/part-0000000001-00.jsonl", [line(1, first, reason="dns")])
    results.write("results/part-0001-0000000001-0000000020-00.jsonl", [line(1, second, reason="tls")])
    plan(results, 1)

    [found] = lines_of(results)

    assert found["outcome"] == expected
    assert expected != "failed" or found["reason"] == "tls"


def test_rows_that_still_wait_at_the_end_fail_with_their_last_error_and_may_be_retried() -> None:
    results = FakeResults()
    results.write("results/part-0000000001-00.jsonl", [line(1)])
    waits(1, 2, 3, results=results)
    results.write("results/part-0001-0000000002-0000000020-00.jsonl", [line(2)])
    waits(2, 3, results=results, reason="connect")
    plan(results, 2)

    found = lines_of(results)

    assert [(each["row"], each["outcome"]) for each in found] == [(1, "stored"), (2, "stored"), (3, "failed")]
    assert (found[2]["reason"], found[2]["http_status"], found[2]["retryable"]) == ("connect", 429, True)
    assert (found[2]["columns"], found[2]["lost"]) == ({"id": 3}, True)


def test_rows_of_a_batch_of_a_pass_that_crashed_have_no_line() -> None:
    results = FakeResults()
    waits(1, 1, 2, results=results)
    results.write("results/part-0001-0000000001-0000000020-00.jsonl", [line(1)])
    plan(results, 2)

    assert [each["row"] for each in lines_of(results)] == [1]
    with RunLines(results, DEFAULT_RULES, stopped=False) as lines:
        [_, (_, missing)] = pair_with_items(lines, ["http://a.example/1", "http://a.example/2"])
    assert (missing["reason"], missing["lost"]) == ("batch_crashed", True)


def test_rows_of_a_pass_that_was_stopped_have_their_last_error() -> None:
    """Its batches may not have started. A row that also waits for the next pass has the error of that one."""
    results = FakeResults()
    waits(1, 1, 2, 3, results=results)
    results.write("results/part-0001-0000000001-0000000020-00.jsonl", [line(1)])
    waits(2, 2, results=results, reason="connect")
    plan(results, 3)

    found = lines_of(results, stopped=True)

    assert [(each["row"], each.get("reason")) for each in found] == [(1, None), (2, "connect"), (3, "http_busy")]


def test_each_pass_is_counted() -> None:
    results = FakeResults()
    results.write(
        "results/part-0001-0000000001-0000000020-00.jsonl", [line(1), line(2, "failed"), line(3, "duplicate")]
    )
    results.write("results/part-0002-0000000004-0000000020-00.jsonl", [line(4)])
    plan(results, 4, 1)

    with RunLines(results, DEFAULT_RULES, stopped=False) as lines:
        list(lines)

    assert [(each["number"], each["rows"], each["stored"], each["failed"]) for each in lines.passes()] == [
        (1, 4, 1, 1),
        (2, 1, 1, 0),
    ]
