"""The table of item readers: how Step Functions reads each kind of manifest. One row is one Map state.

`name` is what PrepareRun returns as `reader`. The type is fixed per state, hence a state for each.
Gzip needs no row: Step Functions tells it by the object's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.core.manifests.csv_rows import HEADERLESS_COLUMNS, URL_LINES, URL_LIST

INDEX = "$$.Map.Item.Index"


@dataclass(frozen=True)
class Reader:
    name: str
    config: Mapping[str, Any]  # the ReaderConfig of the ItemReader
    row: str = INDEX  # of an item; -1 is no row of the manifest

    @property
    def title(self) -> str:
        return self.name.upper().replace("-", " ")


def _csv(delimiter: str, *, headers: tuple[str, ...] = ()) -> dict[str, Any]:
    location = (
        {"CSVHeaderLocation": "GIVEN", "CSVHeaders": list(headers)} if headers else {"CSVHeaderLocation": "FIRST_ROW"}
    )
    return {"InputType": "CSV", "CSVDelimiter": delimiter, **location}


READERS = (
    Reader("csv", _csv("COMMA")),
    Reader("csv-semicolon", _csv("SEMICOLON")),
    Reader("csv-pipe", _csv("PIPE")),
    Reader("tsv", _csv("TAB")),
    Reader("csv-bare", _csv("COMMA", headers=HEADERLESS_COLUMNS)),  # without a header
    Reader("csv-semicolon-bare", _csv("SEMICOLON", headers=HEADERLESS_COLUMNS)),
    Reader("csv-pipe-bare", _csv("PIPE", headers=HEADERLESS_COLUMNS)),
    Reader("tsv-bare", _csv("TAB", headers=HEADERLESS_COLUMNS)),
    # Its first line, TsvHttpData-1.0, comes as an item and is none.
    Reader("tsv-list", _csv("TAB", headers=URL_LIST.column_names), row=f"States.MathAdd({INDEX}, -1)"),
    Reader("txt", _csv("TAB", headers=URL_LINES.column_names)),
    Reader("json", {"InputType": "JSON"}),
    Reader("jsonl", {"InputType": "JSONL"}),
    Reader("parquet", {"InputType": "PARQUET"}),
)
