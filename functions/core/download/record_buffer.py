"""Rows of the images table, written in batches while downloads go on."""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from functions.core.model.ports import ImageTable

ROWS = 25
"""BatchWriteItem takes that many."""


class ImageRecordBuffer:
    """The thread that fills a batch writes it; leaving the context writes what is left, also when leaving by error."""

    def __init__(self, table: ImageTable) -> None:
        self._table = table
        self._rows: list[Mapping[str, Any]] = []
        self._lock = threading.Lock()

    def __enter__(self) -> "ImageRecordBuffer":
        return self

    def add(self, row: Mapping[str, Any]) -> None:
        """Raises TableFault."""
        with self._lock:
            self._rows.append(row)
            if len(self._rows) < ROWS:
                return
            full, self._rows = self._rows, []
        self._table.record(full)

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        if self._rows:
            self._table.record(self._rows)
