"""Buffer for records of the images table, which are written in batches while downloads continue."""

import threading
from types import TracebackType

from functions.core.model.ports import ImageTable
from functions.core.model.types import ImageRecord

BATCH_RECORDS = 25
"""Maximum number of items of a BatchWriteItem request."""


class ImageRecordBuffer:
    """The thread that completes a batch writes it; leaving the context writes the rest, also after an exception."""

    def __init__(self, table: ImageTable) -> None:
        self._table = table
        self._records: list[ImageRecord] = []
        self._lock = threading.Lock()

    def __enter__(self) -> "ImageRecordBuffer":
        return self

    def add(self, record: ImageRecord) -> None:
        """Raises TableFault."""
        with self._lock:
            self._records.append(record)
            if len(self._records) < BATCH_RECORDS:
                return
            batch, self._records = self._records, []
        self._table.record(batch)

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        if self._records:
            self._table.record(self._records)
