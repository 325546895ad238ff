"""The outcomes of a run and of its passes, in the order of rows.

Step Functions says nothing about the order of the rows of a pass, so the lines of passes are sorted, outside of memory,
and merged with those of the Map over the manifest, which are in the order of rows. A row that still waits for a pass at
the end of the run gets a failure with its last error.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from heapq import merge
from types import TracebackType
from typing import Self

from functions.core.model.errors import RowError
from functions.core.model.outcomes import OutcomeKind, failed_outcome
from functions.core.model.ports import RunResults
from functions.core.model.reasons import Reason
from functions.core.model.rows import RowRules
from functions.core.model.types import DeferredItem, PassSummary, ResultLine
from functions.core.summary.reconciliation import read_result_lines
from functions.core.summary.spool import Spool

SORTED_IN_MEMORY = 50_000
"""Number of lines of passes that are sorted in memory, about 50 MB, before they go to a file."""


class RunLines:
    """The result lines of a run, one for each row that has an outcome or still waits. A context manager.

    If the run was `stopped` before its end, rows also wait for the last pass that was planned: its batches may not have
    started. Raises StorageFault.
    """

    def __init__(self, results: RunResults, rules: RowRules, *, stopped: bool) -> None:
        self._results = results
        self._rules = rules
        self._stopped = stopped
        self._plans = results.pass_plans()
        self._counts = [Counter[str]() for _ in self._plans]
        self._files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def __iter__(self) -> Iterator[ResultLine]:
        lines = read_result_lines(self._results)
        later = iter(itertools.chain(self._waiting_lines(), self._lines_of_passes()))
        first = next(later, None)
        if first is None:
            return lines
        runs = [self._sorted(chunk) for chunk in _chunks(itertools.chain((first,), later))]
        return best_of_each_row(merge(lines, *runs, key=_row))

    def passes(self) -> list[PassSummary]:
        """The passes, when all lines were read."""
        return [
            {**plan, "stored": counts[OutcomeKind.STORED], "failed": counts[OutcomeKind.FAILED]}
            for plan, counts in zip(self._plans, self._counts, strict=True)
        ]

    def waiting_items(self) -> Iterator[DeferredItem]:
        """The rows that wait, those of the later pass last; some may have an outcome."""
        last = len(self._plans)
        for number in (last, last + 1) if self._stopped and last else (last + 1,):
            yield from self._results.deferred_items(number)

    def _waiting_lines(self) -> Iterator[ResultLine]:
        """First, since any outcome of the row takes precedence."""
        for deferred in self.waiting_items():
            recorded = deferred["error"]
            error = RowError(
                Reason(recorded["reason"]), recorded["message"], status=recorded["http_status"], retryable=True
            )
            line = failed_outcome(deferred["row"] + 1, deferred["item"], error, self._rules).as_json()
            line["lost"] = True
            yield line

    def _lines_of_passes(self) -> Iterator[ResultLine]:
        for number, counts in enumerate(self._counts, start=1):
            for _, lines in self._results.result_parts(number):
                counts.update(line["outcome"] for line in lines)
                yield from lines

    def _sorted(self, lines: list[ResultLine]) -> Iterator[ResultLine]:
        spool = self._files.enter_context(Spool[ResultLine]())
        for line in sorted(lines, key=_row):
            spool.add(line)
        return iter(spool)


def _row(line: ResultLine) -> int:
    return line["row"]


def _chunks(lines: Iterator[ResultLine]) -> Iterator[list[ResultLine]]:
    while chunk := list(itertools.islice(lines, SORTED_IN_MEMORY)):
        yield chunk


def best_of_each_row(lines: Iterable[ResultLine]) -> Iterator[ResultLine]:
    """An outcome other than `failed` takes precedence, then one of a batch over a row that waits, then the later one.

    The lines of one row are in the order of passes.
    """
    for _, same in itertools.groupby(lines, key=_row):
        yield max(enumerate(same), key=_precedence)[1]


def _precedence(numbered: tuple[int, ResultLine]) -> tuple[bool, bool, int]:
    number, line = numbered
    return line["outcome"] != OutcomeKind.FAILED, not line.get("lost", False), number
