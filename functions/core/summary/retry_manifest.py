"""The retry manifest: the rows that may succeed later, with the columns of the input and the options of the run."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, Self

from functions.core.manifests import json_rows
from functions.core.manifests.formats import PARQUET, format_by_name
from functions.core.model.metadata import options_to_metadata
from functions.core.model.options import Options
from functions.core.model.ports import RunResults
from functions.core.model.rows import with_absolute_url
from functions.core.summary.spool import Spool

FOLDER = "retries"
"""Parts in which batches of a Parquet manifest put their rows: `{"row": …, "item": …}`."""


class RetryManifest(Protocol):
    """Filled in the order of rows, then written. A context manager: it may have a file open."""

    def add(self, row: int, item: Any) -> None: ...

    def write(self, results: RunResults, options: Mapping[str, Any]) -> str | None:
        """The name of what was written, if there is something to write. Raises StorageFault."""

    @property
    def missing(self) -> int:
        """Rows that were added, and whose items could not be had."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def retry_manifest_for(record: Mapping[str, Any]) -> RetryManifest:
    base_url = str((record.get("options") or {}).get("base_url", ""))
    if record.get("format") == PARQUET:
        return ParquetRetryManifest(base_url, int(record.get("rows", 0)))
    return ItemRetryManifest(base_url, str(record.get("format")))


class ItemRetryManifest:
    """Of a manifest that can be read again: its own items, in its own format."""

    missing = 0

    def __init__(self, base_url: str, format_name: str) -> None:
        self._base_url = base_url
        self._form = format_by_name(format_name)
        self._items = Spool()

    def add(self, row: int, item: Any) -> None:
        self._items.add(with_absolute_url(item, self._base_url))

    def write(self, results: RunResults, options: Mapping[str, Any]) -> str | None:
        if self._form is None or not len(self._items):
            return None
        name = f"retry{self._form.extension}"
        _write(results, name, self._form.write(self._items), options)
        return name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._items.__exit__(None, None, None)


class ParquetRetryManifest:
    """Of Parquet, which is not read here: items from the parts of batches and the inputs of those that crashed.

    A byte a row is what it keeps. Written as JSON lines, in the order in which they are found.
    """

    def __init__(self, base_url: str, rows: int) -> None:
        self._base_url = base_url
        self._wanted = bytearray(rows + 1)
        self.missing = 0

    def add(self, row: int, item: Any) -> None:
        self._wanted[row] = 1
        self.missing += 1

    def write(self, results: RunResults, options: Mapping[str, Any]) -> str | None:
        with Spool() as items:
            for row, item in self._found(results):
                if 0 < row < len(self._wanted) and self._wanted[row]:
                    self._wanted[row] = 0
                    self.missing -= 1
                    items.add(with_absolute_url(item, self._base_url))
            if not len(items):
                return None
            _write(results, "retry.jsonl", json_rows.write_lines(items), options)
        return "retry.jsonl"

    def _found(self, results: RunResults) -> Iterator[tuple[int, Any]]:
        if not self.missing:
            return
        for _, lines in results.each(FOLDER):
            yield from ((line["row"], line["item"]) for line in lines)
        for chunks in results.lost_children():
            for child in (child for _, child in json_rows.numbered_array(chunks)):
                given = json.loads(child["Input"])
                yield from ((element["row"] + 1, element["item"]) for element in given["Items"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _write(results: RunResults, name: str, pieces: Iterable[str], options: Mapping[str, Any]) -> None:
    results.write_text(name, pieces, "text/plain; charset=utf-8", metadata(options))


def metadata(options: Mapping[str, Any]) -> dict[str, str]:
    """A run's options as they travel with an object, so that a copy of it is a run with the same ones.

    What is the default stays out, and `base_url`, for the URLs are absolute now.
    """
    default = Options()
    changed = {name: value for name, value in options.items() if name != "base_url" and _differs(default, name, value)}
    return {name: value for name, value in options_to_metadata(changed).items() if value.isascii()}


def _differs(default: Options, name: str, value: Any) -> bool:
    usual = getattr(default, name, value)
    return bool((list(usual) if isinstance(usual, tuple) else usual) != value)
