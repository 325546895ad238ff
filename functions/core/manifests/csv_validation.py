"""Is it CSV that Step Functions reads as it looks? Every row is looked at once, and none is kept."""

import csv
from collections.abc import Callable, Iterable, Iterator

from functions.core.manifests.contents import MAX_COLUMNS, ManifestContents, is_too_large
from functions.core.manifests.csv_rows import Dialect, split_header
from functions.core.manifests.line_errors import (
    BACKSLASH,
    CARRIAGE_RETURN,
    OPEN_QUOTE,
    TOO_LARGE,
    LineErrors,
    too_many_fields,
)
from functions.core.manifests.streams import open_text
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import classify_columns

MAX_HEADER_BYTES = 10 * 1024
"""Step Functions' limit."""

_LONG = 16 * 1024
"""Characters: no shorter line is looked at twice for its size."""


def validate_csv(
    chunks: Iterable[bytes], dialect: Dialect, cut: Callable[[], bool] = lambda: False
) -> ManifestContents:
    """Raises InvalidManifest. `cut` says whether what was read is but the beginning."""
    faults = LineErrors()
    with open_text(chunks) as file:
        lines = _Lines(file, faults)
        names, records = split_header(_records(lines, dialect.delimiter, faults, cut), dialect)
        if not dialect.given and names:
            faults.check()
            validate_header(names)
        rows = _counted(records, names, lines, faults)
    faults.check()
    return ManifestContents(rows, classify_columns(tuple(names)).user_columns[:MAX_COLUMNS], _note(dialect, names))


def _counted(records: Iterator[tuple[int, list[str]]], names: list[str], lines: "_Lines", faults: LineErrors) -> int:
    width, rows, crowded = len(names), 0, too_many_fields(len(names))
    for line, cells in records:
        rows += 1
        if len(cells) > width:
            faults.add(crowded, line, len(cells))
        if lines.long:
            if is_too_large(dict(zip(names, cells, strict=False))):
                faults.add(TOO_LARGE, line)
            lines.long = False
    return rows


class _Lines:
    """The lines of a file on their way into a CSV reader. `long` is set where one, or a record of many, is long."""

    def __init__(self, file: Iterable[str], faults: LineErrors) -> None:
        self._file = file
        self._faults = faults
        self.long = False

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._file, start=1):
            if "\\" in line:
                self._faults.add(BACKSLASH, number)
            if "\r" in line and "\r" in line.removesuffix("\n").removesuffix("\r"):
                self._faults.add(CARRIAGE_RETURN, number)
                line = line.replace("\r", " ").rstrip("\n") + "\n"  # the reader would stumble over it
            if len(line) > _LONG:
                self.long = True
            yield _without_spaces(line) if '" ' in line else line


def _without_spaces(line: str) -> str:
    """Behind a quotation mark at its end: the reader would take that for one too early."""
    bare = line.rstrip(" \r\n")
    return bare + "\n" if bare.endswith('"') else line


def _records(
    lines: _Lines, delimiter: str, faults: LineErrors, cut: Callable[[], bool]
) -> Iterator[tuple[int, list[str]]]:
    """The number of its first line, and the cells of each record that is not blank. Goes on after a fault."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    before = 0
    while True:
        try:
            for cells in reader:
                if cells:
                    lines.long = lines.long or reader.line_num - before > 1
                    yield before + 1, cells
                before = reader.line_num
            return
        except csv.Error as error:
            _note_fault(str(error), before + 1, reader.line_num, faults, cut)
            before = reader.line_num


def _note_fault(error: str, first: int, last: int, faults: LineErrors, cut: Callable[[], bool]) -> None:
    if "end of data" in error and cut():
        return
    faults.add(TOO_LARGE if "field larger" in error and first == last else OPEN_QUOTE, first)


def validate_header(header: list[str]) -> None:
    """Raises InvalidManifest where no column holds the URL, or two share a name."""
    columns = classify_columns(tuple(header))
    if not columns.urls:
        found = ", ".join(header[:10])
        raise InvalidManifest(
            f"The manifest has no url column: its first line has {found}. Name the column of the URLs 'url'."
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        named_so = f"are named '{twice[0]}'" if twice[0] else "have no name"
        raise InvalidManifest(f"Two columns of the manifest {named_so}. Give each its own name.")
    if columns.rival is not None:
        raise InvalidManifest(
            f"Both '{columns.urls[0]}' and '{columns.rival}' could hold the URLs. Name one of them 'url'."
        )
    if len(",".join(header).encode()) > MAX_HEADER_BYTES:
        raise InvalidManifest("The first line of the manifest is longer than 10 KB, more than Step Functions takes.")


def _note(dialect: Dialect, names: list[str]) -> str:
    if not dialect.narrow or not names:
        return ""
    others = f", the others as {names[1]} to {names[-1]}" if len(names) > 1 else ""
    return f"The manifest has no header: its first column was taken as url{others}."
