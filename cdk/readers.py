"""The table of item readers: how Step Functions reads each kind of manifest. One row is one Map state.

`name` is what PrepareRun returns as `reader`. The type is fixed per state, hence a state for each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reader:
    name: str
    config: Mapping[str, Any]  # the ReaderConfig of the ItemReader

    @property
    def title(self) -> str:
        return self.name.upper()


def _csv(delimiter: str, *, headers: list[str] | None = None) -> dict[str, Any]:
    location = {"CSVHeaderLocation": "GIVEN", "CSVHeaders": headers} if headers else {"CSVHeaderLocation": "FIRST_ROW"}
    return {"InputType": "CSV", "CSVDelimiter": delimiter, **location}


READERS = (
    Reader("csv", _csv("COMMA")),
    Reader("tsv", _csv("TAB")),
    Reader("txt", _csv("TAB", headers=["url"])),  # no URL holds a tab, so a line is a field
    Reader("json", {"InputType": "JSON"}),
    Reader("jsonl", {"InputType": "JSONL"}),
)
