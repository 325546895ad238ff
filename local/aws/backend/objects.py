"""S3: its objects, and what it tells of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.s3 import notifications
from moto.s3.models import FakeKey, s3_backends

from local.aws.backend.place import ACCOUNT, PARTITION, REGION


@dataclass(frozen=True)
class ObjectFact:
    """What S3 tells about an object when something happened to it."""

    bucket: str
    key: str
    size: int
    etag: str
    version_id: str | None


class _FileKey(FakeKey):
    """An object whose bytes stay in their file until someone asks: restoring a folder reads nothing."""

    def __init__(self, bucket: str, name: str, path: Path, content_type: str | None) -> None:
        super().__init__(name, b"", ACCOUNT, REGION, bucket_name=bucket, encryption="AES256")
        self._path = path
        self.contentsize = path.stat().st_size
        if content_type:
            self.set_metadata({"Content-Type": content_type})

    @property
    def value(self) -> bytes:
        return self._path.read_bytes()

    @value.setter
    def value(self, new_value: bytes) -> None:
        self.contentsize = len(new_value)

    @property
    def etag(self) -> str:
        if self._etag is None:
            with self._path.open("rb") as file:
                self._etag = hashlib.file_digest(file, _md5).hexdigest()
        return f'"{self._etag}"'


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def objects(bucket: str, prefix: str = "") -> Iterator[tuple[str, FakeKey]]:
    """Names and objects as they are now. The same object stands for unchanged content."""
    keys = s3_backends[ACCOUNT][PARTITION].get_bucket(bucket).keys
    for name in list(keys):
        found = keys.get(name)
        if isinstance(found, FakeKey) and name.startswith(prefix):
            yield name, found


def put_file(bucket: str, name: str, path: Path, content_type: str | None) -> FakeKey:
    """Puts a file into a bucket without an event."""
    key = _FileKey(bucket, name, path, content_type)
    s3_backends[ACCOUNT][PARTITION].get_bucket(bucket).keys.setlist(name, [key])
    return key


def on_object_event(hook: Callable[[str, ObjectFact], None] | None) -> None:
    """`hook` gets ("s3:ObjectCreated:Put", fact) for each event of a bucket that has EventBridge on.

    None puts moto's own sender back, which has a constant sequencer, a misnamed etag and no errors.
    """
    sender: Any = _MOTOS_SENDER if hook is None else _sender(hook)
    notifications._send_event_bridge_message = sender


_MOTOS_SENDER: Any = notifications._send_event_bridge_message


def _sender(hook: Callable[[str, ObjectFact], None]) -> Callable[[str, Any, str, Any], None]:
    def send(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        name = str(getattr(event_name, "value", event_name))
        if name.endswith(":Put") and getattr(key, "multipart", None) is not None:
            return  # moto tells of a finished multipart upload twice
        version = key.version_id if bucket.is_versioned else None
        hook(name, ObjectFact(bucket.name, key.name, key.size, key.etag.strip('"'), version))

    return send
