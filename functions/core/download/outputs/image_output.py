"""What a batch needs of the place where images are kept (option `output`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

from functions.core.download.image_download import Download
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import ImageTable
from functions.core.model.rows import Row
from functions.core.model.types import ImageFacts, ImageRecord, Signals


@dataclass(frozen=True, slots=True)
class StoredRow:
    """The first row of an image. `record` is to be written into the images table before the outcome counts, or None if
    the table has it. `former_key` is that of the URL's former image, if it is kept under another key."""

    kind: OutcomeKind
    image: ImageFacts
    record: ImageRecord | None
    former_key: str | None = None


@dataclass(frozen=True, slots=True)
class RecoveredImage:
    """An image that an earlier attempt of this round has stored. The images table may not have its record."""

    record: ImageRecord
    signals: Signals = field(default_factory=dict)


class RecordSink(Protocol):
    """Takes the records of images. Leaving its context stores and writes the rest, also after an exception."""

    def add(self, record: ImageRecord, on_written: Callable[[Exception | None], None]) -> None:
        """Calls `on_written` when the image is stored and its record written, or with the exception that prevented it.

        Raises InfrastructureError.
        """

    def __enter__(self) -> "RecordSink": ...

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None: ...


class ImageOutput(Protocol):
    """Shared by the threads of a batch."""

    def recover(self, groups: Mapping[str, Sequence[Row]]) -> Mapping[str, RecoveredImage]:
        """What an earlier attempt of this round has stored, by URL. `groups` are the rows by URL.

        Raises StorageFault.
        """

    def store(self, row: Row, existing_record: ImageRecord | None, download: Download, signals: Signals) -> StoredRow:
        """Store the image of a row, now or with others before its record is written.

        Raises RowError(CHECKSUM_MISMATCH | KEY_CONFLICT | STORAGE), StorageFault, TableFault.
        """

    def records(self, table: ImageTable) -> RecordSink:
        """Where the records of the stored images go."""
