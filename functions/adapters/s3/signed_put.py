"""PutObject for a third of the CPU that boto3 takes: the fast path of S3ImageBucket.

It sends the same request as boto3: signed (Signature Version 4), with the SHA-256 of the body as its checksum and in
its signature, over persistent connections. It never retries on an error response and raises nothing: after any response
except a 200, and a 412 (the condition of the request does not hold), boto3 sends the image again, with its
retries and its exceptions.
"""

import hashlib
import hmac
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from threading import Lock
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import quote, urlsplit

from botocore.utils import get_environ_proxies

from functions.adapters.s3.connections import PutAnswer, S3Connections

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.credentials import Credentials, ReadOnlyCredentials
    from mypy_boto3_s3 import S3Client

HEADERS = {
    "ChecksumCRC32": "x-amz-checksum-crc32",
    "ChecksumSHA256": "x-amz-checksum-sha256",
    "ContentDisposition": "content-disposition",
    "ContentType": "content-type",
    "IfMatch": "if-match",
    "IfNoneMatch": "if-none-match",
    "StorageClass": "x-amz-storage-class",
}
"""Headers of a PutObject request by the name of boto3's argument."""

MAX_IN_MEMORY_BYTES = 1024 * 1024
"""Maximum size in bytes of a body that is sent from memory. Larger ones are read from the file in blocks."""

MAX_CONSECUTIVE_FAILURES = 5
"""Number of consecutive requests without a valid response, or with a 403, after which the fast path is disabled:
every image would be sent twice."""

DISABLED_SECONDS = 60.0
"""Seconds for which it stays disabled. After them one failure is enough to disable it again."""

OK, FORBIDDEN, PRECONDITION_FAILED, SLOW_DOWN = 200, 403, 412, 503
PAUSE_SECONDS = 0.5
"""Maximum pause in seconds after a 503, before boto3 sends the image again."""

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
"""In place of the SHA-256 of a body that is not part of the signature. Its checksum protects it."""

USER_AGENT = "image-mirror"
"""Shown in S3's access log."""

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class BucketEndpoint:
    """Connections to a bucket, and the parts of a request that depend on its endpoint."""

    connections: S3Connections
    host: str
    path_prefix: str


class S3SignedPut:
    """PutObject into one bucket. The endpoint is that of boto3's first PUT; until then every image is left to boto3.

    Behind a proxy all images are left to boto3, which supports proxies. `throttle_count` is the number of 503 responses
    so far, to boto3's requests and to these.
    """

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        credentials: "Credentials",
        max_idle: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bucket = bucket
        self._credentials = credentials
        self._region = s3.meta.region_name
        self._client_endpoint = s3.meta.endpoint_url
        self._max_idle = max_idle
        self._monotonic = monotonic
        self._endpoint: BucketEndpoint | None = None
        self._lock = Lock()  # for the counters below
        self._failures = 0
        self._disabled_until = -float("inf")
        self.throttle_count = 0
        s3.meta.events.register("response-received.s3.PutObject", self._on_boto3_response)
        if not _is_proxied(self._client_endpoint):
            s3.meta.events.register("before-send.s3.PutObject", self._on_boto3_request)

    def put(self, file: IO[bytes], size: int, sha256: str, arguments: Mapping[str, object]) -> PutAnswer | None:
        """S3's answer: 200, or 412 if the condition in the arguments does not hold. None leaves the image to boto3.

        `arguments` are boto3's for put_object; `sha256` is that of the file, in hex, or UNSIGNED_PAYLOAD.
        """
        endpoint = self._endpoint
        if endpoint is None or self._monotonic() < self._disabled_until:
            return None
        path = endpoint.path_prefix + quote(str(arguments["Key"]), safe="/-_.~")
        headers = {"host": endpoint.host, **_headers(arguments), "x-amz-content-sha256": sha256}
        signed = sign(path, headers, self._credentials.get_frozen_credentials(), self._region, datetime.now(UTC))
        file.seek(0)
        body = file.read() if size <= MAX_IN_MEMORY_BYTES else file
        request_headers = {**signed, "user-agent": USER_AGENT, "content-length": str(size)}
        answer = endpoint.connections.put(path, request_headers, body)
        self._count(answer.status if answer else None)
        return answer if answer and answer.status in (OK, PRECONDITION_FAILED) else None

    def _on_boto3_request(self, request: "AWSPreparedRequest", **_: object) -> None:
        """Botocore's event before a PutObject request is sent, to this bucket or to another one."""
        if self._endpoint is None:
            address = _bucket_address(str(request.url), self._bucket, self._client_endpoint)
            if address is not None:
                origin, host, path_prefix = address
                connections = S3Connections(origin, self._max_idle, self._monotonic)
                self._endpoint = BucketEndpoint(connections, host, path_prefix)

    def _on_boto3_response(self, response_dict: Mapping[str, object] | None, **_: object) -> None:
        """Botocore's event after a PutObject request; `response_dict` is None if there was no response."""
        if response_dict is not None and response_dict["status_code"] == SLOW_DOWN:
            with self._lock:
                self.throttle_count += 1

    def _count(self, status: int | None) -> None:
        """A 503 is temporary, and a 412 is about the key: neither is a failure."""
        with self._lock:
            self.throttle_count += status == SLOW_DOWN
            self._failures = self._failures + 1 if status in (None, FORBIDDEN) else 0
            if self._failures >= MAX_CONSECUTIVE_FAILURES:
                self._disabled_until = self._monotonic() + DISABLED_SECONDS
        if status == SLOW_DOWN:
            time.sleep(random.uniform(0, PAUSE_SECONDS))


def _is_proxied(endpoint: str) -> bool:
    """The decision of boto3 when a client is created."""
    return bool(get_environ_proxies(endpoint).get(urlsplit(endpoint).scheme))


def _bucket_address(url: str, bucket: str, client_endpoint: str) -> tuple[str, str, str] | None:
    """Origin, host and path prefix of the bucket's objects, from the URL of a PutObject request.

    The address is virtual-hosted (the bucket is part of the host) or path-style. None for an object of another bucket,
    and for a request that boto3 has redirected to another region.
    """
    parts, host = urlsplit(url), urlsplit(client_endpoint).netloc
    origin = f"{parts.scheme}://{parts.netloc}"
    if parts.netloc == f"{bucket}.{host}":
        return origin, parts.netloc, "/"
    if parts.netloc == host and parts.path.startswith(f"/{bucket}/"):
        return origin, parts.netloc, f"/{bucket}/"
    return None


def _headers(arguments: Mapping[str, object]) -> dict[str, str]:
    headers = {header: str(arguments[name]) for name, header in HEADERS.items() if name in arguments}
    metadata = cast(Mapping[str, str], arguments.get("Metadata", {}))
    return headers | {f"x-amz-meta-{name}": value for name, value in metadata.items()}


def sign(
    path: str, headers: Mapping[str, str], credentials: "ReadOnlyCredentials", region: str, now: datetime
) -> dict[str, str]:
    """The headers of a PUT with its signature. `headers` have names in lower case, `host` and `x-amz-content-sha256`
    among them.

    Algorithm: docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    amz_date = now.strftime("%Y%m%dT%H%M%SZ")
    signed = {**headers, "x-amz-date": amz_date}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = sorted(signed)
    canonical_headers = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in names)
    signed_headers = ";".join(names)
    request = f"PUT\n{path}\n\n{canonical_headers}\n{signed_headers}\n{signed['x-amz-content-sha256']}"
    scope = f"{amz_date[:8]}/{region}/s3/aws4_request"
    string_to_sign = f"{_ALGORITHM}\n{amz_date}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = _signing_key(credentials.secret_key, amz_date[:8], region)
    signature = hmac.digest(key, string_to_sign.encode(), "sha256").hex()
    credential = f"{credentials.access_key}/{scope}"
    signed["authorization"] = (
        f"{_ALGORITHM} Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}"
    )
    return signed


@lru_cache(maxsize=4)
def _signing_key(secret_key: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
