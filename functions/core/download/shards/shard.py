"""A tar file of images in the temporary storage of the function, until it is uploaded."""

import json
import os
import tempfile
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from functions.core.download.shards.tar import BLOCK_BYTES, END, header, padding
from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.types import ImageFacts, ImageRecord
from functions.core.web.response import Body

PIECE_BYTES = 1024 * 1024

SIDE_NAME = "json"
"""The extension of the member that describes an image."""

_OTHER_NAMES = {SIDE_NAME: "content.json"}
"""Extensions of images that would give both members one name."""


@dataclass(slots=True)
class ShardMember:
    """An image in a shard. Its facts and its record get the key of the shard when it is stored. `on_written` is set
    when the record may be written."""

    image: ImageFacts
    record: ImageRecord
    on_written: Callable[[Exception | None], None] | None = None


class Shard:
    """Not for several threads at once. The file has no name, so it vanishes with the process."""

    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self.file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - `close` closes it
        self.size = 0
        self.crc32 = 0
        self.members: list[ShardMember] = []
        self.has_ended = False  # the upload: successfully, or with `error`
        self.error: RowError | None = None

    def append(self, row: int, extension: str, body: Body, description: Mapping[str, object]) -> int:
        """Append an image and its description as JSON. Returns the offset of the first byte of the image.

        Raises RowError(STORAGE) if the disk is full: then the shard is as before.
        """
        start, crc32, mtime = self.size, self.crc32, int(time.time())
        text = json.dumps(description, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
        body.file.seek(0)
        name = f"{row:09d}"
        pieces = iter(lambda: body.file.read(PIECE_BYTES), b"")
        try:
            self._write([header(f"{name}.{_OTHER_NAMES.get(extension, extension)}", body.size, mtime)])
            self._write(pieces)
            self._write([padding(body.size), header(f"{name}.{SIDE_NAME}", len(text), mtime), text, padding(len(text))])
        except OSError as error:
            self.size, self.crc32 = start, crc32
            os.ftruncate(self.file.fileno(), start)
            raise _disk_error(error) from error
        return start + BLOCK_BYTES

    def end(self) -> None:
        """Write the end of the archive. Raises RowError(STORAGE)."""
        try:
            self._write([END])
        except OSError as error:
            raise _disk_error(error) from error
        self.file.seek(0)

    def close(self) -> None:
        self.file.close()

    def _write(self, pieces: Iterable[bytes]) -> None:
        descriptor = self.file.fileno()
        for piece in pieces:
            self.crc32 = zlib.crc32(piece, self.crc32)
            rest = memoryview(piece)
            while rest:
                written = os.pwrite(descriptor, rest, self.size)
                self.size += written
                rest = rest[written:]


def size_in_shard(size: int) -> int:
    """The size of an image with its headers, a description of up to 2 KB and the end of the archive, in bytes."""
    return size + 10 * BLOCK_BYTES


def _disk_error(error: OSError) -> RowError:
    message = f"Writing the shard to temporary storage failed: {(error.strerror or 'I/O error').lower()}."
    return RowError(Reason.STORAGE, message)
