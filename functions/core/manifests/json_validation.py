"""Is it JSON whose items Step Functions can hand to a batch? Every item is looked at, and none is kept."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO

from functions.core.manifests.contents import ManifestContents, inspect_items, is_too_large
from functions.core.manifests.json_rows import error_text, numbered_array, parse_json
from functions.core.manifests.line_errors import NOT_JSON, TOO_LARGE, LineErrors
from functions.core.manifests.streams import open_text
from functions.core.model.errors import InvalidManifest

_LONG = 16 * 1024
"""Characters: no shorter line is looked at twice for its size."""


def validate_array(chunks: Iterable[bytes], cut: Callable[[], bool] = lambda: False) -> ManifestContents:
    """Raises InvalidManifest at the first fault: what follows it cannot be told apart. `cut` as in `csv_check`."""
    return inspect_items(_sound_items(chunks, cut))


def _sound_items(chunks: Iterable[bytes], cut: Callable[[], bool]) -> Iterator[Any]:
    try:
        for number, item in numbered_array(chunks):
            if is_too_large(item):
                raise InvalidManifest(f"Item {number} of the manifest is larger than a batch may be. {TOO_LARGE.mend}")
            yield item
    except InvalidManifest as fault:
        if not (fault.at_end and cut()):
            raise


def validate_lines(chunks: Iterable[bytes], cut: Callable[[], bool] = lambda: False) -> ManifestContents:
    """Raises InvalidManifest, which names the first ten lines. `cut` as in `csv_check`."""
    faults = LineErrors()
    with open_text(chunks) as file:
        try:
            return inspect_items(_sound_lines(file, faults, cut))
        finally:  # what is wrong with single lines is told before what is wrong with all of them
            faults.check()


def _sound_lines(file: TextIO, faults: LineErrors, cut: Callable[[], bool]) -> Iterator[Any]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            item = parse_json(line)
        except (ValueError, RecursionError) as error:
            if line.endswith("\n") or not cut():
                faults.add(NOT_JSON, number, error_text(error))
            continue
        if len(line) > _LONG and is_too_large(item):
            faults.add(TOO_LARGE, number)
        yield item
