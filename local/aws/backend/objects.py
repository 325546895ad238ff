"""S3: objects and their events."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.s3 import notifications
from moto.s3.models import FakeKey, s3_backends

from local.aws.backend.application import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from hashlib import _Hash


@dataclass(frozen=True)
class ObjectFact:
    """The properties of an object that an S3 event carries. `size` is in bytes."""

    bucket: str
    key: str
    size: int
    etag: str
    version_id: str | None


EventHook = Callable[[str, ObjectFact], None]
"""Called with the name of an S3 event, such as "s3:ObjectCreated:Put", and the object."""


class _FileKey(FakeKey):
    """An object whose bytes stay in their file until they are read: restoring a folder reads no image."""

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


def _md5() -> _Hash:
    return hashlib.md5(usedforsecurity=False)


def objects(bucket: str, prefix: str = "") -> Iterator[tuple[str, FakeKey]]:
    """The keys and objects of a bucket. Unchanged content is the same Python object at every call."""
    keys = s3_backends[ACCOUNT][PARTITION].get_bucket(bucket).keys
    for name in list(keys):
        key = keys.get(name)
        if isinstance(key, FakeKey) and name.startswith(prefix):
            yield name, key


def put_file(bucket: str, name: str, path: Path, content_type: str | None) -> FakeKey:
    """Add a file to a bucket without an event."""
    key = _FileKey(bucket, name, path, content_type)
    s3_backends[ACCOUNT][PARTITION].get_bucket(bucket).keys.setlist(name, [key])
    return key


def on_object_event(hook: EventHook | None) -> None:
    """Call `hook` for each event of a bucket that sends its events to EventBridge.

    None restores moto's own sender, which has a constant sequencer, a wrong etag and no error handling.
    """
    sender: Any = _MOTO_SENDER if hook is None else _sender(hook)
    notifications._send_event_bridge_message = sender


_MOTO_SENDER: Any = notifications._send_event_bridge_message  # Any: the types of moto's parameters are internal


def _sender(hook: EventHook) -> Callable[[str, Any, str, Any], None]:
    def send(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        name = str(getattr(event_name, "value", event_name))
        if name.endswith(":Put") and getattr(key, "multipart", None) is not None:
            return  # moto sends two events for a completed multipart upload
        version = key.version_id if bucket.is_versioned else None
        hook(name, ObjectFact(bucket.name, key.name, key.size, key.etag.strip('"'), version))

    return send
