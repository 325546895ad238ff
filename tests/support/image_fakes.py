"""The images bucket and the images table in memory, with the conditions of their writes."""

import hashlib
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from functions.core.model.ports import ImageObject, ImageUpload, ShardUpload
from functions.core.model.types import ImageRecord

PIECE_BYTES = 100


class Faulty:
    def __init__(self) -> None:
        self.faults: deque[Exception] = deque()

    def _fail(self) -> None:
        if self.faults:
            raise self.faults.popleft()


@dataclass(frozen=True, slots=True)
class StoredObject:
    data: bytes
    url_sha256: str
    content_type: str
    storage_class: str = "STANDARD"
    run_id: str = ""
    row: int = 0
    width: int | None = None
    height: int | None = None
    stored_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    truncated: bool = False
    is_copy: bool = False
    shard_id: str = ""

    @property
    def etag(self) -> str:
        """As S3's, it depends on the bytes alone."""
        return f'"{hashlib.md5(self.data).hexdigest()}"'


class FakeImageStore(Faulty):
    """Checks size, SHA-256 and conditions as S3 does. `uploads` are the uploads that succeeded.

    `requests` are all requests: PUT and its condition, HEAD or GET. `now` is the time of the next objects.
    """

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, StoredObject] = {}
        self.uploads: list[ImageUpload] = []
        self.requests: list[str] = []
        self.now = lambda: datetime.now(UTC)
        self._lock = threading.Lock()

    def put(self, upload: ImageUpload, if_match: str | None) -> str | None:
        with self._lock:
            self._fail()
            self.requests.append(f"PUT {if_match or '*'}")
            upload.file.seek(0)
            data = upload.file.read()
            assert len(data) == upload.size, "the size is not that of the bytes"
            assert hashlib.sha256(data).hexdigest() == upload.sha256, "the checksum is not that of the bytes"
            there = self.objects.get(upload.key)
            if if_match != (there.etag if there else None):
                return None
            stored = self.objects[upload.key] = StoredObject(
                *(data, upload.url_sha256, upload.content_type, upload.storage_class, upload.run_id, upload.row),
                *(upload.width, upload.height, self.now(), upload.truncated, upload.is_copy),
            )
            self.uploads.append(upload)
            return stored.etag

    def head(self, key: str) -> ImageObject | None:
        with self._lock:
            self._fail()
            self.requests.append("HEAD")
            there = self.objects.get(key)
            return _head(there) if there else None

    def put_shard(self, upload: ShardUpload) -> bool:
        with self._lock:
            self._fail()
            self.requests.append("PUT *")
            upload.file.seek(0)
            data = upload.file.read()
            assert len(data) == upload.size, "the size is not that of the bytes"
            assert zlib.crc32(data) == upload.crc32, "the checksum is not that of the bytes"
            there = self.objects.get(upload.key)
            if there is not None:
                return there.shard_id == upload.shard_id
            self.objects[upload.key] = StoredObject(
                data, "", "application/x-tar", upload.storage_class, upload.run_id, shard_id=upload.shard_id
            )
            return True

    def read_shard(self, key: str, offset: int, size: int) -> bytes | None:
        with self._lock:
            self._fail()
            self.requests.append("GET")
            there = self.objects.get(key)
        return there.data[offset : offset + size] or None if there and there.shard_id else None

    def read(
        self, key: str, write: Callable[[bytes], None], offset: int | None = None, size: int | None = None
    ) -> bool:
        with self._lock:
            self._fail()
            self.requests.append("GET")
            there = self.objects.get(key)
        data = there.data if there else b""
        if size is not None:
            data = data[offset or 0 :][:size]
        for start in range(0, len(data), PIECE_BYTES):
            write(data[start : start + PIECE_BYTES])
        return there is not None


def _head(stored: StoredObject) -> ImageObject:
    return ImageObject(
        etag=stored.etag,
        size=len(stored.data),
        content_type=stored.content_type,
        stored_at=stored.stored_at,
        url_sha256=stored.url_sha256,
        sha256=hashlib.sha256(stored.data).hexdigest() if stored.run_id else "",
        run_id=stored.run_id,
        row=stored.row,
        width=stored.width,
        height=stored.height,
        truncated=stored.truncated,
        is_copy=stored.is_copy,
    )


class FakeImageTable(Faulty):
    """Records by URL. `written` has the size of each recorded batch, `asked` the URLs of each look-up.

    `record_faults` are those of `record` alone. `read_urls` and `replaced` have the URLs of strongly consistent reads
    and of conditional writes that succeeded.
    """

    def __init__(self, rows: Iterable[ImageRecord] = ()) -> None:
        super().__init__()
        self.rows: dict[str, ImageRecord] = {row["url"]: row.copy() for row in rows}
        self.record_faults: deque[Exception] = deque()
        self.written: list[int] = []
        self.asked: list[list[str]] = []
        self.read_urls: list[str] = []
        self.replaced: list[str] = []
        self._lock = threading.Lock()

    def look_up(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        self._fail()
        self.asked.append(list(urls))
        with self._lock:
            return {url: self.rows[url].copy() for url in urls if url in self.rows}

    def record(self, rows: Sequence[ImageRecord]) -> None:
        with self._lock:
            self._fail()
            if self.record_faults:
                raise self.record_faults.popleft()
            assert len({row["url"] for row in rows}) == len(rows) > 0, "BatchWriteItem rejects a duplicate key"
            self.rows |= {row["url"]: row.copy() for row in rows}
            self.written.append(len(rows))

    def read(self, url: str) -> ImageRecord | None:
        with self._lock:
            self._fail()
            self.read_urls.append(url)
            return self.rows[url].copy() if url in self.rows else None

    def replace(self, record: ImageRecord, former: ImageRecord | None) -> bool:
        with self._lock:
            self._fail()
            if self.rows.get(record["url"]) != former:
                return False
            self.rows[record["url"]] = record.copy()
            self.replaced.append(record["url"])
            return True
