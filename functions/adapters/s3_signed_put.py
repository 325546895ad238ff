"""One PUT to S3 for a third of the CPU that boto3 takes, and only where all goes well.

It is the request that boto3 makes: signed (Signature Version 4), with the SHA-256 of the body as its checksum and in
its signature, over kept connections. Whatever is not answered by a plain 200 is none of its business: the caller asks
boto3, which tries again and again and has the words for it.
"""

import hashlib
import hmac
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import IO, Any
from urllib.parse import quote, urlsplit

from botocore.utils import get_environ_proxies

from functions.adapters.s3_connections import S3Connections

HEADERS = {
    "ChecksumSHA256": "x-amz-checksum-sha256",
    "ContentDisposition": "content-disposition",
    "ContentType": "content-type",
    "IfMatch": "if-match",
    "IfNoneMatch": "if-none-match",
    "StorageClass": "x-amz-storage-class",
}
"""What boto3 calls them."""

IN_ONE_PIECE = 1024 * 1024
MAX_CONSECUTIVE_FAILURES = 5
"""So many in a row without an answer, or forbidden, and it gives up for good: every image would be sent twice."""

SLOW_DOWN = 503
PAUSE_SECONDS = 0.5
"""At most, before boto3 asks again for what S3 has just refused as too much."""

AGENT = "image-mirror"
"""In S3's access log."""

_ALGORITHM = "AWS4-HMAC-SHA256"


class S3SignedPut:
    """Of one bucket. Where that is, it learns from the first PUT that boto3 makes; until then it does nothing.

    Behind a proxy it never does anything: boto3 knows how to go through it. `throttle_count` counts how often S3 has
    answered either of them that it is too much.
    """

    def __init__(self, s3: Any, bucket: str, credentials: Any, connections: int) -> None:
        self._bucket = bucket
        self._credentials = credentials
        self._region = s3.meta.region_name
        self._endpoint = s3.meta.endpoint_url
        self._connections = connections
        self._where: BucketEndpoint | None = None
        self._failures = 0
        self.throttle_count = 0
        s3.meta.events.register("response-received.s3.PutObject", self._received)
        if not _is_proxied(self._endpoint):
            s3.meta.events.register("before-send.s3.PutObject", self._learn)

    def _learn(self, request: Any, **_: Any) -> None:
        """Botocore's event: a PUT is about to be sent, of this bucket or another one."""
        if (
            self._where is None
            and self._failures < MAX_CONSECUTIVE_FAILURES
            and (found := _folder(request.url, self._bucket, self._endpoint)) is not None
        ):
            site, host, folder = found
            self._where = BucketEndpoint(S3Connections(site, self._connections), host, folder)

    def put(self, file: IO[bytes], size: int, sha256: str, arguments: Mapping[str, Any]) -> bool:
        """Whether S3 has taken it. `arguments` are those of boto3's put_object; `sha256` is hex of the whole file."""
        where = self._where
        if where is None:
            return False
        path = where.folder + quote(arguments["Key"], safe="/-_.~")
        headers = {"host": where.host, **_headers(arguments), "x-amz-content-sha256": sha256}
        signed = sign(path, headers, self._credentials.get_frozen_credentials(), self._region, datetime.now(UTC))
        file.seek(0)
        body = file.read() if size <= IN_ONE_PIECE else file
        status = where.connections.put(path, {**signed, "user-agent": AGENT, "content-length": str(size)}, body)
        self._count(status)
        return status == 200

    def _received(self, response_dict: Mapping[str, Any] | None, **_: Any) -> None:
        """Botocore's event: one of its own PUTs was answered, or not at all."""
        if response_dict is not None and response_dict["status_code"] == SLOW_DOWN:
            self.throttle_count += 1

    def _count(self, status: int | None) -> None:
        """An overload passes, a key that is taken is no failure."""
        if status == SLOW_DOWN:
            self.throttle_count += 1
            time.sleep(random.uniform(0, PAUSE_SECONDS))
        self._failures = self._failures + 1 if status in (None, 403) else 0
        if self._failures >= MAX_CONSECUTIVE_FAILURES:
            self._where = None


class BucketEndpoint:
    """Connections, and how the bucket is spoken of over them."""

    __slots__ = ("connections", "folder", "host")

    def __init__(self, connections: S3Connections, host: str, folder: str) -> None:
        self.connections, self.host, self.folder = connections, host, folder


def _is_proxied(endpoint: str) -> bool:
    """As boto3 decides it, when a client is made."""
    return bool(get_environ_proxies(endpoint).get(urlsplit(endpoint).scheme))


def _folder(url: str, bucket: str, endpoint: str) -> tuple[str, str, str] | None:
    """Site, host and folder of a bucket's object: the bucket is said before the endpoint's host or after it.

    None for another bucket's, and for one that boto3 was sent on to.
    """
    parts, home = urlsplit(url), urlsplit(endpoint).netloc
    site = f"{parts.scheme}://{parts.netloc}"
    if parts.netloc == f"{bucket}.{home}":
        return site, parts.netloc, "/"
    if parts.netloc == home and parts.path.startswith(f"/{bucket}/"):
        return site, parts.netloc, f"/{bucket}/"
    return None


def _headers(arguments: Mapping[str, Any]) -> dict[str, str]:
    headers = {header: arguments[name] for name, header in HEADERS.items() if name in arguments}
    return headers | {f"x-amz-meta-{name}": text for name, text in arguments.get("Metadata", {}).items()}


def sign(path: str, headers: Mapping[str, str], credentials: Any, region: str, now: datetime) -> dict[str, str]:
    """`headers` (names in lower case, `host` and `x-amz-content-sha256` among them) and what makes them a signed PUT.

    As docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html has it.
    """
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    signed = {**headers, "x-amz-date": moment}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = sorted(signed)
    lines = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in names)
    listed = ";".join(names)
    request = f"PUT\n{path}\n\n{lines}\n{listed}\n{signed['x-amz-content-sha256']}"
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    to_sign = f"{_ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = _key(credentials.secret_key, moment[:8], region)
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    signed["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={listed}, Signature={signature}"
    )
    return signed


@lru_cache(maxsize=4)
def _key(secret: str, day: str, region: str) -> bytes:
    """Of one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
