"""The result of a probe, from the lines of its sample, and the summary of its run."""

import json
from typing import Any, cast

import pytest

from functions.core.cost.measured import MeasuredList
from functions.core.model.options import Options
from functions.core.model.runs import SAMPLE_FILE, run_id_of
from functions.core.model.types import ResultLine, SampleDesign
from functions.core.prepare import Preparer
from functions.core.summary.execution import EndedExecution, WorkflowFailure
from functions.core.summary.probe.result import ProbeTally
from functions.core.summary.summarizer import Summarizer
from tests.support.fakes import FakeCopies, FakeManifests, FakeNotices, FakeRecords, FakeResults
from tests.unit.functions.core.summary.test_summarizer import ENDED, STARTED

DESIGN: SampleDesign = {
    "seed": 7,
    "read": "whole",
    "rows": 1000,
    "hosts": 3,
    "largest_host": {"host": "big.example", "rows": 900},
    "strata": [{"host": "big.example", "rows": 900}, {"host": "", "rows": 100}],
    "stratum_of": [0, 0, 0, 1, 1],
}


def stored(host: str, **fields: Any) -> ResultLine:
    line = {"row": 1, "url": f"http://{host}/1", "outcome": "stored", "bytes": 1000, "ms": 100, **fields}
    return cast(ResultLine, line)


def failed(host: str, reason: str = "http_4xx", *, retryable: bool = False) -> ResultLine:
    line = {"row": 1, "url": f"http://{host}/1", "outcome": "failed", "reason": reason, "retryable": retryable}
    return cast(ResultLine, line)


LINES = (
    *(stored("big.example", bytes=1000, ms=100), stored("big.example", bytes=3000, ms=300), failed("big.example")),
    *(failed("small.example", "dns"), failed("small.example", "dns")),
)


def result(*lines: ResultLine, design: SampleDesign = DESIGN, options: Options = Options()) -> Any:  # noqa: B008
    tally = ProbeTally(design, options)
    for line in lines:
        tally.add(line)
    return json.loads(json.dumps(tally.result()))


def test_rows_count_by_the_weight_of_their_host() -> None:
    probe = result(*LINES)

    assert probe["success"]["share"] == 0.6
    assert probe["success"]["low"] < 0.6 < probe["success"]["high"]
    assert probe["failure_shares"] == {"http_4xx": 0.3, "dns": 0.1}
    assert (probe["rows"], probe["probed"], probe["hosts"], probe["seed"]) == (1000, 5, 3, 7)


def test_sizes_and_times_are_those_of_the_images_that_were_downloaded() -> None:
    probe = result(*LINES)

    assert probe["image_bytes"] == {"mean": 2000, "median": 1000, "p95": 3000}
    assert probe["image_ms"] == {"mean": 200, "median": 100, "p95": 300}


def test_the_hosts_with_the_most_failures_come_first_with_their_rows_in_the_list() -> None:
    assert result(*LINES)["worst_hosts"] == [
        {"host": "small.example", "rows": None, "probed": 2, "failed": 2, "reason": "dns"},
        {"host": "big.example", "rows": 900, "probed": 3, "failed": 1, "reason": "http_4xx"},
    ]


def test_the_estimate_is_of_the_whole_list_with_the_measured_figures() -> None:
    estimate = result(*LINES)["estimate"]

    assert (estimate["images"], estimate["bytes"]) == (600, 600 * 2000)
    assert 0 <= estimate["images_low"] < 600 < estimate["images_high"] <= 1000
    run = MeasuredList(
        rows=1000, success=0.6, mean_bytes=2000, mean_ms=200, hosts=3, largest_host="big.example", largest_rows=900
    )
    assert estimate["seconds"] == round(run.run(Options()).seconds, 1)
    assert estimate["dollars"] == round(run.dollars(Options()), 4)


def test_a_list_of_which_nothing_was_downloaded_has_no_sizes() -> None:
    probe = result(*(failed("big.example") for _ in range(5)))

    assert (probe["image_bytes"], probe["image_ms"], probe["success"]["share"]) == (None, None, 0)
    assert (probe["estimate"]["images"], probe["estimate"]["bytes"]) == (0, 0)


@pytest.mark.parametrize("rows", [3, 6, 7, 49])
def test_a_list_that_was_drawn_whole_has_no_interval(rows: int) -> None:
    design: Any = {**DESIGN, "rows": rows, "strata": [{"host": "", "rows": rows}], "stratum_of": [0] * rows}

    success = result(failed("a.example"), *[stored("a.example")] * (rows - 1), design=design)["success"]

    assert success["low"] == success["share"] == success["high"] == round((rows - 1) / rows, 4)


def test_a_sample_without_rows_has_no_result() -> None:
    assert result() is None


@pytest.mark.parametrize(
    ("lines", "changes", "options", "part"),
    [
        (LINES, {}, {}, "in the interval in 95 of 100"),
        (LINES, {}, {"tolerated_failure_percentage": 20.0}, "would fail (TooManyFailures): it tolerates 20 percent"),
        ((*LINES[:4], failed("a.example", "http_5xx", retryable=True)), {}, {}, "tried again in later passes"),
        (LINES, {"read": "pieces"}, {}, "drawn at random positions"),
        (LINES, {"read": "beginning"}, {}, "says nothing about the rest"),
        ([stored("big.example", bytes=200_000)] * 5, {"rows": 2_000_000}, {}, "Glacier Instant Retrieval, for $40.00"),
    ],
)
def test_notes_say_what_the_figures_mean(
    lines: list[ResultLine], changes: dict[str, Any], options: dict[str, Any], part: str
) -> None:
    design = cast(SampleDesign, {**DESIGN, **changes})

    assert part in " ".join(result(*lines, design=design, options=Options(**options))["notes"])


class ProbedRun:
    """A probe of three of six rows, whose batches have written these lines."""

    def __init__(self, *lines: dict[str, Any]) -> None:
        data = b"url\n" + b"".join(b"http://a.example/%d\n" % number for number in range(6))
        self.manifests, self.records, self.results = FakeManifests(), FakeRecords(), FakeResults()
        self.manifests.add("manifests/list.csv", data, metadata={"probe": "3"})
        created = {"key": "manifests/list.csv", "etag": "e1", "size": len(data)}
        self.event: Any = {"detail": {"bucket": {"name": "input"}, "object": created}}
        self.notices, copies = FakeNotices(), FakeCopies()
        Preparer(
            manifests=self.manifests,
            records=self.records,
            defaults={},
            copies=copies,
            run_files=lambda bucket, run_id: self.results,
        ).prepare(self.event, "arn:1", STARTED)
        key = f"runs/{run_id_of(self.event)}/rows.jsonl"
        self.manifests.add(key, "".join(copies.lines).encode(), version_id="v2")
        self.records.records[run_id_of(self.event)]["copy_key"] = key
        self.results.write("results/part-0000000001-00.jsonl", lines)

    def summarize(self, failure: WorkflowFailure | None = None) -> Any:
        Summarizer(
            manifests=self.manifests, results=self.results, records=self.records, notices=self.notices, now=ENDED
        ).summarize(EndedExecution(input=self.event, arn="arn:1", started_at=STARTED, failure=failure))
        return json.loads(self.results.texts["summary.json"])


def line(row: int, outcome: str) -> dict[str, Any]:
    failure = {"reason": "http_5xx", "http_status": 500, "retryable": True, "message": "The server answered 500."}
    return {"row": row, "url": "http://a.example/1", "outcome": outcome, **(failure if outcome == "failed" else {})}


def test_the_summary_and_the_record_of_a_probe_have_its_result() -> None:
    run = ProbedRun(line(1, "stored"), line(2, "failed"), line(3, "failed"))

    summary = run.summarize()

    assert (summary["status"], summary["rows"], summary["stored"], summary["failed"]) == ("succeeded", 3, 1, 2)
    assert (summary["probe"]["rows"], summary["probe"]["probed"]) == (6, 3)
    assert run.records.records[run_id_of(run.event)]["probe"] == summary["probe"]
    assert run.notices.published[0].subject == "Image Mirror: succeeded, 1 of 3 downloaded by a probe"
    assert SAMPLE_FILE in run.results.files


def test_failures_of_a_probe_are_no_rows_to_retry() -> None:
    summary = ProbedRun(line(1, "stored"), line(2, "failed"), line(3, "failed")).summarize()

    assert (summary["retry_manifest"], summary["retry_rows"]) == (None, 0)


def test_a_probe_that_was_stopped_has_no_result() -> None:
    summary = ProbedRun(line(1, "stored")).summarize(WorkflowFailure("Cancelled", "The execution was stopped."))

    assert (summary["probe"], summary["stored"], summary["failed"]) == (None, 1, 2)


def test_a_row_without_an_outcome_counts_as_a_failure() -> None:
    run = ProbedRun(line(1, "stored"), line(2, "stored"))

    summary = run.summarize()

    assert (summary["stored"], summary["failed"]) == (2, 1)
    assert summary["probe"]["probed"] == 3
    assert summary["probe"]["failure_shares"].keys() == {"batch_crashed"}
