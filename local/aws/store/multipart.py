"""Multipart uploads: parts are files until they are completed or aborted; uploads do not survive the process."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.aws.store.errors import S3Error
from local.aws.store.objects import COPY_BYTES, Content

MIN_PART_BYTES = 5 * 1024 * 1024
MAX_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    content: Content
    checksums: Mapping[str, str]
    modified: float


@dataclass(slots=True)
class Upload:
    """`headers` are those of the object that is to be."""

    id: str
    bucket: str
    key: str
    headers: Mapping[str, str]
    started: float
    parts: dict[int, Part] = field(default_factory=dict)


class Uploads:
    """Used by many threads. `temporary_file` names new files."""

    def __init__(self, temporary_file: Callable[[], Path]) -> None:
        self._temporary_file = temporary_file
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def create(self, bucket: str, key: str, headers: Mapping[str, str]) -> Upload:
        upload = Upload(secrets.token_urlsafe(48), bucket, key, dict(headers), time.time())
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
        with self._lock:
            found = [each for each in self._uploads.values() if each.bucket == bucket and each.key.startswith(prefix)]
        return sorted(found, key=lambda upload: (upload.key, upload.started))

    def add(self, upload: Upload, number: int, part: Part) -> None:
        """Replaces a part of that number. Raises S3Error(InvalidArgument)."""
        if not 1 <= number <= MAX_PARTS:
            part.content.path.unlink(missing_ok=True)
            raise S3Error("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
        with self._lock:
            former = upload.parts.get(number)
            upload.parts[number] = part
        if former is not None:
            former.content.path.unlink(missing_ok=True)

    def joined(self, upload: Upload, chosen: Sequence[tuple[int, str]]) -> Content:
        """The parts in one temporary file; `chosen` are numbers and ETags. Raises S3Error."""
        parts = _checked(upload, chosen)
        path = self._temporary_file()
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        of_parts = hashlib.md5(usedforsecurity=False)
        with path.open("wb") as file:
            for part in parts:
                of_parts.update(bytes.fromhex(part.content.md5))
                with part.content.path.open("rb") as source:
                    while block := source.read(COPY_BYTES):
                        md5.update(block)
                        sha256.update(block)
                        size += len(block)
                        file.write(block)
        return Content(path, size, md5.hexdigest(), sha256.hexdigest(), etag=f"{of_parts.hexdigest()}-{len(parts)}")

    def remove(self, upload: Upload) -> None:
        with self._lock:
            self._uploads.pop(upload.id, None)
        for part in upload.parts.values():
            part.content.path.unlink(missing_ok=True)


def _checked(upload: Upload, chosen: Sequence[tuple[int, str]]) -> list[Part]:
    if not chosen:
        raise S3Error("MalformedXML")
    numbers = [number for number, _ in chosen]
    if numbers != sorted(set(numbers)):
        raise S3Error("InvalidPartOrder")
    parts = []
    for number, etag in chosen:
        part = upload.parts.get(number)
        if part is None or part.content.md5 != etag.strip('"'):
            raise S3Error("InvalidPart")
        parts.append(part)
    if any(part.content.size < MIN_PART_BYTES for part in parts[:-1]):
        raise S3Error("EntityTooSmall")
    return parts
