"""Manifests in the input bucket."""

from typing import Any

import pytest
from botocore.stub import Stubber

from functions.adapters.s3_manifests import S3Manifests
from functions.adapters.s3_reading import CHUNK_BYTES
from functions.core.model.errors import ManifestGoneError, StorageFault

KEY = "manifests/a+b %2B\u00e9.csv"

s3_stub = pytest.mark.parametrize("stubbed", ["s3"], indirect=True)


def put(s3: Any, data: bytes = b"url\n", **more: Any) -> str:
    return str(s3.put_object(Bucket="input", Key=KEY, Body=data, **more)["ETag"]).strip('"')


def test_a_manifest_is_read_in_chunks_by_its_raw_key(s3: Any) -> None:
    data = bytes(range(256)) * 3_000
    etag = put(s3, data)

    chunks = list(S3Manifests(s3).read("input", KEY, etag))

    assert b"".join(chunks) == data
    assert max(map(len, chunks)) <= CHUNK_BYTES < len(data)


def test_a_manifest_is_read_from_an_offset(s3: Any) -> None:
    etag = put(s3, b"url\nhttp://a/1\n")

    assert b"".join(S3Manifests(s3).read("input", KEY, etag, 4)) == b"http://a/1\n"


def test_without_an_etag_the_current_object_is_read(s3: Any) -> None:
    put(s3)

    assert b"".join(S3Manifests(s3).read("input", KEY, "")) == b"url\n"


def test_a_manifest_that_was_replaced_is_gone(s3: Any) -> None:
    etag = put(s3)
    put(s3, b"other")

    with pytest.raises(ManifestGoneError):
        list(S3Manifests(s3).read("input", KEY, etag))


def test_a_manifest_that_was_deleted_is_gone(s3: Any) -> None:
    with pytest.raises(ManifestGoneError):
        list(S3Manifests(s3).read("input", KEY, "x"))
    with pytest.raises(ManifestGoneError):
        S3Manifests(s3).metadata("input", KEY)


def test_metadata_is_the_users(s3: Any) -> None:
    put(s3, Metadata={"base-url": "http://a.example"})

    assert S3Manifests(s3).metadata("input", KEY) == {"base-url": "http://a.example"}


@s3_stub
def test_a_failed_request_is_a_fault_with_its_code(stubbed: Stubber) -> None:
    stubbed.add_client_error("get_object", "AccessDenied")
    stubbed.add_client_error("head_object", "403")

    with pytest.raises(StorageFault, match=r"^S3 GetObject failed \(AccessDenied\) for manifests/"):
        list(S3Manifests(stubbed.client).read("input", KEY, ""))
    with pytest.raises(StorageFault, match=r"^S3 HeadObject failed \(403\) for manifests/"):
        S3Manifests(stubbed.client).metadata("input", KEY)
