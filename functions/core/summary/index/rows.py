"""The rows of a run, or of a group of them, as the documents of the index take them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol, Self

from functions.core.model.options import Options
from functions.core.model.ports import IndexFiles, RunOutcomes
from functions.core.model.rows import RowRules
from functions.core.model.types import ResultLine, RunRecord
from functions.core.summary.execution import missing_outcome_of
from functions.core.summary.index import parquet
from functions.core.summary.passes import RunLines
from functions.core.summary.reconciliation import pair_with_items
from functions.core.summary.run_summary import TOO_MANY_FAILURES

PARQUET_TYPE = "application/vnd.apache.parquet"


class Document(Protocol):
    """What is derived from rows."""

    def add(self, item: object, line: ResultLine) -> None:
        """Adds a row: its item in the manifest, and its outcome."""

    def write(self, files: IndexFiles) -> None:
        """Raises StorageFault."""


class IndexedRows:
    """Adds rows to the documents, counts them, and collects those that no part has: they are not in the index yet.

    A context manager: it has a file open. `missing` is None where pyarrow is not installed.
    """

    def __init__(self, record: RunRecord, documents: Sequence[Document], *, with_parquet: bool) -> None:
        self.outcomes: Counter[str] = Counter()
        self.missing = parquet.IndexFile(record.get("columns") or []) if with_parquet else None
        self._record = record
        self._documents = documents
        self._files = ExitStack()
        if self.missing:
            self._files.enter_context(self.missing)

    def add_all(self, run: RunOutcomes, items: Iterable[object], first_row: int = 1) -> None:
        """`items` are those from `first_row`. Raises BooksFault, StorageFault."""
        rules = RowRules.of(Options.from_payload(self._record.get("options") or {}))
        stopped = self._record.get("error") not in (None, TOO_MANY_FAILURES)
        with RunLines(run, rules, stopped=stopped) as lines:
            recorded = _Recorded(lines)
            for item, line in pair_with_items(recorded, items, rules, missing_outcome_of(self._record), first_row):
                self.outcomes[line["outcome"]] += 1
                if self.missing and (line is not recorded.last or line.get("lost")):
                    self.missing.add(line)
                for document in self._documents:
                    document.add(item, line)

    def write_missing(self, files: IndexFiles, name: str) -> None:
        if self.missing:
            files.upload(name, self.missing.finish(), PARQUET_TYPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()


class _Recorded:
    """Result lines, and the last one that was read. Those of rows that wait for a pass are `lost`: no part has them."""

    def __init__(self, lines: Iterable[ResultLine]) -> None:
        self._lines = lines
        self.last: ResultLine | None = None

    def __iter__(self) -> Iterator[ResultLine]:
        for line in self._lines:
            self.last = line
            yield line
