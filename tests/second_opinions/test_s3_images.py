"""The images bucket: the signed PUT, its checksums and its conditions. Each program verifies signatures by itself."""

import base64
import hashlib
import io
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.credentials import Credentials

from functions.adapters import clients
from functions.adapters.s3.connections import S3Connections
from functions.adapters.s3.image_bucket import S3ImageBucket
from functions.adapters.s3.signed_put import S3SignedPut, sign
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.reasons import Reason
from tests.second_opinions.conftest import Bucket
from tests.second_opinions.programs import Service
from tests.support.images import jpeg, png
from tests.support.signed_put import upload

LARGE = random.Random(20_261_126).randbytes(3 * 1024 * 1024)
AWKWARD_KEYS = (
    *("images/a b.png", "images/a+b.png", "images/100%.png", "images/%41.png", "images/a&b=c;d.png", "images/~_-.png"),
    *("images/naïve/日本.png", "images/e\u0301.png", "images/😀.png", "images/(1)!'*.png", "images/a:b@c,d$.png"),
    *('images/"quoted".png', "images/[1]{2}^`|.png", "images/x?y#z.png"),
)


@dataclass(frozen=True)
class Images:
    """The adapter as DownloadBatch creates it, in a bucket into which boto3 has put its first image."""

    bucket: Bucket
    store: S3ImageBucket
    signed_put: S3SignedPut
    sent_by_boto3: list[str]

    def put(self, key: str, data: bytes = png(), if_match: str | None = None, **more: Any) -> str | None:
        return self.store.put(upload(key, data, **more), if_match)


@pytest.fixture
def images(bucket: Bucket) -> Iterator[Images]:
    with closing(clients.client("s3")) as s3:
        signed_put = S3SignedPut(s3, bucket.name, clients.credentials(), 4)
        store = S3ImageBucket(s3, bucket.name, signed_put)
        store.put(upload("first"), None)
        sent: list[str] = []
        s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(str(request.url)))
        yield Images(bucket, store, signed_put, sent)


def arguments(bucket: Bucket, key: str, data: bytes) -> dict[str, Any]:
    """Boto3's arguments of an image, with the SHA-256 of `data` as its checksum."""
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return {"Bucket": bucket.name, "Key": key, "ContentType": "image/png", "ChecksumSHA256": checksum, "Metadata": {}}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# The signature


def test_a_signed_put_is_accepted(images: Images) -> None:
    images.put("images/tom.jpg", jpeg(), content_type="image/jpeg")

    assert images.sent_by_boto3 == []
    assert images.bucket.body("images/tom.jpg") == jpeg()
    assert images.bucket.head("images/tom.jpg")["ContentType"] == "image/jpeg"
    assert images.bucket.head("images/tom.jpg")["Metadata"] == {
        "url-sha256": "a" * 64,
        "sha256": sha256(jpeg()),
        "run": "r1",
        "row": "7",
    }


def test_an_image_of_3_mb_from_a_file_and_an_empty_one_are_accepted(images: Images) -> None:
    images.put("large", LARGE)
    images.put("empty", b"")

    assert images.sent_by_boto3 == []
    assert images.bucket.body("large") == LARGE
    assert images.bucket.body("empty") == b""


def test_any_key_is_signed_as_the_server_reads_it(images: Images) -> None:
    for key in AWKWARD_KEYS:
        images.put(key, key.encode())

    assert images.sent_by_boto3 == []
    assert set(images.bucket.keys()) == {"first", *AWKWARD_KEYS}
    assert {key: images.bucket.body(key) for key in AWKWARD_KEYS} == {key: key.encode() for key in AWKWARD_KEYS}


def test_an_object_is_the_one_that_boto3_would_have_put(images: Images) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "png": {},
        "svg": {"content_type": "image/svg+xml"},
        "cold": {"storage_class": "GLACIER_IR"},
    }
    for name, kind in kinds.items():
        images.put(f"signed/{name}", **kind)
        S3ImageBucket(images.bucket.client, images.bucket.name).put(upload(f"boto3/{name}", **kind), None)

    for name in kinds:
        assert images.bucket.head(f"signed/{name}") == images.bucket.head(f"boto3/{name}")
    assert images.bucket.head("signed/svg")["ContentDisposition"] == "attachment"
    assert images.bucket.head("signed/cold")["StorageClass"] == "GLACIER_IR"


def test_200_images_from_8_threads_are_all_stored(images: Images) -> None:
    keys = [f"images/{number}.png" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: images.put(key, key.encode()), keys))

    assert images.sent_by_boto3 == []
    assert set(images.bucket.keys()) == {"first", *keys}


def test_a_wrong_secret_key_is_refused(images: Images, service: Service) -> None:
    with closing(service.client("s3", secret_key="another")) as s3:
        signed_put = S3SignedPut(s3, images.bucket.name, Credentials(service.access_key, "another"), 4)
        store = S3ImageBucket(s3, images.bucket.name, signed_put)
        for key in ("by boto3", "signed"):
            with pytest.raises(StorageFault, match="SignatureDoesNotMatch"):
                store.put(upload(key), None)

    assert images.bucket.keys() == ["first"]


def test_a_header_that_was_changed_after_signing_is_refused(images: Images, service: Service) -> None:
    for header in ("content-type", "x-amz-meta-url-sha256", "if-none-match", "x-amz-checksum-sha256"):
        assert _put(images, service, datetime.now(UTC), {header: "another"}) == 403

    assert images.bucket.keys() == ["first"]


def test_a_request_that_was_signed_an_hour_ago_is_refused(images: Images, service: Service) -> None:
    assert _put(images, service, datetime.now(UTC) - timedelta(hours=1), {}) == 403
    assert images.bucket.keys() == ["first"]


def _put(images: Images, service: Service, signed_at: datetime, changed: dict[str, str]) -> int | None:
    """The status of a signed PUT whose headers were changed after signing."""
    host = urlsplit(service.endpoint).netloc
    path = f"/{images.bucket.name}/changed"
    headers = {
        "host": host,
        "content-type": "image/png",
        "if-none-match": "*",
        "x-amz-meta-url-sha256": "a" * 64,
        "x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(png()).digest()).decode(),
        "x-amz-content-sha256": sha256(png()),
    }
    key = clients.credentials().get_frozen_credentials()
    signed = sign(path, headers, key, "us-east-1", signed_at)
    connections = S3Connections(service.endpoint, 0)
    answer = connections.put(path, {**signed, **changed, "content-length": str(len(png()))}, png())
    return answer and answer.status


# Checksums


def test_a_body_that_differs_from_the_signed_sha256_is_refused(images: Images) -> None:
    other = png(note=b"another")

    stored = images.signed_put.put(
        io.BytesIO(png()), len(png()), sha256(other), arguments(images.bucket, "broken", other)
    )

    assert stored is None
    assert images.bucket.keys() == ["first"]


def test_a_body_that_differs_from_its_checksum_is_refused(images: Images) -> None:
    other = png(note=b"another")

    stored = images.signed_put.put(
        io.BytesIO(png()), len(png()), sha256(png()), arguments(images.bucket, "broken", other)
    )

    assert stored is None
    assert images.bucket.keys() == ["first"]


def test_an_image_whose_checksum_is_wrong_is_a_row_that_can_be_retried(images: Images) -> None:
    with pytest.raises(RowError) as raised:
        images.put("broken", sha256=sha256(b"another"))

    assert raised.value.reason == Reason.STORAGE
    assert images.bucket.keys() == ["first"]


def test_the_checksum_is_kept_and_returned(images: Images) -> None:
    images.put("checked")

    head = images.bucket.client.head_object(Bucket=images.bucket.name, Key="checked", ChecksumMode="ENABLED")
    assert base64.b64decode(head["ChecksumSHA256"]).hex() == sha256(png())


# Conditions


def test_a_key_that_is_taken_is_answered_by_one_412(images: Images) -> None:
    images.put("exclusive")

    assert images.put("exclusive", jpeg()) is None
    assert images.sent_by_boto3 == []
    assert images.bucket.body("exclusive") == png()


def test_the_object_of_an_etag_is_replaced_and_has_another_one(images: Images) -> None:
    first = images.put("exclusive")
    second = images.put("exclusive", jpeg(), first)

    assert images.sent_by_boto3 == []
    assert first == f'"{hashlib.md5(png()).hexdigest()}"'
    assert second == images.bucket.head("exclusive")["ETag"] != first
    assert images.bucket.body("exclusive") == jpeg()


def test_an_object_that_changed_since_its_etag_was_known_is_not_replaced(images: Images) -> None:
    first = images.put("exclusive")
    images.put("exclusive", png(note=b"newer"), first)

    assert images.put("exclusive", jpeg(), first) is None
    assert images.bucket.body("exclusive") == png(note=b"newer")


def test_an_object_that_was_deleted_is_not_replaced(images: Images) -> None:
    first = images.put("exclusive")
    images.bucket.client.delete_object(Bucket=images.bucket.name, Key="exclusive")

    assert images.put("exclusive", jpeg(), first) is None
    assert images.store.head("exclusive") is None
    assert images.put("exclusive", jpeg()) is not None


def test_an_object_is_read_back_with_its_facts(images: Images) -> None:
    etag = images.put("facts", width=6, height=4)
    found = images.store.head("facts")

    assert found is not None
    assert (found.etag, found.size, found.sha256) == (etag, len(png()), sha256(png()))
    assert (found.run_id, found.row, found.width, found.height) == ("r1", 7, 6, 4)
    assert abs(datetime.now(UTC) - found.stored_at) < timedelta(minutes=5)


def test_of_16_urls_that_race_for_a_key_one_wins(images: Images) -> None:
    with ThreadPoolExecutor(16) as pool:
        etags = list(pool.map(lambda number: images.put("exclusive", str(number).encode(), row=number), range(16)))

    [winner] = [number for number, etag in enumerate(etags) if etag is not None]
    found = images.store.head("exclusive")
    assert found is not None
    assert (found.row, found.etag) == (winner, etags[winner])
    assert images.bucket.body("exclusive") == str(winner).encode()
