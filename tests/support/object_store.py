"""A store with two buckets behind a real socket: `images` without versions, `input` with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import boto3
from botocore.config import Config

from local.aws.http.server import Server
from local.aws.s3.api import S3Api
from local.aws.s3.wsgi import ObjectsApp
from local.aws.store.checksums import Digests
from local.aws.store.errors import S3Error
from local.aws.store.files import Content, write
from local.aws.store.index import StoredObject
from local.aws.store.objects import ObjectStore
from local.aws.store.paths import readable_path


@dataclass
class Buckets:
    root: Path
    enabled: dict[str, str] = field(default_factory=lambda: {"images": "", "input": "Enabled"})

    def folder(self, bucket: str) -> Path:
        if bucket not in self.enabled:
            raise S3Error("NoSuchBucket", BucketName=bucket)
        folder = self.root / bucket
        folder.mkdir(exist_ok=True)
        return folder

    def path_of(self, bucket: str, key: str) -> PurePosixPath | None:
        return readable_path(key)

    def versioning(self, bucket: str) -> str:
        return self.enabled[bucket]


@dataclass
class Running:
    root: Path
    store: ObjectStore
    endpoint: str
    events: list[tuple[str, StoredObject]]

    def client(self, *, key: str = "key", secret: str = "secret", **settings: Any) -> Any:
        config = Config(proxies={}, retries={"max_attempts": 1}, signature_version="s3v4", **settings)
        session: Any = boto3.Session(key, secret, region_name="us-east-1")
        return session.client("s3", endpoint_url=self.endpoint, config=config)


@contextmanager
def running_store(root: Path) -> Iterator[Running]:
    events: list[tuple[str, StoredObject]] = []
    store = ObjectStore(root, Buckets(root), lambda name, stored: events.append((name, stored)))
    server = Server()
    server.start(ObjectsApp(S3Api(store, {"key": "secret"}.get)))
    try:
        yield Running(root, store, server.endpoint, events)
    finally:
        server.stop()
        store.close()


def content(store: ObjectStore, data: bytes) -> Content:
    """The data as a temporary file of the store."""
    return write([data], store.temporary_file(), Digests())
