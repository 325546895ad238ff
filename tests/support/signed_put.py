"""An S3ImageBucket with a signed PUT, connected to the S3 server on loopback of `signed_s3`."""

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import boto3
from botocore.config import Config

from functions.adapters.s3.image_bucket import S3ImageBucket
from functions.adapters.s3.signed_put import S3SignedPut
from functions.core.model.ports import ImageUpload
from tests.support.images import png
from tests.support.signed_s3 import CREDENTIALS, REGION, S3


@cache
def session() -> boto3.Session:
    """Shared, since loading the service models takes longer than any test."""
    return boto3.Session()


def client(url: str, *, tries: int = 1, **s3: str) -> Any:
    """An S3 client of the server. The caller closes it."""
    return session().client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS.access_key,
        aws_secret_access_key=CREDENTIALS.secret_key,
        aws_session_token=CREDENTIALS.token,
        config=Config(
            s3=cast(Any, s3),
            retries={"mode": "standard", "total_max_attempts": tries},
            connect_timeout=3,
            read_timeout=20,
        ),
    )


@dataclass(frozen=True)
class World:
    """An S3 server, and a bucket whose endpoint is known because boto3 has put the object `first` there."""

    server: S3
    s3: Any
    bucket: S3ImageBucket
    signed_put: S3SignedPut


@contextmanager
def connected(*, monotonic: Callable[[], float] = time.monotonic, **client_options: Any) -> Iterator[World]:
    with S3() as server, closing(client(server.url, **client_options)) as s3:
        signed_put = S3SignedPut(s3, "images", CREDENTIALS, 4, monotonic)
        bucket = S3ImageBucket(s3, "images", signed_put)
        bucket.put(upload("first"), None)
        assert server.signed_puts == [False]
        server.received.clear()
        yield World(server, s3, bucket, signed_put)


def upload(key: str = "images/tom.png", data: bytes = png(), **more: Any) -> ImageUpload:
    fields: dict[str, Any] = {
        "key": key,
        "file": io.BytesIO(data),
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "content_type": "image/png",
        "url_sha256": "a" * 64,
        "run_id": "r1",
        "row": 7,
    }
    return ImageUpload(**{**fields, **more})
