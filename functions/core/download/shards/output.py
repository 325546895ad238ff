"""The shards of one round of a batch: images are appended to a tar file, which is uploaded when it is full.

A record, and the outcomes of its rows, follow when the shard is stored. Shards are never replaced
(docs/adr/0033-shards.md).
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from functions.core.download.image_download import Download
from functions.core.download.outputs.image_output import RecordSink, RecoveredImage, StoredRow
from functions.core.download.record_buffer import ImageRecordBuffer
from functions.core.download.records import new_record, stored_image, verify_row
from functions.core.download.shards.descriptions import describe
from functions.core.download.shards.recovery import recovered_images
from functions.core.download.shards.shard import Shard, ShardMember, size_in_shard
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.keys import shard_key
from functions.core.model.options import Options
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import ImageTable, ShardStore, ShardUpload
from functions.core.model.rows import Row
from functions.core.model.types import ImageFacts, ImageRecord, Signals

MAX_SHARD_BYTES = 256_000_000
"""Maximum size of a shard in bytes, unless its only image is larger. One shard is filled while another is uploaded, so
the temporary storage holds two of them."""


class ImageShards:
    """Shared by the threads of one round. `name` is that of the round, and of its shards."""

    def __init__(
        self,
        *,
        store: ShardStore,
        options: Options,
        run_id: str,
        name: str,
        prefix: str,
        max_bytes: int = MAX_SHARD_BYTES,
    ) -> None:
        self._store = store
        self._storage_class = options.storage_class
        self._run_id = run_id
        self._name = name
        self._prefix = prefix
        self._max_bytes = max_bytes
        self._number = 0  # of the next shard
        self._shard: Shard | None = None  # the one that is being filled
        self._shard_of: dict[int, tuple[Shard, ShardMember]] = {}  # by row, until its record is added
        self._has_failed = False
        self._filling = threading.Lock()
        self._uploading = threading.Lock()  # taken while `_filling` is held, never the other way round
        self._ending = threading.Lock()
        self._buffer: ImageRecordBuffer

    def recover(self, groups: Mapping[str, Sequence[Row]]) -> Mapping[str, RecoveredImage]:
        """Reads the shards that an earlier attempt of this round has stored, without their images."""
        urls = {row.number: url for url, rows in groups.items() for row in rows}
        recovered: dict[str, RecoveredImage] = {}
        while (found := recovered_images(self._store, self._next_key(), urls, self._run_id)) is not None:
            recovered = {**found, **recovered}
            self._number += 1
        return recovered

    def store(self, row: Row, existing_record: ImageRecord | None, download: Download, signals: Signals) -> StoredRow:
        """Append the image. Its facts and its record get their key when the shard is stored."""
        verify_row(row, download.body)
        image = stored_image(None, download.image)
        description = describe(row, image, download.fetched, signals)
        while True:
            with self._filling:
                if self._has_room(download.body.size):
                    member = self._append(row, image, description, download)
                    break
                full = self._take_full()
            self._upload(full)
        former_key = existing_record.get("object_key") if existing_record else None
        return StoredRow(OutcomeKind.STORED, image, member.record, former_key)

    def records(self, table: ImageTable) -> RecordSink:
        self._buffer = ImageRecordBuffer(table)
        return self

    def __enter__(self) -> RecordSink:
        return self

    def add(self, record: ImageRecord, on_written: Callable[[Exception | None], None]) -> None:
        """The record is written when the shard of its image is stored."""
        shard, member = self._shard_of.pop(record["row"])
        with self._ending:
            if not shard.has_ended:
                member.on_written = on_written
                return
        self._on_stored(shard, member.record, on_written)

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        try:
            if self._shard is not None and not self._has_failed:
                with self._filling:
                    last = self._take_full()
                self._upload(last)
        finally:
            if self._shard is not None:
                self._shard.close()
            self._buffer.__exit__(kind, error, traceback)

    def _has_room(self, size: int) -> bool:
        return (
            self._shard is None or not self._shard.members or self._shard.size + size_in_shard(size) <= self._max_bytes
        )

    def _append(
        self, row: Row, image: ImageFacts, description: Mapping[str, object], download: Download
    ) -> ShardMember:
        """Raises RowError(STORAGE)."""
        shard = self._shard = self._shard or Shard()
        image["offset"] = shard.append(row.number, download.extension, download.body, description)
        member = ShardMember(image, new_record(row.url, image, None, self._run_id, row.number, download.fetched))
        shard.members.append(member)
        self._shard_of[row.number] = shard, member
        return member

    def _take_full(self) -> Shard:
        """The shard that is being filled, when the one before it is stored. `_upload` must follow."""
        self._uploading.acquire()
        if self._has_failed or self._shard is None:
            self._uploading.release()
            raise StorageFault("The shard before this one was not stored.")
        full, self._shard = self._shard, None
        return full

    def _upload(self, shard: Shard) -> None:
        """If S3 fails for a moment, the rows of the shard are tried again. Raises StorageFault, TableFault."""
        try:
            self._put(shard)
        except RowError as row_error:
            shard.error = row_error
        except BaseException:
            self._has_failed = True
            raise
        finally:
            shard.close()
            self._uploading.release()
        with self._ending:
            shard.has_ended = True
        for member in shard.members:
            if member.on_written is not None:
                self._on_stored(shard, member.record, member.on_written)

    def _put(self, shard: Shard) -> None:
        """One PUT; the next name if another attempt of this round has taken the name meanwhile."""
        shard.end()
        is_stored = False
        while not is_stored:
            key = self._next_key()
            is_stored = self._store.put_shard(
                ShardUpload(
                    key=key,
                    file=shard.file,
                    size=shard.size,
                    crc32=shard.crc32,
                    run_id=self._run_id,
                    shard_id=shard.id,
                    storage_class=self._storage_class,
                )
            )
            self._number += 1
        for member in shard.members:
            member.image["object_key"] = member.record["object_key"] = key

    def _on_stored(self, shard: Shard, record: ImageRecord, on_written: Callable[[Exception | None], None]) -> None:
        if shard.error is not None:
            on_written(shard.error)
        else:
            self._buffer.add(record, on_written)

    def _next_key(self) -> str:
        return shard_key(self._prefix, self._run_id, self._name, self._number)
