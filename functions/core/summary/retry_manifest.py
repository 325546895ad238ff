"""The retry manifest: the rows that may still succeed, with the columns of the input and the options of the run."""

import json
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, Self

from functions.core.manifests import json_rows
from functions.core.manifests.formats import PARQUET, Format, format_by_name, known_format
from functions.core.model.metadata import options_to_metadata
from functions.core.model.options import Options
from functions.core.model.ports import RunOutcomes
from functions.core.model.rows import RowRules, with_absolute_url
from functions.core.model.types import DeferredItem, OptionValues, RunFields
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
        self._items.add(with_absolute_url(item, self._rules))

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
            for _, item in found:
                super().add(0, item)
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


def retries_of(record: RunFields) -> Retries:
    rules = RowRules.of(Options.from_payload(record.get("options") or {}))
    return ParquetRetries(rules) if record.get("format") == PARQUET else Retries(rules)


def retry_format(record: RunFields) -> Format:
    """The format of the retry manifest: that of the manifest, except for Parquet."""
    return format_by_name(record.get("format")) or known_format("jsonl")


def object_metadata(options: OptionValues) -> Mapping[str, str]:
    """The options of a run as user metadata of an S3 object: a copy of it starts a run with the same options."""
    return {name: text for name, text in options_to_metadata(_needed(options)).items() if text.isascii()}


def retry_options(options: OptionValues) -> Mapping[str, str]:
    """The same options under their own names."""
    return {name.replace("-", "_"): text for name, text in object_metadata(options).items()}


def _needed(options: OptionValues) -> OptionValues:
    """The options that differ from their defaults, without `base_url`: the URLs of a retry manifest are absolute."""
    defaults = Options()
    return {name: value for name, value in options.items() if name != "base_url" and _differs(defaults, name, value)}


def _differs(defaults: Options, name: str, value: object) -> bool:
    default = getattr(defaults, name, value)
    return bool((list(default) if isinstance(default, tuple) else default) != value)
