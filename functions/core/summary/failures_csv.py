"""`failures.csv`: each failed row once, for people, who open it in a spreadsheet."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

COLUMNS = ("row", "url", "reason", "http_status", "retryable", "message")
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)*")


def rows_of(lines: Iterable[Mapping[str, Any]], own: Sequence[str]) -> Iterator[str]:
    """The report, a line a piece. `own` are the user's columns; one that is named as ours gets `your_` before it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)  # lines end by CRLF, else Python 3.11 puts no quotes around a lone CR
    writer.writerow([*COLUMNS, *(f"your_{name}" if name in COLUMNS else name for name in map(_cell, own))])
    yield _taken(buffer)
    for line in lines:
        columns = line.get("columns") or {}
        writer.writerow([*(_cell(line.get(name)) for name in COLUMNS), *(_cell(columns.get(name)) for name in own)])
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _cell(value: Any) -> str:
    """As text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
