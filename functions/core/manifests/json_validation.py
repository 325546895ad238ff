"""Validation of JSON: every item is checked. No item is kept in memory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from functions.core.manifests.contents import (
    MIN_CHECKED_CHARACTERS,
    ItemInspector,
    ManifestContents,
    inspect_items,
    is_too_large,
)
from functions.core.manifests.json_rows import error_text, measured_array, parse_json
from functions.core.manifests.line_errors import NOT_JSON, TOO_LARGE, check_blank_lines
from functions.core.manifests.ranges.tally import Layout, Tally
from functions.core.manifests.streams import open_lines
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import DEFAULT_RULES, RowRules
from functions.core.model.types import JsonValue


def validate_array(
    chunks: Iterable[bytes], truncated: Callable[[], bool] = lambda: False, rules: RowRules = DEFAULT_RULES
) -> ManifestContents:
    """The contents. Raises InvalidManifest at the first error, since parsing cannot continue after it.

    `truncated` as in `validate_csv`.
    """
    return inspect_items(_array_items(chunks, truncated), rules)


def _array_items(chunks: Iterable[bytes], truncated: Callable[[], bool]) -> Iterator[JsonValue]:
    try:
        for number, item, characters in measured_array(chunks):
            if characters > MIN_CHECKED_CHARACTERS and is_too_large(item):
                raise InvalidManifest(f"Item {number} of the manifest {TOO_LARGE.one}. {TOO_LARGE.fix}")
            yield item
    except InvalidManifest as error:
        if not (error.at_end and truncated()):
            raise


def validate_lines(
    chunks: Iterable[bytes], truncated: Callable[[], bool] = lambda: False, rules: RowRules = DEFAULT_RULES
) -> ManifestContents:
    """The contents. Raises InvalidManifest with the first ten line numbers. `truncated` as in `validate_csv`."""
    check = LinesCheck(rules)
    check.read(chunks, truncated)
    check.close()
    return check.contents()


class LinesCheck:
    """The validation of JSON Lines: of all of them, or with a `layout` of those after the first rows."""

    delimiter = None

    def __init__(self, rules: RowRules, layout: Layout | None = None, tally: Tally | None = None) -> None:
        self.tally = tally or Tally()
        self._inspector = ItemInspector(rules, layout, self.tally)

    @property
    def layout(self) -> Layout | None:
        return self._inspector.layout

    def read(self, chunks: Iterable[bytes], truncated: Callable[[], bool] = lambda: False, start: int = 0) -> None:
        """Reads lines, of which the first begins at the byte `start`. Raises InvalidManifest."""
        with self._line_errors_first(), open_lines(chunks, start) as file:
            for item in _line_items(file, self.tally, truncated):
                self._inspector.add(item)

    def close(self) -> None:
        """Adds what was read to the tally. Raises InvalidManifest."""
        with self._line_errors_first():
            self._inspector.close()

    @contextmanager
    def _line_errors_first(self) -> Iterator[None]:
        """Errors of single lines take precedence over an error of the whole manifest."""
        try:
            yield
        except InvalidManifest:
            self.tally.errors.raise_if_any()
            raise

    def contents(self) -> ManifestContents:
        """Raises InvalidManifest."""
        self.tally.errors.raise_if_any()
        return self._inspector.contents()


def _line_items(file: TextIO, tally: Tally, truncated: Callable[[], bool]) -> Iterator[JsonValue]:
    errors, number = tally.errors, 0
    errors.lines_before = tally.lines
    for number, line in enumerate(file, start=1):
        if not line.strip():
            tally.blank_lines += 1
            if not tally.partial:
                check_blank_lines(tally.blank_lines, tally.lines + number - tally.blank_lines)
            continue
        try:
            item = parse_json(line)
        except (ValueError, RecursionError) as error:
            if line.endswith("\n") or not truncated():
                errors.add(NOT_JSON, number, error_text(error))
            continue
        if len(line) > MIN_CHECKED_CHARACTERS and is_too_large(item):
            errors.add(TOO_LARGE, number)
        yield item
    tally.lines += number
