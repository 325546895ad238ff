"""One PUT to S3 for a third of the CPU that boto3 takes, and only where all goes well.

It is the request that boto3 makes: signed (Signature Version 4), with the SHA-256 of the body as its checksum and in
its signature, over kept connections. Whatever is not answered by a plain 200 is none of its business: the caller asks
boto3, which tries again and again and has the words for it.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import IO, Any
from urllib.parse import quote, urlsplit

import certifi
import urllib3
from urllib3.exceptions import HTTPError

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
BLOCK_BYTES = 256 * 1024
CONNECT_SECONDS, READ_SECONDS = 3.0, 20.0

_ALGORITHM = "AWS4-HMAC-SHA256"


class SignedPut:
    """Of one bucket. Where that is, it learns from the first PUT that boto3 makes; until then it does nothing."""

    def __init__(self, s3: Any, bucket: str, credentials: Any, connections: int) -> None:
        self._bucket = bucket
        self._credentials = credentials
        self._region = s3.meta.region_name
        self._connections = connections
        self._where: _Where | None = None
        s3.meta.events.register("before-send.s3.PutObject", self._learn)

    def _learn(self, request: Any, **_: Any) -> None:
        """Botocore's event: a PUT is about to be sent, of this bucket or another one."""
        if self._where is None and (found := _folder(request.url, self._bucket)) is not None:
            site, host, folder = found
            self._where = _Where(_pool(site, self._connections), host, folder)

    def put(self, file: IO[bytes], size: int, sha256: str, arguments: Mapping[str, Any]) -> bool:
        """Whether S3 has taken it. `arguments` are those of boto3's put_object; `sha256` is hex of the whole file."""
        if self._where is None:
            return False
        path = self._where.folder + quote(arguments["Key"], safe="/-_.~")
        headers = {"host": self._where.host, **_headers(arguments), "x-amz-content-sha256": sha256}
        signed = sign(path, headers, self._credentials.get_frozen_credentials(), self._region, datetime.now(UTC))
        file.seek(0)
        body = file.read() if size <= IN_ONE_PIECE else file
        try:
            answer = self._where.pool.urlopen(
                "PUT", path, body=body, headers={**signed, "content-length": str(size)}, retries=False, redirect=False
            )
        except HTTPError:
            return False
        return answer.status == 200


class _Where:
    """Connections, and how the bucket is spoken of over them."""

    __slots__ = ("folder", "host", "pool")

    def __init__(self, pool: urllib3.HTTPConnectionPool, host: str, folder: str) -> None:
        self.pool, self.host, self.folder = pool, host, folder


def _pool(site: str, connections: int) -> urllib3.HTTPConnectionPool:
    more = {"ca_certs": certifi.where(), "cert_reqs": "CERT_REQUIRED"} if site.startswith("https:") else {}
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    return urllib3.connection_from_url(site, maxsize=connections, timeout=timeout, blocksize=BLOCK_BYTES, **more)


def _folder(url: str, bucket: str) -> tuple[str, str, str] | None:
    """Site, host and folder of a bucket's object: the bucket is the first part of either the host or the path."""
    parts = urlsplit(url)
    site = f"{parts.scheme}://{parts.netloc}"
    if parts.netloc.startswith(f"{bucket}."):
        return site, parts.netloc, "/"
    if parts.path.startswith(f"/{bucket}/"):
        return site, parts.netloc, f"/{bucket}/"
    return None


def _headers(arguments: Mapping[str, Any]) -> dict[str, str]:
    headers = {header: arguments[name] for name, header in HEADERS.items() if name in arguments}
    return headers | {f"x-amz-meta-{name}": text for name, text in arguments.get("Metadata", {}).items()}


def sign(path: str, headers: Mapping[str, str], credentials: Any, region: str, now: datetime) -> dict[str, str]:
    """`headers` (names in lower case, `host` and `x-amz-content-sha256` among them) and what makes them a signed PUT.

    As docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html has it.
    """
    time = now.strftime("%Y%m%dT%H%M%SZ")
    signed = {**headers, "x-amz-date": time}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = sorted(signed)
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in names)
    listed = ";".join(names)
    request = f"PUT\n{path}\n\n{lines}\n{listed}\n{signed['x-amz-content-sha256']}"
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    to_sign = f"{_ALGORITHM}\n{time}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = _key(credentials.secret_key, time[:8], region)
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
