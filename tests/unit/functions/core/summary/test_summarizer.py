"""SummarizeRun's logic."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.manifests.detection import detect_format, format_from_name
from functions.core.manifests.formats import FORMATS, Format
from functions.core.model.errors import BooksFault, StorageFault
from functions.core.model.ports import Notification, RunResults
from functions.core.model.runs import LocalRun, run_id_of
from functions.core.prepare import Preparer
from functions.core.summary.execution import EndedExecution, WorkflowFailure
from functions.core.summary.summarizer import Summarizer
from tests.support.fakes import FakeManifests, FakeNotices, FakeRecords, FakeResults

STARTED = "2026-07-25T12:00:00.000Z"
ENDED = datetime(2026, 7, 25, 12, 0, 8, tzinfo=UTC)
OUTCOMES = ("stored", "unchanged", "skipped", "duplicate", "failed")


def line(row: int, outcome: str = "stored", **more: Any) -> dict[str, Any]:
    result = {"row": row, "url": f"http://a.example/{row}", "outcome": outcome, **more}
    if outcome != "failed":
        return result
    return {
        "reason": "http_5xx",
        "http_status": 500,
        "retryable": True,
        "message": "The server answered 500.",
        **result,
    }


class World:
    """A manifest that PrepareRun has read, and the results that batches wrote."""

    def __init__(self, data: bytes, *lines: dict[str, Any], name: str = "demo.csv", **metadata: str) -> None:
        key = f"manifests/{name}"
        self.manifests = FakeManifests()
        self.manifests.add(key, data, metadata=metadata)
        self.records = FakeRecords()
        self.results = FakeResults()
        self.notices = FakeNotices()
        self.local_run: LocalRun | None = None
        self.event = {"detail": {"bucket": {"name": "input"}, "object": {"key": key, "etag": "e1", "size": len(data)}}}
        self.run_id = run_id_of(self.event)
        Preparer(manifests=self.manifests, records=self.records, defaults={}).prepare(self.event, "arn:1", STARTED)
        if lines:
            self.results.write("results/part-0000000001-00.jsonl", lines)

    def summarize_execution(self, failure: WorkflowFailure | None, wait: Callable[[RunResults], Any]) -> None:
        summarizer = Summarizer(
            manifests=self.manifests,
            results=self.results,
            records=self.records,
            notices=self.notices,
            now=ENDED,
            wait=wait,
        )
        summarizer.summarize(EndedExecution(input=self.event, arn="arn:1", started_at=STARTED, failure=failure))

    def summarize(self, caught: dict[str, Any] | None = None) -> dict[str, Any]:
        summarizer = Summarizer(
            manifests=self.manifests,
            results=self.results,
            records=self.records,
            notices=self.notices,
            now=ENDED,
            local_run=self.local_run,
        )
        failure = WorkflowFailure.from_caught(caught)
        execution = EndedExecution(input=self.event, arn="arn:1", started_at=STARTED, failure=failure)
        ended = summarizer.summarize(execution)
        assert sum(self.summary[outcome] for outcome in OUTCOMES) == self.summary["rows"], "the run is reconciled"
        assert len(self.failures) == self.summary["failed"], "each failed row is once in failures.csv"
        return ended

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads(self.results.texts["summary.json"])
        return summary

    @property
    def failures(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.results.texts.get("failures.csv", ""), newline="")))

    @property
    def notice(self) -> Notification:
        (notice,) = self.notices.published
        return notice


def urls(count: int) -> bytes:
    return b"url\n" + b"".join(b"http://a.example/%d\n" % number for number in range(1, count + 1))


RUN = LocalRun(command="run", out="out", allow="10.0.0.0/8")
UP = LocalRun(command="up", out="out")
RETRY_BY_COMMAND = "./image-mirror run"
RETRY_BY_COPY = "aws s3 cp"


@pytest.mark.parametrize(
    ("started_by", "summarized_by", "command"),
    [
        (RUN, UP, RETRY_BY_COMMAND),
        (UP, RUN, RETRY_BY_COPY),
        (None, RUN, RETRY_BY_COMMAND),
        (RUN, None, RETRY_BY_COPY),
    ],
)
def test_the_page_shows_the_commands_of_how_the_run_was_started_not_of_what_summarizes_it(
    started_by: LocalRun | None, summarized_by: LocalRun | None, command: str
) -> None:
    """Without a record of its own, a local run has the commands of the present process; in AWS there is none."""
    world = World(urls(1), line(1, "failed"))
    world.local_run = summarized_by
    if started_by:
        world.records.records[world.run_id]["local_run"] = started_by.as_text()

    world.summarize()

    page = world.results.texts["report.html"]
    assert [text in page for text in (RETRY_BY_COMMAND, RETRY_BY_COPY)] == [
        text == command for text in (RETRY_BY_COMMAND, RETRY_BY_COPY)
    ]
    assert ("--allow 10.0.0.0/8" in page) is (command == RETRY_BY_COMMAND)


def test_every_report_has_its_content_type() -> None:
    world = World(urls(1), line(1, "failed"))

    world.summarize()

    assert world.results.content_types == {
        "report.html": "text/html; charset=utf-8",
        "summary.json": "application/json",
        "failures.csv": "text/csv; charset=utf-8",
        "retry.csv": "text/plain; charset=utf-8",
    }


def test_a_run_in_which_all_went_well_succeeds() -> None:
    world = World(urls(2), line(1, bytes=10), line(2, bytes=5))

    ended = world.summarize()

    assert ended == {
        "run_id": world.run_id,
        "status": "succeeded",
        "error": "",
        "cause": "",
        "counts": {"stored": 2, "unchanged": 0, "skipped": 0, "duplicate": 0, "failed": 0},
        "lost": {},
    }
    assert world.summary == {
        "run_id": world.run_id,
        "status": "succeeded",
        "error": None,
        "cause": None,
        "manifest": {
            "bucket": "input",
            "key": "manifests/demo.csv",
            "version_id": "null",
            "format": "csv",
            "etag": "e1",
            "size": len(urls(2)),
        },
        "started_at": STARTED,
        "ended_at": "2026-07-25T12:00:08.000Z",
        "duration_seconds": 8.0,
        "rows": 2,
        "stored": 2,
        "unchanged": 0,
        "skipped": 0,
        "duplicate": 0,
        "failed": 0,
        "bytes": 15,
        "failures_by_reason": {},
        "retryable_by_reason": {},
        "failures_by_host": {},
        "images_per_second": 0.25,
        "passes": [],
        "retry_manifest": None,
        "retry_rows": 0,
        "retry_options": {},
        "failures_report": None,
        "suspects_report": None,
        "note": None,
        "report": f"runs/{world.run_id}/report.html",
        "probe": None,
    }
    assert set(world.results.texts) == {"summary.json", "report.html"}


def test_every_outcome_is_counted() -> None:
    world = World(urls(6), *(line(row, outcome) for row, outcome in enumerate([*OUTCOMES, "stored"], start=1)))

    counts = world.summarize()["counts"]

    assert counts == {"stored": 2, "unchanged": 1, "skipped": 1, "duplicate": 1, "failed": 1}
    assert world.summary["failures_by_reason"] == {"http_5xx": 1}
    assert world.summary["retryable_by_reason"] == {"http_5xx": 1}
    assert world.summary["failures_by_host"] == {"a.example": 1}


@pytest.mark.parametrize("data", [b"", b"url\n"])
def test_an_empty_run_succeeds_with_nothing(data: bytes) -> None:
    world = World(data)

    assert world.summarize()["status"] == "succeeded"
    assert (world.summary["rows"], world.summary["images_per_second"]) == (0, 0.0)


def test_the_runs_table_says_how_it_ended() -> None:
    world = World(urls(2), line(1), line(2, "failed"))

    world.summarize()

    record = world.records.records[world.run_id]
    assert (record["status"], record["error"], record["rows"]) == ("succeeded", None, 2)
    assert (record["stored"], record["failed"], record["ended_at"]) == (1, 1, "2026-07-25T12:00:08.000Z")
    assert record["retry_manifest"] == f"runs/{world.run_id}/retry.csv"
    assert record["execution_arn"] == "arn:1"


def test_the_summary_is_published() -> None:
    world = World(urls(2), line(1), line(2))

    world.summarize()

    assert (world.notice.kind, world.notice.subject) == ("run_completed", "Image Mirror: succeeded, 2 of 2 stored")
    assert world.notice.body == world.summary


@pytest.mark.parametrize(
    ("failed", "tolerated", "status"),
    [(1, "50", "succeeded"), (2, "50", "succeeded"), (3, "50", "failed"), (1, "0", "failed"), (4, "100", "succeeded")],
)
def test_a_run_tolerates_so_many_failures_and_no_more(failed: int, tolerated: str, status: str) -> None:
    lines = [line(row, "failed" if row <= failed else "stored") for row in range(1, 5)]
    world = World(urls(4), *lines, **{"tolerated-failure-percentage": tolerated})

    assert world.summarize()["status"] == status


def test_too_many_failures_are_named_by_their_reasons() -> None:
    lines = [line(1, "failed", reason="dns"), line(2, "failed"), line(3, "failed", reason="dns")]
    world = World(urls(3), *lines)

    ended = world.summarize()

    assert ended["error"] == world.summary["error"] == "TooManyFailures"
    assert ended["cause"] == "3 of 3 rows failed (2 dns, 1 http_5xx); the run tolerates 50 percent."
    assert (world.notice.kind, world.notice.subject) == ("run_failed", "Image Mirror: failed, 0 of 3 stored")
    assert world.records.records[world.run_id]["error"] == "TooManyFailures"


@pytest.mark.parametrize(
    ("caught", "error", "cause"),
    [
        (
            {"Error": "InvalidManifest", "Cause": '{"errorMessage": "No url column.", "errorType": "InvalidManifest"}'},
            "InvalidManifest",
            "No url column.",
        ),
        ({"Error": "States.ItemReaderFailed", "Cause": "No such key."}, "States.ItemReaderFailed", "No such key."),
        ({"Error": "E", "Cause": "[1]"}, "E", "[1]"),
        ({"Error": "E", "Cause": '"x"'}, "E", '"x"'),
        ({"Error": "E", "Cause": "{}"}, "E", "{}"),
        ({"Error": "E"}, "E", "Step Functions gave no cause."),
        ({"Cause": "why"}, "Unknown", "why"),
    ],
)
def test_what_the_workflow_caught_is_how_the_run_ended(caught: dict[str, Any], error: str, cause: str) -> None:
    world = World(urls(1), line(1))

    ended = world.summarize(caught)

    assert (ended["status"], ended["error"], ended["cause"]) == ("failed", error, cause)
    assert world.notice.kind == "run_failed"


def test_a_refused_manifest_is_a_run_of_no_rows() -> None:
    world = World(urls(1))
    world.records.records[world.run_id] = {"run_id": world.run_id, "status": "running", "execution_arn": "arn:1"}

    ended = world.summarize({"Error": "InvalidManifest", "Cause": '{"errorMessage": "Why."}'})

    assert (ended["status"], ended["cause"]) == ("failed", "Why.")
    assert (world.summary["rows"], world.summary["manifest"]["format"]) == (0, None)


def test_a_run_without_a_record_is_summarized_all_the_same() -> None:
    world = World(urls(1))
    world.records.records.clear()

    assert world.summarize({"Error": "TableFault", "Cause": "x"})["error"] == "TableFault"


def test_the_summary_has_the_key_of_the_list_of_placeholders() -> None:
    world = World(urls(10), *(line(row, sha256="ab") for row in range(1, 11)))

    world.summarize()

    assert world.summary["suspects_report"] == f"runs/{world.run_id}/suspects.csv"
    assert "suspects.csv" in world.results.texts


def test_rows_of_crashed_batches_are_counted_and_in_the_retry_manifest() -> None:
    world = World(urls(4), line(2))

    world.summarize({"Error": "States.Timeout"})

    assert world.summary["failures_by_reason"] == {"batch_crashed": 3}
    assert [row["row"] for row in world.failures] == ["1", "3", "4"]
    assert world.results.texts["retry.csv"] == "url\nhttp://a.example/1\nhttp://a.example/3\nhttp://a.example/4\n"


def test_only_what_may_succeed_later_is_in_the_retry_manifest() -> None:
    world = World(urls(2), line(1, "failed", reason="http_4xx", retryable=False), line(2, "failed"))

    world.summarize()

    assert world.results.texts["retry.csv"] == "url\nhttp://a.example/2\n"
    assert world.summary["retry_manifest"] == f"runs/{world.run_id}/retry.csv"
    assert world.summary["failures_report"] == f"runs/{world.run_id}/failures.csv"


def test_nothing_to_retry_is_no_retry_manifest() -> None:
    world = World(urls(2), line(1), line(2, "failed", retryable=False))

    world.summarize()

    assert world.summary["retry_manifest"] is None
    assert "retry.csv" not in world.results.texts


MANIFESTS = {
    "csv": b'url,key,name\r\n1.png,a,"x, y"\r\nhttp://b.example/2.png?sig=s,b,z\r\n',
    "tsv": b"url\tkey\tname\n1.png\ta\tx, y\nhttp://b.example/2.png?sig=s\tb\tz\n",
    "csv-semicolon": b'url;key\n1.png;a\nhttp://b.example/2.png?sig=s;"b;c"\n',
    "csv-pipe": b"url|key\n1.png|a\nhttp://b.example/2.png?sig=s|b\n",
    "csv-bare": b'http://a.example/1.png,"x, y"\nhttp://b.example/2.png?sig=s,z\n',
    "csv-semicolon-bare": b'http://a.example/1.png;"x; y"\nhttp://b.example/2.png?sig=s;z\n',
    "csv-pipe-bare": b"http://a.example/1.png|x\nhttp://b.example/2.png?sig=s|z\n",
    "tsv-bare": b"http://a.example/1.png\tx\nhttp://b.example/2.png?sig=s\tz\n",
    "tsv-list": b"TsvHttpData-1.0\n1.png\t9\t1B2M2Y8AsgTpgAmY7PhCfg==\nhttp://b.example/2.png?sig=s\n",
    "txt": b"1.png\nhttp://b.example/2.png?sig=s\n",
    "json": b'["1.png", {"url": "http://b.example/2.png?sig=s", "headers": {"X-A": "b"}, "name": ["z"]}]',
    "jsonl": b'"1.png"\n{"url": "http://b.example/2.png?sig=s", "headers": {"X-A": "b"}, "name": "\xc3\xa9"}\n',
}


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_retry_manifest_is_of_the_manifests_own_format_exact_and_without_need_of_a_base(form: Format) -> None:
    data = MANIFESTS[form.name]
    world = World(data, name=f"demo{form.extension}", **{"base-url": "http://a.example"})

    world.summarize()

    first, second = form.read([data])
    absolute = "http://a.example/1.png"
    name = f"retry{form.extension}"
    retry_format, chunks = detect_format(format_from_name(name)[0], iter([world.results.texts[name].encode()]))
    assert list(retry_format.read(chunks)) == [
        absolute if isinstance(first, str) else {**first, "url": absolute},
        second,
    ]


def test_failures_show_the_users_columns_and_no_formulas() -> None:
    data = b"url,id,row\n=cmd(),-5,@x\n"
    own = {"id": "-5", "row": "@x"}
    world = World(data, line(1, "failed", url="=cmd()", columns=own))

    world.summarize()

    assert world.failures == [
        {
            "row": "1",
            "url": "'=cmd()",
            "reason": "http_5xx",
            "http_status": "500",
            "retryable": "true",
            "message": "The server answered 500.",
            "id": "-5",
            "your_row": "'@x",
        }
    ]


def test_half_a_surrogate_pair_takes_no_report_down() -> None:
    world = World(b'[{"url": "http://a.example/1", "name": "\\ud800"}]', name="demo.json")

    world.summarize()

    assert json.loads(world.results.texts["retry.json"]) == [{"url": "http://a.example/1", "name": "\ud800"}]


@pytest.mark.parametrize("gone", [True, False])
def test_a_manifest_that_is_gone_or_replaced_leaves_the_counts_and_the_note_says_so(gone: bool) -> None:
    world = World(urls(3), line(1), line(2, "failed"))
    if gone:
        world.manifests.objects.clear()
    else:
        world.manifests.add("manifests/demo.csv", urls(9), etag="e2")

    world.summarize()

    assert (world.summary["rows"], world.summary["stored"], world.summary["failed"]) == (3, 1, 2)
    assert world.summary["retry_manifest"] is None
    assert "upload the rows of failures.csv again" in world.summary["note"]
    assert [row["url"] for row in world.failures] == ["http://a.example/2", ""]


@pytest.mark.parametrize(("moved", "words"), [(1, "1 image has a new key"), (2, "2 images have a new key")])
def test_images_with_a_new_key_are_counted_and_the_note_says_so(moved: int, words: str) -> None:
    lines = [line(row) | ({"former_key": "images/a.png"} if row <= moved else {}) for row in (1, 2, 3)]
    world = World(urls(3), *lines)

    world.summarize()

    assert world.summary["note"].startswith(words)
    assert "former_key in results/" in world.summary["note"]


def test_a_manifest_that_is_gone_does_not_matter_where_nothing_failed() -> None:
    world = World(urls(1), line(1))
    world.manifests.objects.clear()

    assert world.summarize()["status"] == "succeeded"
    assert world.summary["note"] is None


def test_the_note_of_the_summary_has_those_about_the_manifest_and_the_concurrency() -> None:
    world = World(urls(1), line(1))
    world.records.update(world.run_id, {"note": "Semicolons.", "concurrency_note": "At most 3 batches run at once."})

    world.summarize()

    assert world.summary["note"] == "Semicolons. At most 3 batches run at once."


@pytest.mark.parametrize("rows", [[1, 2, 3], [3]])
def test_outcomes_of_rows_that_the_manifest_has_not_are_a_fault(rows: list[int]) -> None:
    world = World(urls(2), *(line(row) for row in rows))

    with pytest.raises(BooksFault):
        world.summarize()

    assert "summary.json" not in world.results.texts
    assert world.notices.published == []


def test_a_manifest_that_reads_otherwise_than_it_was_counted_is_a_fault() -> None:
    world = World(urls(2), line(1), line(2))
    world.records.records[world.run_id]["rows"] = 3

    with pytest.raises(BooksFault, match="has 3 rows, but 2 outcomes"):
        world.summarize()


def test_a_report_that_cannot_be_written_is_a_fault() -> None:
    world = World(urls(1), line(1))
    world.results.faults.append(StorageFault("denied"))

    with pytest.raises(StorageFault):
        world.summarize()


def test_a_topic_that_is_down_changes_nothing() -> None:
    world = World(urls(1), line(1))
    world.notices.down = True

    assert world.summarize()["status"] == "succeeded"


def test_a_summary_may_be_repeated() -> None:
    world = World(urls(2), line(1), line(2, "failed"))
    first = world.summarize()
    texts = dict(world.results.texts)

    assert world.summarize() == first
    assert world.results.texts == texts


@given(outcomes=st.lists(st.sampled_from([*OUTCOMES, None]), max_size=20), gone=st.booleans())
def test_whatever_happened_the_run_is_reconciled(outcomes: list[str | None], gone: bool) -> None:
    lines = [line(row, outcome) for row, outcome in enumerate(outcomes, start=1) if outcome]
    world = World(urls(len(outcomes)), *lines)
    if gone:
        world.manifests.objects.clear()

    world.summarize()

    assert world.summary["rows"] == len(outcomes)


@pytest.mark.parametrize(
    ("failure", "waits"),
    [
        (None, 0),
        (WorkflowFailure("Cancelled", "by hand"), 1),
        (WorkflowFailure("States.ItemReaderFailed", "line 7 is not JSON"), 1),
        (WorkflowFailure("Interrupted", "The local run was interrupted."), 0),
    ],
)
def test_the_batches_of_a_run_that_did_not_end_by_itself_are_waited_for(
    failure: WorkflowFailure | None, waits: int
) -> None:
    world = World(urls(2))
    world.summarize_execution(failure, lambda results: results.write("results/part-0000000001-00.jsonl", [line(1)]))

    assert world.summary["stored"] == waits


def test_a_run_that_ended_before_it_had_batches_waits_for_none() -> None:
    world = World(urls(2))
    for field in ("format", "rows"):
        del world.records.records[world.run_id][field]

    world.summarize_execution(WorkflowFailure("InvalidManifest", "no url column"), lambda _: pytest.fail("waited"))

    assert world.summary["status"] == "failed"


def test_the_manifest_is_read_in_the_version_that_was_prepared() -> None:
    world = World(urls(1), line(1))
    world.records.records[world.run_id]["version_id"] = "v7"
    world.manifests.objects["input", "manifests/demo.csv"].version_id = "v7"
    world.manifests.read_versions.clear()

    summary = world.summarize() and world.summary

    assert world.manifests.read_versions == ["v7"]
    assert summary["manifest"]["version_id"] == "v7"


def test_the_manifest_of_a_record_of_release_0_1_0_is_the_null_version() -> None:
    world = World(urls(1), line(1))
    del world.records.records[world.run_id]["version_id"]
    world.manifests.read_versions.clear()

    world.summarize()

    assert world.manifests.read_versions == ["null"]


def test_the_note_says_that_a_retry_needs_the_values_of_headers_again() -> None:
    data = b"url\nhttp://a.example/1\nhttp://a.example/2\n"
    metadata = {"headers": '{"Referer": "s3cr3t", "Cookie": "s3cr3t"}'}
    failed, stored = (World(data, line(1), line(2, outcome), **metadata) for outcome in ("failed", "stored"))

    for world in (failed, stored):
        world.summarize()

    summary = failed.summary
    assert summary["note"] == "The values of headers are not recorded: set them again for a retry (Referer, Cookie)."
    assert json.loads(summary["retry_options"]["headers"]) == {"Referer": "\u2026", "Cookie": "\u2026"}
    assert "s3cr3t" not in json.dumps([summary, failed.results.texts, failed.results.metadata, failed.records.records])
    assert stored.summary["note"] is None
