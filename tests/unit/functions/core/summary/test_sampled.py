"""A manifest whose rows SummarizeRun counts, because PrepareRun has read only a part of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.core.manifests import validation as check
from functions.core.prepare import Preparer
from functions.core.summary.execution import EndedExecution
from functions.core.summary.summarizer import Summarizer
from tests.support.fakes import FakeManifests, FakeNotices, FakeRecords, FakeResults

STARTED = "2026-07-25T12:00:00.000Z"
KEY = "manifests/big.csv"
ROWS = 300


def line(row: int, **more: Any) -> dict[str, Any]:
    return {"row": row, "url": f"http://a.example/{row}", "outcome": "stored", **more}


class World:
    def __init__(self, data: bytes, monkeypatch: pytest.MonkeyPatch, key: str = KEY) -> None:
        monkeypatch.setattr(check, "SAMPLE_BYTES", 500)
        self.manifests, self.records, self.results = FakeManifests(), FakeRecords(), FakeResults()
        self.manifests.add(key, data)
        found = {"key": key, "etag": "e1", "size": len(data)}
        self.event = {"detail": {"bucket": {"name": "input"}, "object": found}}
        preparer = Preparer(manifests=self.manifests, records=self.records, defaults={}, whole_bytes=1000)
        self.prepared = preparer.prepare(self.event, "arn:1", STARTED)

    def summarize(self, *lines: dict[str, Any]) -> dict[str, Any]:
        self.results.write("results/part-0000000001-00.jsonl", lines)
        ended = datetime(2026, 7, 25, 12, 0, 8, tzinfo=UTC)
        Summarizer(
            manifests=self.manifests, results=self.results, records=self.records, notices=FakeNotices(), now=ended
        ).summarize(EndedExecution(input=self.event, arn="arn:1", started_at=STARTED))
        found: dict[str, Any] = json.loads(self.results.texts["summary.json"])
        outcomes = ("stored", "unchanged", "skipped", "duplicate", "failed")
        assert found["rows"] == sum(found[outcome] for outcome in outcomes), "the run is reconciled"
        return found


CSV = b"url\n" + b"".join(b"http://a.example/%d\n" % row for row in range(1, ROWS + 1))


def test_its_rows_are_counted_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(CSV, monkeypatch)

    summary = world.summarize(*map(line, range(1, ROWS)))

    assert world.prepared["rows"] is None
    assert (summary["rows"], summary["stored"], summary["failed"]) == (ROWS, ROWS - 1, 1)
    assert world.results.texts["retry.csv"] == f"url\nhttp://a.example/{ROWS}\n"
    assert "Only a part of the manifest was validated" in summary["note"]


def test_rows_that_the_check_would_have_refused_are_counted_as_step_functions_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = CSV.splitlines(keepends=True)
    world = World(b"".join([*lines[:150], b"http://a.example/x,y\n", b"\n", b"C:\\\n", *lines[150:]]), monkeypatch)

    assert world.summarize()["rows"] == ROWS + 2


def test_an_invalid_line_ends_the_rows_and_the_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [b'"http://a.example/%d"\n' % row for row in range(1, ROWS + 1)]
    world = World(b"".join([*lines[:150], b"no JSON\n", *lines[150:]]), monkeypatch, "manifests/big.jsonl")

    summary = world.summarize(*map(line, range(1, 151)))

    assert (summary["rows"], summary["stored"]) == (150, 150)
    assert "Line 151 of the manifest is not valid JSON" in summary["note"]


def test_when_it_is_gone_only_what_was_written_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(CSV, monkeypatch)
    world.manifests.objects.clear()

    summary = world.summarize(line(1), line(5))

    assert (summary["rows"], summary["stored"], summary["failed"]) == (5, 2, 3)
    assert "was deleted during the run" in summary["note"]
