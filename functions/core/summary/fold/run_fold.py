"""The rows of a run, folded at once, or in groups that are then joined. Both give the same reports."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from functions.core.manifests.formats import Format
from functions.core.model.ports import RunResults, StoredPiece
from functions.core.model.types import FoldPlan, RunRecord
from functions.core.report.aggregates import RunAggregates
from functions.core.summary.execution import EndedExecution
from functions.core.summary.failures_csv import csv_header, csv_lines
from functions.core.summary.fold.group_outcomes import GroupOutcomes
from functions.core.summary.fold.groups import Group
from functions.core.summary.fold.partial import Partial
from functions.core.summary.fold.plan import FoldFiles, items_of
from functions.core.summary.fold.rows import FoldedRows
from functions.core.summary.retry_manifest import retry_format

Piece = str | StoredPiece


class FoldedRun(Protocol):
    """All rows of a run: what is known about them, and the pieces of the files that list some of them."""

    partial: Partial

    def failures(self) -> Iterable[Piece]:
        """`failures.csv`."""

    def retries(self) -> Iterable[Piece]:
        """The retry manifest."""


class WholeRun:
    """A run that one invocation has folded."""

    def __init__(self, rows: FoldedRows, record: RunRecord) -> None:
        self.partial = rows.partial
        self._rows = rows
        self._record = record

    def failures(self) -> Iterator[Piece]:
        columns = self._record.get("columns") or []
        yield csv_header(columns)
        yield from csv_lines(self._rows.failures, columns)

    def retries(self) -> Iterator[Piece]:
        return retry_format(self._record).write(self._rows.retries)


class GroupedRun:
    """A run whose groups of rows are folded one by one, by several invocations, and read by a last one."""

    def __init__(self, results: RunResults, record: RunRecord, execution: EndedExecution, plan: FoldPlan) -> None:
        self._results = results
        self._record = record
        self._execution = execution
        self._plan = plan
        self._files = FoldFiles(plan["folder"])
        self._groups = [Group.from_json(value) for value in results.read_lines(self._files.groups)]
        self._with_failures: list[Group] = []
        self._with_retries: list[Group] = []
        self.partial = Partial(RunAggregates.since(execution.started_at))

    def fold(self, number: int) -> None:
        """Folds one group. Raises BooksFault, StorageFault."""
        group = self._groups[number]
        items = items_of(self._results, self._record, self._plan, group)
        with FoldedRows(self._record, self._execution) as rows:
            outcomes = GroupOutcomes(self._results, group)
            rows.fold(outcomes, items, readable=self._plan["readable"], first_row=group.first_row)
            if rows.partial.failed:
                lines = csv_lines(rows.failures, self._record.get("columns") or [])
                self._results.write_text(self._files.failures(group), lines, "text/csv; charset=utf-8")
            if rows.partial.retries:
                texts = _separated(retry_format(self._record), rows.retries, rows.partial.first_retry)
                self._results.write_text(self._files.retries(group), texts, "text/plain; charset=utf-8")
            self._results.write(self._files.partial(group), [rows.partial.as_json()])

    def join(self) -> None:
        """Reads what is known about all groups; a group whose fold has failed is folded now. Raises BooksFault,
        StorageFault."""
        present = set(self._results.part_names(f"{self._files.folder}/partials"))
        for number, group in enumerate(self._groups):
            if self._files.partial(group) not in present:
                self.fold(number)
            [value] = self._results.read_lines(self._files.partial(group))
            partial = Partial.from_json(value, self._execution.started_at)
            self.partial.merge(partial)
            self._with_failures += [group] if partial.failed else []
            self._with_retries += [group] if partial.retries else []

    def failures(self) -> Iterator[Piece]:
        yield csv_header(self._record.get("columns") or [])
        yield from (StoredPiece(self._files.failures(group)) for group in self._with_failures)

    def retries(self) -> Iterator[Piece]:
        frame = retry_format(self._record).frame(self.partial.first_retry)
        before = frame.start
        for group in self._with_retries:
            yield before
            yield StoredPiece(self._files.retries(group))
            before = frame.separator
        yield frame.end


def _separated(form: Format, items: Iterable[object], first: object) -> Iterator[str]:
    """The texts of the items of a group, without what is before the first and after the last one."""
    separator = form.frame(first).separator
    for number, text in enumerate(form.write_items(items)):
        yield separator + text if number else text
