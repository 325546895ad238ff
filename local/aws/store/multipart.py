"""Multipart uploads: parts are files until they are completed or aborted; uploads do not survive the process."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from local.aws.store import files
from local.aws.store.checksums import PREFIX, Digests, composite, multipart_etag
from local.aws.store.errors import S3Error
from local.aws.store.files import Content

MIN_PART_BYTES = 5 * 1024 * 1024
MAX_PARTS = 10_000
CHECKSUM_TYPE = f"{PREFIX}type"
COMPOSITE, FULL_OBJECT = "COMPOSITE", "FULL_OBJECT"


@dataclass(frozen=True, slots=True)
class Part:
    """`checksum` is that of the upload's algorithm, in base64."""

    content: Content
    checksum: str
    modified: float


@dataclass(frozen=True, slots=True)
class ChosenPart:
    """A part as the request names it that completes the upload. `checksum` is empty if it names none."""

    number: int
    etag: str
    checksum: str


@dataclass(slots=True)
class Upload:
    """`headers` are those of the object to be. `algorithm` is empty if the upload has no checksum."""

    id: str
    bucket: str
    key: str
    headers: Mapping[str, str]
    algorithm: str
    checksum_type: str
    started: float
    parts: dict[int, Part] = field(default_factory=dict)


class Uploads:
    """Used by many threads. `temporary_file` names new files."""

    def __init__(self, temporary_file: Callable[[], Path]) -> None:
        self._temporary_file = temporary_file
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def create(self, bucket: str, key: str, headers: Mapping[str, str], algorithm: str, checksum_type: str) -> Upload:
        upload = Upload(secrets.token_urlsafe(48), bucket, key, dict(headers), algorithm, checksum_type, time.time())
        with self._lock:
            self._uploads[upload.id] = upload
        return upload

    def get(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Raises S3Error(NoSuchUpload)."""
        with self._lock:
            upload = self._uploads.get(upload_id)
        if upload is None or (upload.bucket, upload.key) != (bucket, key):
            raise S3Error("NoSuchUpload", UploadId=upload_id)
        return upload

    def of_bucket(self, bucket: str, prefix: str) -> list[Upload]:
        """By key and then by time."""
        with self._lock:
            found = [each for each in self._uploads.values() if each.bucket == bucket and each.key.startswith(prefix)]
        return sorted(found, key=lambda upload: (upload.key, upload.started))

    def add(self, upload: Upload, number: int, part: Part) -> None:
        """Replaces a part with that number. Raises S3Error(NoSuchUpload)."""
        with self._lock:
            removed = self._uploads.get(upload.id) is not upload
            unused = part if removed else upload.parts.get(number)
            if not removed:
                upload.parts[number] = part
        if unused is not None:
            unused.content.path.unlink(missing_ok=True)
        if removed:
            raise S3Error("NoSuchUpload", UploadId=upload.id)

    def joined(self, upload: Upload, chosen: Sequence[ChosenPart], expected: str) -> tuple[Content, dict[str, str]]:
        """The parts in one temporary file, and the checksum headers of the object.

        `expected` is the checksum of the object, or empty. Raises S3Error.
        """
        parts = _checked(upload, chosen)
        digests = Digests([upload.algorithm] if upload.algorithm else [])
        content = files.write(_blocks(parts), self._temporary_file(), digests)
        checksum = ""
        if upload.algorithm:
            whole = upload.checksum_type == FULL_OBJECT
            of_parts = [part.checksum for part in parts]
            checksum = digests.checksum(upload.algorithm) if whole else composite(upload.algorithm, of_parts)
        if expected and expected not in (checksum, checksum.partition("-")[0]):
            content.path.unlink()
            raise S3Error("BadDigest", f"The {upload.algorithm} you specified did not match the calculated checksum.")
        headers = {PREFIX + upload.algorithm: checksum, CHECKSUM_TYPE: upload.checksum_type} if checksum else {}
        return replace(content, etag=multipart_etag([part.content.md5 for part in parts])), headers

    def remove(self, upload: Upload) -> None:
        with self._lock:
            self._uploads.pop(upload.id, None)
            parts = list(upload.parts.values())
        for part in parts:
            part.content.path.unlink(missing_ok=True)


def _blocks(parts: Sequence[Part]) -> Iterator[bytes]:
    for part in parts:
        try:
            file = files.open_to_read(part.content.path)
        except FileNotFoundError as error:  # aborted or completed meanwhile
            raise S3Error("NoSuchUpload") from error
        yield from files.Blocks(file, 0, part.content.size)


def _checked(upload: Upload, chosen: Sequence[ChosenPart]) -> list[Part]:
    if not chosen:
        raise S3Error("MalformedXML")
    numbers = [each.number for each in chosen]
    if numbers != sorted(set(numbers)):
        raise S3Error("InvalidPartOrder")
    parts = []
    for each in chosen:
        part = upload.parts.get(each.number)
        if part is None or part.content.md5 != each.etag.strip('"') or each.checksum not in ("", part.checksum):
            raise S3Error("InvalidPart", PartNumber=str(each.number))
        parts.append(part)
    if any(part.content.size < MIN_PART_BYTES for part in parts[:-1]):
        raise S3Error("EntityTooSmall")
    return parts
