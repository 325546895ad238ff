"""The retry manifest: the rows that may still succeed, with the columns of the input and the options of the run."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, Self

from functions.core.manifests import json_rows
from functions.core.manifests.formats import PARQUET, format_by_name
from functions.core.model.metadata import options_to_metadata
from functions.core.model.options import Options
from functions.core.model.ports import RunResults
from functions.core.model.rows import RowRules, with_absolute_url
from functions.core.model.types import DeferredItem, OptionValues, RunFields
from functions.core.summary.spool import Spool


class RetryManifest(Protocol):
    """Rows are added in their order, then written. A context manager: it may have a file open."""

    def add(self, row: int, item: object) -> None: ...

    def write(self, results: RunResults, options: OptionValues, waiting: Iterable[DeferredItem] = ()) -> str | None:
        """The name of the file, or None if there is nothing to retry. `waiting` are rows that wait for a pass. Raises
        StorageFault."""

    @property
    def rows(self) -> int:
        """Number of rows in the file, once it is written."""

    @property
    def missing(self) -> int:
        """Number of rows that were added and are not in the file, because their items could not be found."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def retry_manifest_for(record: RunFields) -> RetryManifest:
    options = Options.from_payload(record.get("options") or {})
    rules = RowRules.of(options)
    if options.probe:
        return NoRetryManifest()
    if record.get("format") == PARQUET:
        return ParquetRetryManifest(rules, int(record.get("rows", 0)))
    return ItemRetryManifest(rules, str(record.get("format")))


class NoRetryManifest:
    """A probe has none: no image of its rows is missing."""

    rows = missing = 0

    def add(self, row: int, item: object) -> None:
        pass

    def write(self, results: RunResults, options: OptionValues, waiting: Iterable[DeferredItem] = ()) -> str | None:
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class ItemRetryManifest:
    """The retry manifest of a manifest that can be read again: its items, in its format."""

    missing = 0

    def __init__(self, rules: RowRules, format_name: str) -> None:
        self._rules = rules
        self._format = format_by_name(format_name)
        self._items: Spool[object] = Spool()

    @property
    def rows(self) -> int:
        return len(self._items)

    def add(self, row: int, item: object) -> None:
        self._items.add(with_absolute_url(item, self._rules))

    def write(self, results: RunResults, options: OptionValues, waiting: Iterable[DeferredItem] = ()) -> str | None:
        if self._format is None or not len(self._items):
            return None
        name = f"retry{self._format.extension}"
        _write(results, name, self._format.write(self._items), options)
        return name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._items.__exit__()


class ParquetRetryManifest:
    """The retry manifest of a Parquet manifest, which this function cannot read.

    The items come from the files of rows that wait for a pass, from the retries parts of the batches, and from the
    inputs of child executions that did not complete.
    They are written as JSON lines in that order. Memory: one byte for each row of the manifest.
    """

    def __init__(self, rules: RowRules, rows: int) -> None:
        self._rules = rules
        self._pending = bytearray(rows + 1)
        self.missing = 0
        self.rows = 0

    def add(self, row: int, item: object) -> None:
        self._pending[row] = 1
        self.missing += 1

    def write(self, results: RunResults, options: OptionValues, waiting: Iterable[DeferredItem] = ()) -> str | None:
        spool: Spool[object] = Spool()
        with spool as items:
            for row, item in self._stored_items(results, waiting):
                if 0 < row < len(self._pending) and self._pending[row]:
                    self._pending[row] = 0
                    self.missing -= 1
                    items.add(with_absolute_url(item, self._rules))
            self.rows = len(items)
            if not self.rows:
                return None
            _write(results, "retry.jsonl", json_rows.write_lines(items), options)
        return "retry.jsonl"

    def _stored_items(self, results: RunResults, waiting: Iterable[DeferredItem]) -> Iterator[tuple[int, object]]:
        if not self.missing:
            return
        yield from ((deferred["row"] + 1, deferred["item"]) for deferred in waiting)
        for _, kept_items in results.kept_item_parts():
            yield from ((kept["row"], kept["item"]) for kept in kept_items)
        for chunks in results.uncompleted_children():
            for _, child in json_rows.numbered_array(chunks):
                child_input = json.loads(child["Input"])
                yield from ((entry["row"] + 1, entry["item"]) for entry in child_input["Items"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _write(results: RunResults, name: str, pieces: Iterable[str], options: OptionValues) -> None:
    results.write_text(name, pieces, "text/plain; charset=utf-8", object_metadata(options))


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
