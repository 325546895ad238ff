"""Contents of a manifest, as far as a run needs them before its rows are read."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from functions.core.manifests.columns.check_columns import note_on_own
from functions.core.manifests.columns.url_columns import (
    MAX_SAMPLE_ROWS,
    UrlSample,
    possible_url_columns,
    reject_several_urls,
    resolve,
)
from functions.core.manifests.hosts import HostCounter, HostCounts
from functions.core.manifests.ranges.tally import MAX_COLUMNS, Layout, Tally
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import DEFAULT_RULES, UNNAMED_COLUMNS, RowRules, classify_columns, user_columns

MAX_ITEM_BYTES = 180 * 1024
"""Maximum size of an item as JSON, in bytes. Together with the options of the run it must fit into the input of a
child execution (`BATCH_BYTES` of the stack)."""

MAX_NESTING = 100
"""Maximum depth of arrays and objects in an item. Python's own limit, about 1,000, includes the functions that call its
JSON parser and encoder, so that it is not the same for PrepareRun as for the batches."""

MAX_ITEMS_WITHOUT_URL = 100_000
"""Number of items at the beginning of a JSON manifest of which at least one has to have a URL."""

MIN_CHECKED_CHARACTERS = 16 * 1024
"""Lines with at most this many characters are not checked for MAX_ITEM_BYTES: they cannot reach it."""


@dataclass(frozen=True, slots=True)
class ManifestContents:
    """Number of rows, and the user's columns in the order of appearance. `note` is shown in the summary.

    `rules` are those of the run with what the manifest decides: the URL column, and the columns that are the user's
    own. `blank_rows` of the rows have no text. `hosts` counts the rows of each host; None for Parquet, whose rows are
    not read.
    """

    rows: int
    columns: tuple[str, ...] = ()
    note: str = ""
    rules: RowRules = DEFAULT_RULES
    blank_rows: int = 0
    hosts: HostCounts | None = field(default=None, compare=False)


_MAY_BE_EMPTY = {"", *UNNAMED_COLUMNS}
"""Columns that only some of the items with the same names may have, see `user_columns`."""


class ItemInspector:
    """Inspects the items of a JSON manifest: their number, columns, URL column and checks.

    They are counted in `tally`. With a `layout`, they are those after the first MAX_SAMPLE_ROWS.
    """

    def __init__(self, rules: RowRules, layout: Layout | None = None, tally: Tally | None = None) -> None:
        self._requested = self._rules = rules
        self._tally = tally or Tally()
        self._before = self._rows = 0
        self._names: tuple[str, ...] | None = None
        self._may_be_empty = False
        self._reserved: Mapping[str, str] = {}
        self._urls: Sequence[str] = ()
        self._hosts = HostCounter(rules)
        self._hosts_by_column: dict[str, HostCounter] = {}
        self._has_url = False
        self._sample = UrlSample()
        if layout is not None:
            self._rules = replace(rules, url_column=layout.url_column)
            self._before = self._rows = MAX_SAMPLE_ROWS
            self._has_url = True

    @property
    def layout(self) -> Layout | None:
        """None until it is known."""
        return Layout((), self._rules.url_column) if self._rows >= MAX_SAMPLE_ROWS and self._has_url else None

    def add(self, item: object) -> None:
        """Raises InvalidManifest if none of the first items has a URL."""
        self._rows += 1
        if isinstance(item, Mapping):
            self._add_object(item)
        elif isinstance(item, str):
            self._has_url = True
            self._hosts.add(item)
        if self._rows == MAX_SAMPLE_ROWS:
            self._find_url_column()
        if self._rows == MAX_ITEMS_WITHOUT_URL and not self._has_url:
            raise self._without_url(f"None of the first {self._rows} items")

    def _add_object(self, item: Mapping[str, object]) -> None:
        names = tuple(item)
        if names != self._names or self._may_be_empty:
            self._names = names
            self._may_be_empty = not _MAY_BE_EMPTY.isdisjoint(names)
            columns = classify_columns(names, self._rules)
            self._reserved = columns.reserved
            self._urls = columns.urls if columns.conflicting is None else ()
            self._has_url = self._has_url or (bool(columns.urls) and columns.conflicting is None)
            if len(self._tally.columns) <= MAX_COLUMNS:
                self._tally.add_columns(user_columns(item, self._rules))
        if self._rows <= MAX_SAMPLE_ROWS:
            self._sample.add(item)
            if not self._has_url:
                self._count_hosts_by_column(item)
        self._count_host(item)
        if self._reserved:
            self._tally.checks.add({name: item[name_in_item] for name, name_in_item in self._reserved.items()})

    def _count_host(self, item: Mapping[str, object]) -> None:
        """Of the column that `url_column_of` finds."""
        for kind in (str, list):
            for name in self._urls:
                if isinstance(item[name], kind):
                    self._hosts.add_values(item[name])
                    return

    def _count_hosts_by_column(self, item: Mapping[str, object]) -> None:
        """Until it is known which column has the URLs."""
        for name in possible_url_columns(item, self._rules):
            self._hosts_by_column.setdefault(name, HostCounter(self._rules)).add_values(item[name])

    def _find_url_column(self) -> None:
        """By the sample, if no item has a URL by its names."""
        names = self._sample.names()
        if names and not self._has_url:
            try:
                self._rules = resolve(names, self._rules, self._sample)
            except InvalidManifest:
                return
            self._has_url = True
            self._hosts = self._hosts_by_column.get(self._rules.url_column, self._hosts)
            self._names = None
        reject_several_urls(names, self._rules, self._sample)

    def close(self) -> None:
        """Called after the last item: adds the number of items and their hosts to the tally. Raises InvalidManifest."""
        self._find_url_column()
        if self._rows and not self._has_url:
            raise self._without_url("No item")
        self._tally.rows += self._rows - self._before
        self._tally.hosts = self._tally.hosts.plus(self._hosts.counts())

    def contents(self) -> ManifestContents:
        own = self._tally.checks.own_columns()
        columns = [name for name in self._tally.columns if name != self._rules.url_column]
        return ManifestContents(
            self._tally.rows,
            tuple([*columns, *own][:MAX_COLUMNS]),
            notes(self._requested, self._rules, own),
            replace(self._rules, own_columns=(*self._rules.own_columns, *own)),
            hosts=self._tally.hosts,
        )

    def _without_url(self, which: str) -> InvalidManifest:
        """With the error of `resolve`, which names the columns, if there are any."""
        reason = "An item is a URL in quotes, or an object with a url."
        if self._sample.names():
            try:
                resolve(self._sample.names(), self._rules, self._sample, "the first items have")
            except InvalidManifest as error:
                if self._rules.url_column:
                    return error
                reason = str(error)
        return InvalidManifest(f"{which} of the manifest is a URL or has one. {reason}")


def inspect_items(items: Iterable[object], rules: RowRules = DEFAULT_RULES) -> ManifestContents:
    """Inspects every item of a JSON manifest. Raises InvalidManifest if none of the first items has a URL."""
    inspector = ItemInspector(rules)
    for item in items:
        inspector.add(item)
    inspector.close()
    return inspector.contents()


def notes(requested: RowRules, rules: RowRules, own: Iterable[str]) -> str:
    """Sentences about what was decided by the manifest."""
    sentences = list(map(note_on_own, own))
    if rules.url_column != requested.url_column and not requested.url_column:
        sentences.insert(0, f"The column {rules.url_column} was taken as url.")
    return " ".join(sentences)


def is_too_deep(item: object) -> bool:
    """True if the item is nested deeper than MAX_NESTING. Costs more than parsing: see `may_be_too_deep`."""
    level = [item]
    for _ in range(MAX_NESTING):
        containers = [each for each in level if isinstance(each, dict | list)]
        level = [child for each in containers for child in (each.values() if isinstance(each, dict) else each)]
    return any(isinstance(each, dict | list) for each in level)


def may_be_too_deep(text: str, start: int = 0, end: int | None = None) -> bool:
    """False if the JSON text has too few brackets to be nested deeper than MAX_NESTING."""
    return text.count("[", start, end) + text.count("{", start, end) > MAX_NESTING


def is_too_large(item: object) -> bool:
    """True if the item as JSON is larger than MAX_ITEM_BYTES."""
    return len(json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass")) > MAX_ITEM_BYTES
