"""Validation of JSON: every item is checked. No item is kept in memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from functions.core.manifests.contents import MIN_CHECKED_CHARACTERS, ManifestContents, inspect_items, is_too_large
from functions.core.manifests.json_rows import error_text, measured_array, parse_json
from functions.core.manifests.line_errors import NOT_JSON, TOO_LARGE, LineErrors, check_blank_lines
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
    errors = LineErrors()
    with open_lines(chunks) as file:
        try:
            return inspect_items(_line_items(file, errors, truncated), rules)
        finally:  # errors of single lines take precedence over an error of the whole manifest
            errors.raise_if_any()


def _line_items(file: TextIO, errors: LineErrors, truncated: Callable[[], bool]) -> Iterator[JsonValue]:
    blank = 0
    for number, line in enumerate(file, start=1):
        if not line.strip():
            blank += 1
            check_blank_lines(blank, number - blank)
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
