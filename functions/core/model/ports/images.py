"""The images bucket and the images table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol

from functions.core.model.types import (
    ImageRecord,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUpload:
    """An image to upload. `file` is positioned at 0; `sha256` is the digest of its `size` bytes in hex.

    The metadata of the object has `run_id` and `row`, `sha256`, `width` and `height` in pixels, and `url_sha256`, the
    SHA-256 of the URL in hex. `truncated` is true if the end of the image is missing. `is_copy` is true for a further
    object of an image whose record names another key.
    """

    key: str
    file: IO[bytes]
    size: int
    sha256: str
    content_type: str
    url_sha256: str
    run_id: str
    row: int
    width: int | None = None
    height: int | None = None
    truncated: bool = False
    is_copy: bool = False
    storage_class: str = "STANDARD"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageObject:
    """An object of the images bucket. The fields are those of ImageUpload; `url_sha256` is empty if the object is not
    an image of this program.

    `run_id` is empty if release 0.1.0 stored the image: then `row` is 0 and `sha256` is empty.
    """

    etag: str
    size: int
    content_type: str
    stored_at: datetime
    url_sha256: str = ""
    sha256: str = ""
    run_id: str = ""
    row: int = 0
    width: int | None = None
    height: int | None = None
    truncated: bool = False
    is_copy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardUpload:
    """A tar file of images to upload. `file` is positioned at 0; `crc32` is the checksum of its `size` bytes.

    The metadata of the object has `run_id`, and `shard_id`, which no other upload has.
    """

    key: str
    file: IO[bytes]
    size: int
    crc32: int
    run_id: str
    shard_id: str
    storage_class: str = "STANDARD"


class ImageStore(Protocol):
    """The images bucket."""

    def put(self, upload: ImageUpload, if_match: str | None) -> str | None:
        """Uploads an image if the object of its key has the ETag `if_match`, or if there is no object and it is None.

        Returns the ETag of the object, or None if the condition does not hold. Raises RowError(STORAGE), StorageFault.
        """

    def head(self, key: str) -> ImageObject | None:
        """The object of a key. None if there is none, or if the function may not know whether there is one.

        Raises RowError(STORAGE), StorageFault.
        """

    def read(
        self, key: str, write: Callable[[bytes], None], offset: int | None = None, size: int | None = None
    ) -> bool:
        """Calls `write` with the bytes of an object, piece by piece: with `size` bytes from `offset` on if the image is
        in a shard. False if the object cannot be read.

        Raises RowError(STORAGE), StorageFault, and what `write` raises.
        """


class ShardStore(Protocol):
    """The images bucket, for shards."""

    def put_shard(self, upload: ShardUpload) -> bool:
        """Uploads a shard if there is no object of its key. False if there is another one.

        Raises RowError(STORAGE), StorageFault.
        """

    def read_shard(self, key: str, offset: int, size: int) -> bytes | None:
        """At most `size` bytes of a shard. None if there is no shard of this key, or it ends before `offset`.

        Raises StorageFault.
        """


class ImageTable(Protocol):
    """The images table. A record is only ever written from what the images bucket has."""

    def look_up(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        """The records that exist, by URL. Raises TableFault."""

    def record(self, rows: Sequence[ImageRecord]) -> None:
        """Writes records. Raises TableFault unless all were written."""

    def read(self, url: str) -> ImageRecord | None:
        """The record of a URL, by a strongly consistent read. Raises TableFault."""

    def replace(self, record: ImageRecord, former: ImageRecord | None) -> bool:
        """Writes a record unless another one than `former` was written since. Returns False if there was one.

        `former` is None if the URL had no record. Raises TableFault.
        """
