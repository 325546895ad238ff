"""A run that is folded in groups has the reports of one that one invocation summarizes, byte for byte."""

import json
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.errors import BooksFault, RowError
from functions.core.model.reasons import Reason
from functions.core.model.runs import ManifestObject, part_name, run_id_of
from functions.core.model.types import RunEnd
from functions.core.summary.execution import EndedExecution, WorkflowFailure
from functions.core.summary.fold.plan import FoldFiles
from functions.core.summary.reconciliation import BATCH_CRASHED
from functions.core.summary.summarizer import Summarizer
from tests.support.fakes import FakeManifests, FakeNotices, FakeRecords, FakeResults

STARTED = "2026-11-26T12:00:00.000Z"
ENDED = datetime(2026, 11, 26, 13, tzinfo=UTC)
ARN = "arn:1"
FORMATS = {
    "csv": ("url,title\n", lambda row: f"{url(row)},t{row}\n", ""),
    "jsonl": ("", lambda row: json.dumps({"url": url(row), "title": f"t\u00e9{row}"}) + "\n", ""),
    "json": ('["http://z.example/0.png"', lambda row: f", {json.dumps(url(row))}" if row > 1 else "", "]"),
    "txt": ("", lambda row: url(row) + "\n", ""),
    "tsv-list": ("TsvHttpData-1.0\n", lambda row: f"{url(row)}\t1\t1B2M2Y8AsgTpgAmY7PhCfg==\n", ""),
    "parquet": ("", lambda row: "", ""),
}
OUTCOMES = ("stored", "stored", "stored", "unchanged", "skipped", "duplicate", "failed", "failed", "")
"""Empty: a row without a line."""

NO_WAIT = WorkflowFailure("Interrupted", "The local run was interrupted.")
CANCELLED = RowError(Reason.OUT_OF_TIME, "The run was cancelled before an outcome of this row was recorded.")


def url(row: int) -> str:
    return f"http://{'abcdefg'[row % 7]}.example/{row}.png?sig=s"


@dataclass
class Run:
    """A random run of `rows` rows, in the state in which SummarizeRun finds it."""

    seed: int
    rows: int
    form: str = "csv"
    sampled: bool = False
    gone: bool = False
    cancelled: bool = False
    results: FakeResults = field(default_factory=FakeResults)
    records: FakeRecords = field(default_factory=FakeRecords)
    manifests: FakeManifests = field(default_factory=FakeManifests)
    notices: FakeNotices = field(default_factory=FakeNotices)

    def __post_init__(self) -> None:
        start, line, end = FORMATS[self.form]
        texts = [line(row) for row in range(1, self.rows + 1)]
        data = (start + "".join(texts) + end).encode()
        extension = {"tsv-list": "tsv"}.get(self.form, self.form)
        self.manifests.add(f"manifests/list.{extension}", data)
        manifest = ManifestObject("input", f"manifests/list.{extension}", "e1", len(data))
        self.event: Any = manifest.as_event()
        rows = {"sampled": True} if self.sampled else {"rows": self.rows}
        self.records.records[run_id_of(self.event)] = {  # type: ignore[typeddict-item]
            "run_id": run_id_of(self.event),
            "execution_arn": ARN,
            "format": self.form,
            "columns": ["title", "url"],
            "options": {"batch_size": 3},
            **rows,
        }
        self._write_results(random.Random(self.seed))
        if self.gone:
            self.manifests.objects.clear()

    def _write_results(self, chosen: random.Random) -> None:
        """Batches of the Map, in one or two rounds, and passes over rows that wait; some batches have crashed."""
        batch_size = chosen.randint(1, 9)
        batches = [
            range(first, min(first + batch_size, self.rows + 1)) for first in range(1, self.rows + 1, batch_size)
        ]
        waiting: list[int] = []
        for batch in batches:
            if chosen.random() < 0.8:
                waiting += self._write_batch(chosen, list(batch))
        for number in range(1, chosen.randint(0, 3) + 1):
            plan = {"number": number, "rows": len(waiting), "starts_at": STARTED}
            self.results.write(f"passes/plan-{number:04d}.jsonl", [plan])
            chosen.shuffle(waiting)
            later = [waiting[first : first + 4] for first in range(0, len(waiting), 4)]
            waiting = [
                row for batch in later if chosen.random() < 0.8 for row in self._write_batch(chosen, batch, number)
            ]

    def _write_batch(self, chosen: random.Random, rows: list[int], pass_number: int = 0) -> list[int]:
        """Returns the rows that go on."""
        on = [row for row in rows if chosen.random() < 0.3]
        for round_number in range(chosen.randint(1, 2)):
            name = part_name(min(rows), round_number, pass_number, max(rows))
            lines = [_line(chosen, row) for row in rows if row not in on]
            self.results.write(f"results/{name}", [line for line in lines if line])
            if self.form == "parquet":
                self.results.write(f"retries/{name}", [_kept(row) for row in rows if chosen.random() < 0.8])
        if on:
            name = f"passes/{pass_number + 1}/{part_name(min(rows), 0)}"
            self.results.write(name, [_deferred(chosen, row) for row in on])
        return on

    def execution(self) -> EndedExecution:
        if not self.cancelled:
            return EndedExecution(input=self.event, arn=ARN, started_at=STARTED)
        return EndedExecution(
            input=self.event,
            arn=ARN,
            started_at=STARTED,
            failure=WorkflowFailure("Cancelled", "by hand"),
            cancelled=True,
            missing_outcome=CANCELLED,
        )

    def summarizer(self, group_rows: int | None = None) -> Summarizer:
        return Summarizer(
            manifests=self.manifests,
            results=self.results,
            records=self.records,
            notices=self.notices,
            now=ENDED,
            wait=lambda results: None,
            group_rows=group_rows,
        )

    def whole(self) -> RunEnd:
        """Summarized by one invocation."""
        return self.summarizer(10**9).summarize(self.execution())

    def folded(self, group_rows: int, lost: float = 0.0, once: bool = False) -> RunEnd | None:
        """Summarized in groups, of which `lost` are not folded before the last step."""
        run, chosen = self.summarizer(group_rows), random.Random(self.seed)
        plan = run.plan(self.execution())
        plan = json.loads(json.dumps(plan))
        for number in chosen.sample(plan["groups"], len(plan["groups"])) if plan else []:
            if chosen.random() >= lost:
                run.fold(self.execution(), plan, number)
        ended = (run.summarize_once if once else run.summarize)(self.execution(), plan)
        if plan:
            run.discard(plan)
        return ended

    def reports(self) -> dict[str, Any]:
        """All that the run leaves, also in the table and as notifications."""
        record = self.records.records[run_id_of(self.event)]
        files = {"texts": self.results.texts, "metadata": self.results.metadata, "types": self.results.content_types}
        kept = {kind: {name: text[name] for name in self.results.texts} for kind, text in files.items()}
        return {**kept, "record": record, "published": [vars_of(each) for each in self.notices.published]}


def vars_of(notification: Any) -> tuple[Any, ...]:
    return notification.kind, notification.subject, notification.body


def _line(chosen: random.Random, row: int) -> dict[str, Any]:
    outcome = chosen.choice(OUTCOMES)
    line: dict[str, Any] = {"row": row, "url": url(row), "outcome": outcome, "columns": {"title": f"t{row}"}}
    if outcome == "failed":
        reason = chosen.choice([Reason.HTTP_5XX, Reason.HTTP_4XX, Reason.TIMEOUT])
        return {**line, "reason": reason, "http_status": 500, "retryable": chosen.random() < 0.5, "message": "No, \n."}
    facts = {"object_key": f"images/{row}", "sha256": "d" * 64, "bytes": row, "ms": chosen.randint(1, 999)}
    moment = datetime(2026, 11, 26, 12, chosen.randint(0, 59), chosen.randint(0, 59), tzinfo=UTC).isoformat()
    moved = {"former_key": "images/x"} if outcome == "stored" and chosen.random() < 0.1 else {}
    return {**line, **facts, "downloaded_at": moment, **moved} if outcome else {}


def _kept(row: int) -> dict[str, Any]:
    return {"row": row, "item": {"url": url(row), "title": row}}


def _deferred(chosen: random.Random, row: int) -> dict[str, Any]:
    error = {"reason": chosen.choice(["http_busy", "connect"]), "message": "Later.", "http_status": 429}
    fields = {"tried": 1, "failed_passes": 1, "not_before": 0.0, "error": error}
    return {"row": row - 1, "item": {"url": url(row), "title": f"t{row}"}, **fields}


RUNS = {
    "seed": st.integers(0, 10**6),
    "rows": st.integers(1, 60),
    "form": st.sampled_from(sorted(FORMATS)),
    "cancelled": st.booleans(),
    "gone": st.booleans(),
    "sampled": st.booleans(),
}


@given(size=st.integers(1, 70), lost=st.sampled_from([0.0, 0.0, 0.5, 1.0]), fields=st.fixed_dictionaries(RUNS))
def test_any_grouping_leaves_the_same_as_one_invocation(size: int, lost: float, fields: dict[str, Any]) -> None:
    """Crashed batches, rounds, passes, rows that wait, gaps; cancelled runs; manifests that are gone; Parquet."""
    fields["sampled"] = fields["sampled"] and fields["form"] != "parquet"
    whole, folded = Run(**fields), Run(**fields)

    expected = whole.whole()

    assert folded.folded(size, lost) == expected
    assert folded.reports() == whole.reports()


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize("size", [1, 7, 150])
def test_a_longer_run_of_each_format_leaves_the_same(form: str, size: int) -> None:
    """Its hosts serve one image for many URLs, and several groups have rows to retry."""
    whole, folded = Run(seed=size, rows=200, form=form), Run(seed=size, rows=200, form=form)

    assert folded.folded(size) == whole.whole()

    assert folded.reports() == whole.reports()
    assert "suspects.csv" in whole.results.texts
    assert any(name.startswith("retry") for name in whole.results.texts)


def test_each_end_of_an_execution_has_a_folder_of_its_own() -> None:
    """A step of the summary may fail after the fold: then the execution has failed, and other rows have no outcome."""
    by_itself, cancelled = (Run(seed=1, rows=10, cancelled=stopped).execution() for stopped in (False, True))
    failed = replace(by_itself, failure=WorkflowFailure("States.Timeout", ""))

    folders = [FoldFiles.of(each).folder for each in (by_itself, cancelled, failed)]

    assert len(set(folders)) == 3
    assert FoldFiles.of(replace(failed)).folder == folders[2]


def test_a_run_of_one_group_has_no_plan() -> None:
    run = Run(seed=1, rows=10)

    assert run.summarizer(10).plan(run.execution()) is None
    assert run.summarizer(9).plan(run.execution()) is not None


@pytest.mark.parametrize("row", [11, 25, 400])
def test_an_outcome_of_a_row_that_the_manifest_has_not_is_an_error(row: int) -> None:
    run = Run(seed=1, rows=10)
    run.results.write(f"results/{part_name(row, 0)}", [_line(random.Random(4), row) or {}])

    with pytest.raises(BooksFault, match=f"outcome for row {row}, but the manifest has 10 rows"):
        run.folded(3)

    assert "summary.json" not in run.results.texts


def test_a_manifest_that_has_other_rows_than_were_counted_is_an_error() -> None:
    run = Run(seed=1, rows=10)
    run.records.records[run_id_of(run.event)]["rows"] = 12

    with pytest.raises(BooksFault, match="has 12 rows, but 10 outcomes"):
        run.folded(3)


def test_the_fold_of_a_run_that_is_over_does_nothing() -> None:
    """The event of the end of an execution may come twice."""
    run = Run(seed=1, rows=10, cancelled=True)
    first = run.folded(3, once=True)
    left = json.dumps(run.reports(), default=str)

    assert first is not None
    assert run.summarizer(3).plan_once(run.execution()) is None
    assert run.summarizer(3).summarize_once(run.execution()) is None
    assert json.dumps(run.reports(), default=str) == left


def test_rows_that_no_batch_has_counted_are_told_to_the_metrics() -> None:
    run = Run(seed=1, rows=10)
    for name in list(run.results.files):
        del run.results.files[name]

    ended = run.folded(3)

    assert ended is not None
    assert ended["lost"] == {BATCH_CRASHED.reason: 10}
