"""Buffer for records of the images table, which are written in batches while downloads continue."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from functions.core.model.errors import InfrastructureError
from functions.core.model.ports import ImageTable
from functions.core.model.types import ImageRecord

BATCH_RECORDS = 25
"""Maximum number of items of a BatchWriteItem request."""


@dataclass(frozen=True, slots=True)
class _Pending:
    record: ImageRecord
    on_written: Callable[[Exception | None], None]


class ImageRecordBuffer:
    """The thread that completes a batch writes it; leaving the context writes the rest, also after an exception."""

    def __init__(self, table: ImageTable) -> None:
        self._table = table
        self._pending: list[_Pending] = []
        self._lock = threading.Lock()

    def __enter__(self) -> "ImageRecordBuffer":
        return self

    def add(self, record: ImageRecord, on_written: Callable[[Exception | None], None]) -> None:
        """Calls `on_written` when the record is written, or with the unexpected exception that its write raised.

        Raises InfrastructureError: then the records of that write may be in the table or not.
        """
        with self._lock:
            self._pending.append(_Pending(record, on_written))
            if len(self._pending) < BATCH_RECORDS:
                return
            batch, self._pending = self._pending, []
        self._write(batch)

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        if self._pending:
            self._write(self._pending)

    def _write(self, batch: list[_Pending]) -> None:
        unexpected: Exception | None = None
        try:
            self._table.record([pending.record for pending in batch])
        except InfrastructureError:
            raise
        except Exception as error:  # a bug that one record triggers: no row of the write may count as stored
            unexpected = error
        for pending in batch:
            pending.on_written(unexpected)
