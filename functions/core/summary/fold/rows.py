"""Fold the rows of a run, or of a group of them: each item of the manifest with its outcome."""

from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from functions.core.model.options import Options
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import RunOutcomes
from functions.core.model.rows import RowRules
from functions.core.model.types import ResultLine, RunRecord
from functions.core.report.aggregates import RunAggregates
from functions.core.summary.execution import EndedExecution
from functions.core.summary.fold.partial import Partial
from functions.core.summary.passes import RunLines
from functions.core.summary.reconciliation import pair_with_items
from functions.core.summary.retry_manifest import retries_of
from functions.core.summary.spool import Spool


class FoldedRows:
    """Folded rows: `partial` is what is known about them, `failures` are their lines, and `retries` the items to retry.

    A context manager: it has files open.
    """

    def __init__(self, record: RunRecord, execution: EndedExecution) -> None:
        self.partial = Partial(RunAggregates.since(execution.started_at))
        self.failures: Spool[ResultLine] = Spool()
        self.retries = retries_of(record)
        self._record = record
        self._execution = execution
        self._files = ExitStack()
        self._files.enter_context(self.failures)
        self._files.enter_context(self.retries)

    def fold(
        self, outcomes: RunOutcomes, items: Iterable[object], *, readable: bool = True, first_row: int = 1
    ) -> None:
        """`items` are placeholders unless the manifest is `readable`. Raises BooksFault, StorageFault."""
        rules = RowRules.of(Options.from_payload(self._record.get("options") or {}))
        missing_outcome = self._execution.missing_outcome
        with RunLines(outcomes, rules, stopped=self._execution.failure is not None) as lines:
            for item, line in pair_with_items(lines, items, rules, missing_outcome, first_row):
                self.partial.add(line)
                if line["outcome"] == OutcomeKind.FAILED:
                    self.failures.add(line)
                    if line["retryable"] and readable:
                        self.retries.add(line["row"], item)
            self.retries.find_items(outcomes, lines.waiting_items())
        self.partial.passes = lines.passes()
        self.partial.retries = len(self.retries)
        self.partial.missing = self.retries.missing
        self.partial.first_retry = next(iter(self.retries), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()
