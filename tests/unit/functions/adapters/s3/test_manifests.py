"""Manifests in the input bucket."""

import gzip
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from functions.adapters.s3.manifests import S3ManifestCopies, S3Manifests
from functions.adapters.s3.reading import CHUNK_BYTES
from functions.core.model.errors import ManifestGoneError, StorageFault
from functions.core.model.runs import ManifestObject

KEY = "manifests/a+b %2B\u00e9.csv"
MANIFEST = ManifestObject("input", KEY)

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
        S3Manifests(s3).describe(MANIFEST)


def test_a_manifest_is_described_with_the_metadata_of_its_user(s3: Any) -> None:
    etag = put(s3, Metadata={"base-url": "http://a.example"})

    found, metadata = S3Manifests(s3).describe(MANIFEST)

    assert found == ManifestObject("input", KEY, etag, 4, version_id="null")
    assert metadata == {"base-url": "http://a.example"}


def test_the_current_object_is_described_only_if_it_has_the_etag_of_the_event(s3: Any) -> None:
    etag = put(s3)
    put(s3, b"other")

    with pytest.raises(ManifestGoneError):
        S3Manifests(s3).describe(replace(MANIFEST, etag=etag))


def test_a_version_is_described_and_read_after_it_was_replaced_and_deleted(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="input", VersioningConfiguration={"Status": "Enabled"})
    etag = put(s3, b"first", Metadata={"concurrency": "1"})
    version = s3.head_object(Bucket="input", Key=KEY)["VersionId"]
    put(s3, b"second")
    s3.delete_object(Bucket="input", Key=KEY)

    found, metadata = S3Manifests(s3).describe(replace(MANIFEST, version_id=version))

    assert (found, metadata) == (ManifestObject("input", KEY, etag, 5, version_id=version), {"concurrency": "1"})
    assert b"".join(S3Manifests(s3).read("input", KEY, etag, version_id=version)) == b"first"


@s3_stub
@pytest.mark.parametrize("codes", [("NoSuchVersion", "404"), ("MethodNotAllowed", "405")])
def test_a_version_that_was_deleted_or_is_a_delete_marker_is_gone(stubbed: Stubber, codes: tuple[str, str]) -> None:
    stubbed.add_client_error("get_object", codes[0])
    stubbed.add_client_error("head_object", codes[1])

    with pytest.raises(ManifestGoneError):
        list(S3Manifests(stubbed.client).read("input", KEY, "", version_id="v1"))
    with pytest.raises(ManifestGoneError):
        S3Manifests(stubbed.client).describe(replace(MANIFEST, version_id="v1"))


@s3_stub
def test_a_failed_request_is_a_fault_with_its_code(stubbed: Stubber) -> None:
    stubbed.add_client_error("get_object", "AccessDenied")
    stubbed.add_client_error("head_object", "403")

    with pytest.raises(StorageFault, match=r"^S3 GetObject failed \(AccessDenied\) for manifests/"):
        list(S3Manifests(stubbed.client).read("input", KEY, ""))
    with pytest.raises(StorageFault, match=r"^S3 HeadObject failed \(403\) for manifests/"):
        S3Manifests(stubbed.client).describe(MANIFEST)


def test_a_copy_of_rows_is_gzipped_and_has_a_version(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="input", VersioningConfiguration={"Status": "Enabled"})

    copy = S3ManifestCopies(s3).write("input", "r1", ['{"url": "\\ud800"}\n', "\ud800\n"])

    found = s3.get_object(Bucket="input", Key="runs/r1/rows.jsonl.gz", VersionId=copy.version_id)
    content = found["Body"].read()
    assert gzip.decompress(content) == b'{"url": "\\ud800"}\n\\ud800\n'
    assert (copy.key, copy.etag, copy.size) == ("runs/r1/rows.jsonl.gz", found["ETag"].strip('"'), len(content))


@s3_stub
def test_a_copy_that_cannot_be_written_is_a_storage_fault(stubbed: Stubber) -> None:
    stubbed.add_client_error("put_object", "SlowDown")

    with pytest.raises(StorageFault, match=r"S3 PutObject.*SlowDown.*rows\.jsonl\.gz"):
        S3ManifestCopies(stubbed.client).write("input", "r1", ["1\n"])
