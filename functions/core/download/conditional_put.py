"""Stores an image under a condition on its key. If the condition does not hold, the object that has the key decides.

The rules and what they guarantee: docs/adr/0023-conditional-put.md.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from functions.core.model.errors import RowError
from functions.core.model.limits import DOWNLOAD_TIMEOUT_SECONDS
from functions.core.model.options import Options
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import ImageObject, ImageStore, ImageTable, ImageUpload
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.types import ImageRecord

MAX_ATTEMPTS = 5
"""How often the object and the record of a key are read before the row is left to the next round."""

WRITER_SECONDS = 2 * DOWNLOAD_TIMEOUT_SECONDS
"""Age in seconds of an object whose function has ended: no write of its record can follow. Twice the timeout of the
function, because the clocks of S3 and Lambda may differ."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """The object of a key after a PUT.

    `found` is None if the PUT stored it. Else `found` is the object, and its record is in the table.
    """

    kind: OutcomeKind
    etag: str
    found: ImageObject | None = None


class ConditionalPut:
    """Shared by the threads of a batch."""

    def __init__(
        self,
        *,
        store: ImageStore,
        table: ImageTable,
        options: Options,
        run_id: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._table = table
        self._on_existing = options.on_existing
        self._run_id = run_id
        self._now = now

    def put(
        self,
        url: str,
        upload: ImageUpload,
        known: ImageRecord | None,
        record_of: Callable[[ImageObject], ImageRecord],
    ) -> StoredImage:
        """Stores the image, one request if nothing else writes to its key.

        `known` is the record of the URL that the batch has read, `record_of` makes the record of another object.
        Raises RowError(KEY_CONFLICT | STORAGE), StorageFault, TableFault.
        """
        etag = self._store.put(upload, self._condition(upload, known))
        for _ in range(MAX_ATTEMPTS):
            if etag is not None:
                return StoredImage(OutcomeKind.STORED, etag)
            record = self._table.read(url)  # before the object is read: a record that changes later is kept
            found = self._head(upload.key, upload.url_sha256, upload.sha256)
            is_shared = found is not None and found.url_sha256 != upload.url_sha256
            if found is None or (not is_shared and self._may_replace(found, upload.row)):
                etag = self._store.put(upload, found.etag if found else None)
            elif (
                (found.is_copy and not is_shared)
                or _is_of(record, upload.key, found)
                or self._table.replace(record_of(found), record)
            ):
                return StoredImage(self._kind(upload, found), found.etag, found)
        raise _changing(upload.key)

    def copy(self, row: Row, key: str, sha256: str, upload: Callable[[], ImageUpload]) -> ImageObject | None:
        """Stores a copy of the image that has `sha256`. The record of the URL names another key, and stays as it is.

        Returns None, or the object that the key has already and that stays there: then `upload` is not called.
        Raises RowError(KEY_CONFLICT | STORAGE), StorageFault, TableFault, and what `upload` raises.
        """
        url_sha256 = hashlib.sha256(row.url.encode()).hexdigest()
        for _ in range(MAX_ATTEMPTS):
            found = self._head(key, url_sha256, sha256)
            if found is not None and (found.sha256 == sha256 or not self._may_copy_over(row, key, found)):
                return found
            if self._store.put(upload(), found.etag if found else None) is not None:
                return None
        raise _changing(key)

    def _head(self, key: str, url_sha256: str, sha256: str) -> ImageObject | None:
        """The object of a key. Raises RowError(KEY_CONFLICT) if it belongs neither to the URL nor to all URLs of the
        image: a key that has the SHA-256 of its image is shared by them."""
        found = self._store.head(key)
        if found is None or (found.url_sha256 and found.sha256 == sha256 and sha256 in key):
            return found
        if found.url_sha256 != url_sha256:
            owner = "the image of another URL" if found.url_sha256 else "an object of another program"
            raise RowError(Reason.KEY_CONFLICT, f"The key {key} already holds {owner}.")
        return found

    def _condition(self, upload: ImageUpload, known: ImageRecord | None) -> str | None:
        """The ETag of the object that the image may replace. None if the key must be free."""
        if known is None or known.get("object_key") != upload.key:
            return None
        if "object_etag" in known:
            return known["object_etag"]
        found = self._store.head(upload.key)
        is_own_url = found is not None and found.url_sha256 == upload.url_sha256
        return found.etag if found is not None and is_own_url and self._may_replace(found, upload.row) else None

    def _may_replace(self, found: ImageObject, row: int) -> bool:
        """Whether the image of a row may replace an object of its URL whose record its function may not have written.

        That function must have ended: its record would be about an object that does not exist any more.
        """
        if not found.run_id:
            return True  # release 0.1.0 stored it, which left no SHA-256 for a record
        if found.is_copy:
            return found.run_id != self._run_id or found.row == row  # no record is about a copy
        if found.run_id == self._run_id or self._on_existing == "skip":
            return False
        return (self._now() - found.stored_at).total_seconds() > WRITER_SECONDS

    def _may_copy_over(self, row: Row, key: str, found: ImageObject) -> bool:
        """Whether the copy of a row may replace another image of the URL: no record is about it, and none will be."""
        if found.run_id and self._on_existing == "skip":
            return False
        return self._may_replace(found, row.number) and not _is_of(self._table.read(row.url), key, found)

    def _kind(self, upload: ImageUpload, found: ImageObject) -> OutcomeKind:
        if found.run_id == self._run_id:
            return OutcomeKind.STORED if found.row == upload.row else OutcomeKind.DUPLICATE
        return OutcomeKind.UNCHANGED if self._on_existing == "refresh" else OutcomeKind.SKIPPED


def _changing(key: str) -> RowError:
    message = f"The object of the key {key} cannot be read, or has changed between {MAX_ATTEMPTS} attempts."
    return RowError(Reason.STORAGE, message)


def _is_of(record: ImageRecord | None, key: str, found: ImageObject) -> bool:
    """Whether a record is about this object."""
    return record is not None and (key, found.sha256, found.run_id, found.row) == (
        record.get("object_key"),
        record.get("sha256"),
        record.get("run_id"),
        record.get("row"),
    )
