"""Copies of images: a row may name another key than the one that its image has.

The bytes are those of a download in progress, or are read from the images bucket: no server is asked for them again.
"""

import hashlib
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import IO

from functions.core.download.conditional_put import ConditionalPut
from functions.core.download.records import found_image, named_key, new_upload, placeholder_error
from functions.core.model.errors import RowError
from functions.core.model.options import Options
from functions.core.model.ports import ImageStore, ImageUpload
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.types import ImageFacts
from functions.core.web.response import IN_MEMORY_BYTES, Body

PIECE_BYTES = 1024 * 1024


class SourceGoneError(Exception):
    """The object of an image cannot be read, or is not the one that its facts describe."""


class ImageCopies:
    """Shared by the threads of a batch."""

    def __init__(
        self,
        *,
        store: ImageStore,
        conditional_put: ConditionalPut,
        options: Options,
        run_id: str,
        known_bad: Collection[str] = (),
    ) -> None:
        self._store = store
        self._conditional_put = conditional_put
        self._options = options
        self._run_id = run_id
        self._known_bad = known_bad

    def image_of(self, row: Row, image: ImageFacts, body: Body | None = None) -> ImageFacts:
        """The image under the key that the row names: it is copied there, unless that key has it already.

        `body` has the bytes of the image, if they are at hand. Raises SourceGoneError, StorageFault, TableFault,
        RowError(KEY_CONFLICT | CHECKSUM_MISMATCH | PLACEHOLDER | STORAGE).
        """
        key, sha256 = named_key(row, image), image["sha256"]
        if key is None or key == image["object_key"]:
            return image
        if sha256 is None:
            raise SourceGoneError
        if sha256 in self._known_bad:
            raise placeholder_error(sha256)
        with ExitStack() as opened:

            @cache
            def upload() -> ImageUpload:
                source = body or opened.enter_context(self._read(row, image))
                return new_upload(row, key, source, image, options=self._options, run_id=self._run_id, is_copy=True)

            found = self._conditional_put.copy(row, key, sha256, upload)
        if found:
            return found_image(key, found)
        copied: ImageFacts = {**image, "object_key": key}
        copied.pop("offset", None)
        return copied

    @contextmanager
    def _read(self, row: Row, image: ImageFacts) -> Iterator[Body]:
        """The bytes of an image, which may be in a shard. Raises SourceGoneError, StorageFault, RowError(STORAGE)."""
        key, size, offset = image["object_key"], image["bytes"], image.get("offset")
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
            if (
                key is None
                or size is None
                or not self._store.read(key, partial(_write, file, size), offset, size if offset is not None else None)
            ):
                raise SourceGoneError
            sha256, md5 = _digest(file, "sha256"), _digest(file, "md5") if row.md5 else None
            if sha256 != image["sha256"]:
                raise SourceGoneError
            yield Body(file, size, sha256, md5)


def _write(file: IO[bytes], max_bytes: int, piece: bytes) -> None:
    """Raises SourceGoneError if the file gets larger than `max_bytes`, RowError(STORAGE) if the disk is full."""
    try:
        file.write(piece)
    except OSError as error:
        message = f"Writing the image to temporary storage failed: {(error.strerror or 'I/O error').lower()}."
        raise RowError(Reason.STORAGE, message) from error
    if file.tell() > max_bytes:
        raise SourceGoneError


def _digest(file: IO[bytes], name: str) -> str:
    digest = hashlib.new(name, usedforsecurity=False)
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()
