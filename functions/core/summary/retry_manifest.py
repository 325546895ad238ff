"""The retry manifest: the rows that may still succeed, with the columns of the input and the options of the run."""

import json
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, Self

from functions.core.manifests import json_rows
from functions.core.manifests.formats import PARQUET, WITH_COLUMNS, Format, format_by_name, known_format
from functions.core.model.keys.row_numbers import with_row_number
from functions.core.model.options import Options
from functions.core.model.ports import RunOutcomes
from functions.core.model.rows import RowRules, with_absolute_url
from functions.core.model.types import DeferredItem, RunFields
from functions.core.summary.spool import Sorted, Spool


class Retries:
    """The rows of a run, or of a group of its rows, that are to be retried: their items, in the order of rows.

    A context manager: it may have a file open. Rows are added in their order; `find_items` follows, then the items can
    be read, as often as needed. `missing` is the number of rows that were added and whose items were not found.
    """

    missing = 0

    def __init__(self, rules: RowRules) -> None:
        self._rules = rules
        self._items: Spool[object] = Spool()

    def add(self, row: int, item: object) -> None:
        self._items.add(item_for_another_run(row, item, self._rules))

    def find_items(self, outcomes: RunOutcomes, waiting: Iterable[DeferredItem]) -> None:
        """`waiting` are rows that wait for a pass. Raises StorageFault."""

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[object]:
        return iter(self._items)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._items.__exit__()


class ParquetRetries(Retries):
    """The rows of a Parquet manifest, which SummarizeRun cannot read.

    The items come from the files of rows that wait for a pass, from the retries parts of the batches, and from the
    inputs of child executions that did not complete. Memory: a number for each row that was added.
    """

    def __init__(self, rules: RowRules) -> None:
        super().__init__(rules)
        self._pending: set[int] = set()

    def add(self, row: int, item: object) -> None:
        self._pending.add(row)

    def find_items(self, outcomes: RunOutcomes, waiting: Iterable[DeferredItem]) -> None:
        with Sorted[list[Any]](key=itemgetter(0)) as found:
            for row, item in self._stored_items(outcomes, waiting):
                if row in self._pending:
                    self._pending.discard(row)
                    found.add([row, item])
            for row, item in found:
                super().add(row, item)
        self.missing = len(self._pending)

    def _stored_items(self, outcomes: RunOutcomes, waiting: Iterable[DeferredItem]) -> Iterator[tuple[int, object]]:
        if not self._pending:
            return
        yield from ((deferred["row"] + 1, deferred["item"]) for deferred in waiting)
        for _, kept_items in outcomes.kept_item_parts():
            yield from ((kept["row"], kept["item"]) for kept in kept_items)
        for chunks in outcomes.uncompleted_children():
            for _, child in json_rows.numbered_array(chunks):
                child_input = json.loads(child["Input"])
                yield from ((entry["row"] + 1, entry["item"]) for entry in child_input["Items"])


class NoRetries(Retries):
    """Those of a probe: no image of its rows is missing."""

    def add(self, row: int, item: object) -> None:
        pass


def retries_of(record: RunFields) -> Retries:
    options = Options.from_payload(record.get("options") or {})
    rules = RowRules.of(options)
    if options.probe:
        return NoRetries(rules)
    return ParquetRetries(rules) if record.get("format") == PARQUET else Retries(rules)


def retry_format(record: RunFields) -> Format:
    """The format of the retry manifest: that of the manifest, except for Parquet, and where rows have their numbers."""
    name = record.get("format")
    if RowRules.of(Options.from_payload(record.get("options") or {})).has_row_numbers:
        name = WITH_COLUMNS.get(str(name), name)
    return format_by_name(name) or known_format("jsonl")


def item_for_another_run(row: int, item: object, rules: RowRules) -> object:
    """The item with what it needs in another run: an absolute URL, and its number where that is in its key."""
    item = with_absolute_url(item, rules)
    return with_row_number(row, item, rules.url_column) if rules.has_row_numbers else item
