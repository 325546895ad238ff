"""`results.csv`: the results of a run for people who open them in a spreadsheet."""

import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from functions.core.model.limits import MAX_SPREADSHEET_ROWS
from functions.core.model.ports import IndexFiles
from functions.core.model.types import ResultLine
from functions.core.summary.failures_csv import cell
from functions.core.summary.index.columns import COLUMNS, Kind, own_names

FILE = "results.csv"


class ResultsCsv:
    """The columns of the results, with the user's own instead of `columns`. A context manager: it has a file open."""

    def __init__(self, user_columns: Sequence[str]) -> None:
        own = own_names(user_columns)
        self._columns = [column for column in COLUMNS if column.kind is not Kind.JSON]
        self._user_columns = tuple(own)
        self._rows = 0
        self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed on exit
            "w", encoding="utf-8", errors="backslashreplace", newline="", suffix=".csv"
        )
        self._writer = csv.writer(self._file)  # lines end by CRLF, else Python 3.11 puts no quotes around a lone CR
        self._writer.writerow([*(column.name for column in self._columns), *map(cell, own.values())])

    def add(self, item: object, line: ResultLine) -> None:
        self._rows += 1
        if self._rows <= MAX_SPREADSHEET_ROWS:
            own = line.get("columns") or {}
            values = [*(column.of(line) for column in self._columns), *(own.get(name) for name in self._user_columns)]
            self._writer.writerow(map(cell, values))

    def write(self, files: IndexFiles) -> None:
        if self._rows <= MAX_SPREADSHEET_ROWS:
            self._file.flush()
            files.upload(FILE, Path(self._file.name), "text/csv; charset=utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
