"""Shards in the images bucket: one PUT with a CRC32, and reads of a part."""

import base64
import io
import zlib
from typing import Any

import pytest
from botocore.stub import Stubber

from functions.adapters.s3.image_bucket import S3ImageBucket
from functions.adapters.s3.shards import S3Shards
from functions.adapters.s3.signed_put import S3SignedPut
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.ports import ShardUpload
from functions.core.model.reasons import Reason
from tests.support.signed_put import connected
from tests.support.signed_s3 import CREDENTIALS

KEY = "images/shards/r1/0000-0000000001-00.tar"
DATA = bytes(range(256)) * 20
s3_stub = pytest.mark.parametrize("stubbed", ["s3"], indirect=True)


def upload(data: bytes = DATA, shard_id: str = "a", **fields: Any) -> ShardUpload:
    return ShardUpload(
        **{
            "key": KEY,
            "file": io.BytesIO(data),
            "size": len(data),
            "crc32": zlib.crc32(data),
            "run_id": "r1",
            "shard_id": shard_id,
            **fields,
        }
    )


def shards(s3: Any) -> S3Shards:
    return S3Shards(s3, "images", S3SignedPut(s3, "images", CREDENTIALS, 4))


def test_a_shard_is_stored_with_its_type_its_class_and_its_metadata(s3: Any) -> None:
    assert shards(s3).put_shard(upload(storage_class="STANDARD_IA"))

    head = s3.head_object(Bucket="images", Key=KEY)
    assert s3.get_object(Bucket="images", Key=KEY)["Body"].read() == DATA
    assert (head["ContentType"], head["StorageClass"]) == ("application/x-tar", "STANDARD_IA")
    assert head["Metadata"] == {"run": "r1", "shard": "a"}


@pytest.mark.parametrize("size", [2_000, 3_000_000])
def test_the_signed_put_sends_a_crc32_and_no_digest_of_the_body(size: int) -> None:
    data = DATA * (size // len(DATA) + 1)
    with connected() as world:
        assert S3Shards(world.s3, "images", world.signed_put).put_shard(upload(data))

        (request,) = world.server.received
    checksum = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    assert request.headers["x-amz-checksum-crc32"] == checksum
    assert request.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert request.headers["if-none-match"] == "*"
    assert request.body == data


def test_another_object_of_the_key_is_kept(s3: Any) -> None:
    shards(s3).put_shard(upload())

    assert not shards(s3).put_shard(upload(b"other", shard_id="b"))

    assert s3.get_object(Bucket="images", Key=KEY)["Body"].read() == DATA


def test_a_shard_whose_answer_was_lost_is_stored(s3: Any) -> None:
    shards(s3).put_shard(upload())

    assert shards(s3).put_shard(upload())


@s3_stub
@pytest.mark.parametrize(("code", "error"), [("SlowDown", RowError), ("AccessDenied", StorageFault)])
def test_a_put_that_fails_is_an_error(stubbed: Stubber, code: str, error: type[Exception]) -> None:
    stubbed.add_client_error("put_object", code)

    with pytest.raises(error) as raised:
        shards(stubbed.client).put_shard(upload())

    assert isinstance(raised.value, StorageFault) or raised.value.reason is Reason.STORAGE  # type: ignore[attr-defined]


@pytest.mark.parametrize(("offset", "size"), [(0, 10), (512, 1), (5000, 10_000), (5119, 1)])
def test_a_part_of_a_shard_is_read(s3: Any, offset: int, size: int) -> None:
    shards(s3).put_shard(upload())

    assert shards(s3).read_shard(KEY, offset, size) == DATA[offset : offset + size]


def test_a_part_behind_the_end_is_none(s3: Any) -> None:
    shards(s3).put_shard(upload())

    assert shards(s3).read_shard(KEY, len(DATA), 10) is None


def test_what_is_no_shard_is_none(s3: Any) -> None:
    s3.put_object(Bucket="images", Key=KEY, Body=DATA)

    assert shards(s3).read_shard(KEY, 0, 10) is None
    assert shards(s3).read_shard("images/missing.tar", 0, 10) is None


@s3_stub
@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_a_shard_that_may_not_be_there_is_none(stubbed: Stubber, code: str) -> None:
    """Without the permission to list the bucket, S3 answers 403 for a missing object."""
    stubbed.add_client_error("get_object", code)

    assert shards(stubbed.client).read_shard(KEY, 0, 10) is None


@s3_stub
@pytest.mark.parametrize("code", ["SlowDown", "InternalError"])
def test_a_read_that_fails_is_a_fault(stubbed: Stubber, code: str) -> None:
    stubbed.add_client_error("get_object", code)

    with pytest.raises(StorageFault, match=KEY):
        shards(stubbed.client).read_shard(KEY, 0, 10)


def test_an_image_in_a_shard_is_read_by_its_range(s3: Any) -> None:
    shards(s3).put_shard(upload())
    pieces: list[bytes] = []

    assert S3ImageBucket(s3, "images").read(KEY, pieces.append, 512, 300)
    assert b"".join(pieces) == DATA[512:812]
    assert not S3ImageBucket(s3, "images").read(KEY, pieces.append, 10**6, 300)
