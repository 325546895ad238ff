"""`failures.csv`: one line for each failed row, for people who open it in a spreadsheet."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from functions.core.model.types import ResultLine

COLUMNS = ("row", "url", "reason", "http_status", "retryable", "message")
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)*")


def csv_lines(lines: Iterable[ResultLine], user_columns: Sequence[str]) -> Iterator[str]:
    """The header and a line for each failure. A user column with the name of one of ours gets the prefix `your_`."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)  # lines end by CRLF, else Python 3.11 puts no quotes around a lone CR
    writer.writerow([*COLUMNS, *(f"your_{name}" if name in COLUMNS else name for name in map(cell, user_columns))])
    yield _drain(buffer)
    for line in lines:
        values = line.get("columns") or {}
        writer.writerow(
            [*(cell(line.get(name)) for name in COLUMNS), *(cell(values.get(name)) for name in user_columns)]
        )
        yield _drain(buffer)


def _drain(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def cell(value: object) -> str:
    """The value as text that no spreadsheet evaluates as a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
