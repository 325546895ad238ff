"""The S3 API of the object store, asked by boto3 and by plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.support.object_store import Running

BODY = b"an image" * 1000


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def test_an_object_is_a_file_when_its_put_is_answered(s3: Any, running: Running) -> None:
    s3.put_object(Bucket="images", Key="images/a b+c.jpg", Body=BODY, ContentType="image/jpeg", Metadata={"who": "me"})

    assert (running.root / "images" / "images" / "a b+c.jpg").read_bytes() == BODY
    found = s3.get_object(Bucket="images", Key="images/a b+c.jpg")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (BODY, "image/jpeg", {"who": "me"})
    assert found["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("ChecksumCRC32", zlib.crc32(BODY).to_bytes(4, "big")),
        ("ChecksumSHA1", hashlib.sha1(BODY).digest()),
        ("ChecksumSHA256", hashlib.sha256(BODY).digest()),
        ("ContentMD5", hashlib.md5(BODY).digest()),
    ],
)
def test_a_checksum_is_verified(s3: Any, running: Running, name: str, digest: bytes) -> None:
    s3.put_object(Bucket="images", Key="right", Body=BODY, **{name: encoded(digest)})

    wrong = encoded(bytes([digest[0] ^ 1]) + digest[1:])
    assert code_of(lambda: s3.put_object(Bucket="images", Key="wrong", Body=BODY, **{name: wrong})) == "BadDigest"
    assert code_of(lambda: s3.get_object(Bucket="images", Key="wrong")) == "NoSuchKey"


@pytest.mark.parametrize(
    ("algorithm", "checksum"),
    [("crc32c", 0xE3069283.to_bytes(4, "big")), ("crc64nvme", 0xAE8B14860A799888.to_bytes(8, "big"))],
)
def test_crcs_that_boto3_needs_a_library_for_are_verified(
    s3: Any, running: Running, algorithm: str, checksum: bytes
) -> None:
    """The check values of the catalogue of parametrised CRC algorithms, of the text 123456789."""
    header = f"x-amz-checksum-{algorithm}"
    parameters = {"Bucket": "images", "Key": "a"}

    def put(value: str) -> int:
        def add(request: Any, **_: Any) -> None:
            request.headers.add_header(header, value)

        s3.meta.events.register_first("before-sign.s3.PutObject", add)
        try:
            url = s3.generate_presigned_url("put_object", Params=parameters)
            return requests.put(url, data=b"123456789", headers={header: value}).status_code
        finally:
            s3.meta.events.unregister("before-sign.s3.PutObject", add)

    assert put(encoded(checksum)) == 200
    assert put(encoded(bytes(len(checksum)))) == 400


def test_a_checksum_is_given_back_to_who_asks_for_it(s3: Any) -> None:
    digest = encoded(hashlib.sha256(BODY).digest())
    s3.put_object(Bucket="images", Key="a", Body=BODY, ChecksumSHA256=digest)

    assert s3.head_object(Bucket="images", Key="a", ChecksumMode="ENABLED")["ChecksumSHA256"] == digest
    assert "ChecksumSHA256" not in s3.head_object(Bucket="images", Key="a")


def test_a_conditional_put_holds(s3: Any) -> None:
    etag = s3.put_object(Bucket="images", Key="a", Body=b"1", IfNoneMatch="*")["ETag"]

    assert code_of(lambda: s3.put_object(Bucket="images", Key="a", Body=b"2", IfNoneMatch="*")) == "PreconditionFailed"
    assert (
        code_of(lambda: s3.put_object(Bucket="images", Key="a", Body=b"2", IfMatch='"other"')) == "PreconditionFailed"
    )
    assert code_of(lambda: s3.put_object(Bucket="images", Key="none", Body=b"2", IfMatch=etag)) == "NoSuchKey"
    s3.put_object(Bucket="images", Key="a", Body=b"3", IfMatch=etag)
    assert s3.get_object(Bucket="images", Key="a")["Body"].read() == b"3"


def test_a_range_and_the_conditions_of_a_get_hold(s3: Any) -> None:
    etag = s3.put_object(Bucket="images", Key="a", Body=b"0123456789")["ETag"]

    def part(text: str) -> bytes:
        return bytes(s3.get_object(Bucket="images", Key="a", Range=text)["Body"].read())

    assert [part("bytes=2-4"), part("bytes=7-"), part("bytes=-2"), part("bytes=8-99")] == [b"234", b"789", b"89", b"89"]
    assert code_of(lambda: part("bytes=10-")) == "InvalidRange"
    assert code_of(lambda: s3.get_object(Bucket="images", Key="a", IfNoneMatch=etag)) == "304"
    assert code_of(lambda: s3.get_object(Bucket="images", Key="a", IfMatch='"b"')) == "PreconditionFailed"


def test_a_multipart_upload_becomes_one_object(s3: Any, running: Running) -> None:
    content = bytes(range(256)) * 80_000
    s3.upload_fileobj(io.BytesIO(content), "images", "large", ExtraArgs={"Metadata": {"a": "b"}})

    found = s3.get_object(Bucket="images", Key="large")
    assert found["Body"].read() == content
    assert (found["Metadata"], found["ETag"].endswith('-3"')) == ({"a": "b"}, True)
    assert [name for name, _ in running.events] == ["ObjectCreated:CompleteMultipartUpload"]
    assert s3.list_multipart_uploads(Bucket="images").get("Uploads", []) == []


def test_a_part_that_is_too_small_or_missing_is_refused(s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket="images", Key="a")["UploadId"]
    etags = [
        s3.upload_part(Bucket="images", Key="a", UploadId=upload, PartNumber=n, Body=b"x" * n)["ETag"] for n in (1, 2)
    ]

    def complete(*parts: tuple[int, str]) -> str:
        chosen = [{"PartNumber": number, "ETag": etag} for number, etag in parts]
        request = {"Bucket": "images", "Key": "a", "UploadId": upload, "MultipartUpload": {"Parts": chosen}}
        return code_of(lambda: s3.complete_multipart_upload(**request))

    assert complete((1, etags[0]), (2, etags[1])) == "EntityTooSmall"
    assert complete((2, etags[1]), (1, etags[0])) == "InvalidPartOrder"
    assert complete((3, etags[1])) == "InvalidPart"
    s3.abort_multipart_upload(Bucket="images", Key="a", UploadId=upload)
    assert complete((1, etags[0])) == "NoSuchUpload"


def test_a_copy_keeps_or_replaces_the_metadata(s3: Any) -> None:
    s3.put_object(Bucket="images", Key="a", Body=BODY, Metadata={"a": "b"}, ContentType="image/png")
    source = {"Bucket": "images", "Key": "a"}
    s3.copy_object(Bucket="input", Key="kept", CopySource=source)
    s3.copy_object(Bucket="input", Key="new", CopySource=source, Metadata={"c": "d"}, MetadataDirective="REPLACE")

    assert s3.head_object(Bucket="input", Key="kept")["Metadata"] == {"a": "b"}
    assert s3.get_object(Bucket="input", Key="kept")["Body"].read() == BODY
    assert s3.head_object(Bucket="input", Key="new")["Metadata"] == {"c": "d"}
    assert code_of(lambda: s3.copy_object(Bucket="images", Key="a", CopySource=source)) == "InvalidRequest"


KEYS = ["a", "a/b", "a//b", "/a", "a/", "..", "../b", "./c", "A", "é" * 100, "x" * 300, "%keys/a", ".partial-a", "a\\b"]


def test_every_key_is_an_object_of_its_own(s3: Any, running: Running) -> None:
    for key in KEYS:
        s3.put_object(Bucket="images", Key=key, Body=key.encode())

    assert {key: s3.get_object(Bucket="images", Key=key)["Body"].read().decode() for key in KEYS} == {
        key: key for key in KEYS
    }
    listed = [found["Key"] for found in s3.list_objects_v2(Bucket="images")["Contents"]]
    assert listed == sorted(KEYS, key=str.encode)
    assert [path.name for path in running.root.parent.iterdir()] == ["out"]
    for key in KEYS:
        s3.delete_object(Bucket="images", Key=key)
    assert "Contents" not in s3.list_objects_v2(Bucket="images")


def test_lists_are_paged_and_fold_common_prefixes(s3: Any) -> None:
    keys = [f"{folder}/{n}" for folder in ("a", "b", "c d") for n in range(4)] + ["e", "f"]
    for key in keys:
        s3.put_object(Bucket="images", Key=key, Body=b"")

    def pages(**request: Any) -> tuple[list[str], list[str]]:
        paginator = s3.get_paginator("list_objects_v2")
        found = list(paginator.paginate(Bucket="images", **request))
        contents = [each["Key"] for page in found for each in page.get("Contents", [])]
        return contents, [each["Prefix"] for page in found for each in page.get("CommonPrefixes", [])]

    for size in (1, 2, 3, 100):
        assert pages(PaginationConfig={"PageSize": size}) == (keys, [])
        assert pages(Delimiter="/", PaginationConfig={"PageSize": size}) == (["e", "f"], ["a/", "b/", "c d/"])
    assert pages(Prefix="b/") == (keys[4:8], [])
    assert pages(StartAfter="c d/2") == (keys[11:], [])


def test_versions_are_kept_listed_and_removed(s3: Any, running: Running) -> None:
    versions = [s3.put_object(Bucket="input", Key="m", Body=str(n).encode())["VersionId"] for n in range(3)]
    marker = s3.delete_object(Bucket="input", Key="m")["VersionId"]

    assert code_of(lambda: s3.get_object(Bucket="input", Key="m")) == "NoSuchKey"
    assert s3.get_object(Bucket="input", Key="m", VersionId=versions[0])["Body"].read() == b"0"
    listed = s3.list_object_versions(Bucket="input")
    assert [each["VersionId"] for each in listed["Versions"]] == versions[::-1]
    assert [(each["VersionId"], each["IsLatest"]) for each in listed["DeleteMarkers"]] == [(marker, True)]
    s3.delete_object(Bucket="input", Key="m", VersionId=marker)
    s3.delete_object(Bucket="input", Key="m", VersionId=versions[2])
    assert s3.get_object(Bucket="input", Key="m")["Body"].read() == b"1"
    for version in versions[:2]:
        s3.delete_object(Bucket="input", Key="m", VersionId=version)
    assert [path for path in (running.root / "input").rglob("*") if path.is_file()] == []


def test_a_presigned_url_works_until_it_expires_and_for_what_it_was_signed(s3: Any) -> None:
    s3.put_object(Bucket="input", Key="a b", Body=b"1")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "input", "Key": "a b"}, ExpiresIn=60)
    short = s3.generate_presigned_url("get_object", Params={"Bucket": "input", "Key": "a b"}, ExpiresIn=1)

    assert requests.get(url).content == b"1"
    assert requests.put(url, data=b"2").status_code == 403
    assert requests.get(url.replace("a%20b", "c")).status_code == 403
    assert requests.get(url.replace("Expires=60", "Expires=6000")).status_code == 403
    deadline = time.monotonic() + 10
    while (answer := requests.get(short)).status_code == 200:
        assert time.monotonic() < deadline
    assert "<Message>Request has expired</Message>" in answer.text


def test_a_request_without_a_valid_signature_is_refused(s3: Any, running: Running) -> None:
    s3.put_object(Bucket="input", Key="a", Body=b"1")

    assert requests.get(f"{running.endpoint}/input/a").status_code == 403
    assert requests.delete(f"{running.endpoint}/input/a").status_code == 403
    for credentials, code in (({"secret": "no"}, "SignatureDoesNotMatch"), ({"key": "other"}, "InvalidAccessKeyId")):
        stranger = running.client(**credentials)
        assert code_of(lambda stranger=stranger: stranger.get_object(Bucket="input", Key="a")) == code
        stranger.close()


def test_what_is_not_implemented_is_refused_by_name(s3: Any) -> None:
    s3.put_object(Bucket="input", Key="a", Body=b"1")

    with pytest.raises(ClientError) as caught:
        s3.get_object_acl(Bucket="input", Key="a")
    error = caught.value.response["Error"]
    assert (error["Code"], "acl" in error["Message"]) == ("NotImplemented", True)


def test_a_key_and_metadata_have_the_limits_of_s3(s3: Any) -> None:
    s3.put_object(Bucket="images", Key="k" * 1024, Body=b"")

    assert code_of(lambda: s3.put_object(Bucket="images", Key="k" * 1025, Body=b"")) == "KeyTooLongError"
    large = {"a": "x" * 2048}
    assert code_of(lambda: s3.put_object(Bucket="images", Key="a", Body=b"", Metadata=large)) == "MetadataTooLarge"


def test_an_unknown_bucket_is_told_as_such(s3: Any) -> None:
    assert code_of(lambda: s3.put_object(Bucket="other", Key="a", Body=b"")) == "NoSuchBucket"
    assert code_of(lambda: s3.list_objects_v2(Bucket="other")) == "NoSuchBucket"


def test_many_objects_are_deleted_in_one_request(s3: Any) -> None:
    for key in ("a", "b", "c"):
        s3.put_object(Bucket="images", Key=key, Body=b"")

    answer = s3.delete_objects(Bucket="images", Delete={"Objects": [{"Key": "a"}, {"Key": "b"}, {"Key": "none"}]})
    assert [each["Key"] for each in answer["Deleted"]] == ["a", "b", "none"]
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="images")["Contents"]] == ["c"]


def crc32(data: bytes) -> str:
    return encoded(zlib.crc32(data).to_bytes(4, "big"))


@pytest.mark.parametrize("kind", ["FULL_OBJECT", "COMPOSITE"])
def test_the_checksum_of_an_upload_is_verified(s3: Any, kind: str) -> None:
    parts = [b"x" * (5 << 20), b"y"]
    created = s3.create_multipart_upload(Bucket="images", Key="a", ChecksumAlgorithm="CRC32", ChecksumType=kind)
    target = {"Bucket": "images", "Key": "a", "UploadId": created["UploadId"]}
    chosen = [
        {"PartNumber": number, "ETag": s3.upload_part(**target, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate(parts, 1)
    ]
    digests = b"".join(base64.b64decode(crc32(part)) for part in parts)
    right = crc32(b"".join(parts)) if kind == "FULL_OBJECT" else f"{crc32(digests)}-2"
    listed = s3.list_parts(**target, MaxParts=1)
    assert (listed["Parts"][0]["ChecksumCRC32"], listed["IsTruncated"]) == (crc32(parts[0]), True)

    wrong = [{**chosen[0], "ChecksumCRC32": crc32(b"other")}, chosen[1]]
    assert code_of(lambda: s3.complete_multipart_upload(**target, MultipartUpload={"Parts": wrong})) == "InvalidPart"
    request = {**target, "MultipartUpload": {"Parts": chosen}}
    assert code_of(lambda: s3.complete_multipart_upload(**request, ChecksumCRC32=crc32(b"other"))) == "BadDigest"
    assert code_of(lambda: s3.complete_multipart_upload(**request, MpuObjectSize=1)) == "InvalidRequest"
    done = s3.complete_multipart_upload(**request, ChecksumCRC32=right)
    head = s3.head_object(Bucket="images", Key="a", ChecksumMode="ENABLED")
    assert (done["ChecksumCRC32"], head["ChecksumCRC32"], head["ChecksumType"]) == (right, right, kind)


def test_the_list_of_uploads_has_pages(s3: Any) -> None:
    ids = {s3.create_multipart_upload(Bucket="images", Key=f"{n}")["UploadId"] for n in range(5)}

    pages = list(s3.get_paginator("list_multipart_uploads").paginate(Bucket="images", PaginationConfig={"PageSize": 2}))
    assert [len(page["Uploads"]) for page in pages] == [2, 2, 1]
    assert {each["UploadId"] for page in pages for each in page["Uploads"]} == ids


def test_versions_have_pages(s3: Any) -> None:
    made = [
        (key, s3.put_object(Bucket="input", Key=key, Body=b"")["VersionId"])
        for key in ("a", "b/c", "d")
        for _ in range(3)
    ]
    expected = [pair for key in ("a", "b/c", "d") for pair in reversed([each for each in made if each[0] == key])]
    for size in (1, 2, 4, 100):
        paginator = s3.get_paginator("list_object_versions")
        pages = list(paginator.paginate(Bucket="input", PaginationConfig={"PageSize": size}))
        assert [(each["Key"], each["VersionId"]) for page in pages for each in page.get("Versions", [])] == expected
        pages = list(paginator.paginate(Bucket="input", Delimiter="/", PaginationConfig={"PageSize": size}))
        assert [each["Key"] for page in pages for each in page.get("Versions", [])] == ["a"] * 3 + ["d"] * 3
        assert [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])] == ["b/"]


def test_a_delete_obeys_its_condition(s3: Any) -> None:
    etag = s3.put_object(Bucket="images", Key="a", Body=b"1")["ETag"]

    assert code_of(lambda: s3.delete_object(Bucket="images", Key="a", IfMatch='"b"')) == "PreconditionFailed"
    s3.delete_object(Bucket="images", Key="a", IfMatch=etag)


def test_a_header_that_asks_for_more_than_there_is_is_refused(s3: Any) -> None:
    def put(**more: Any) -> Callable[[], object]:
        return lambda: s3.put_object(Bucket="images", Key="a", Body=b"1", **more)

    put(ACL="private", ServerSideEncryption="AES256")()
    for more in ({"ACL": "public-read"}, {"ServerSideEncryption": "aws:kms"}, {"Tagging": "a=b"}):
        assert code_of(put(**more)) == "NotImplemented"


def test_an_answer_with_other_headers_cannot_be_split(s3: Any) -> None:
    s3.put_object(Bucket="images", Key="a", Body=b"1")

    def get(value: str) -> requests.Response:
        parameters = {"Bucket": "images", "Key": "a", "ResponseContentDisposition": value}
        return requests.get(s3.generate_presigned_url("get_object", Params=parameters))

    assert get("attachment; filename=é").headers["content-disposition"].encode("latin-1").decode() == (
        "attachment; filename=é"
    )
    assert get("a\r\nx-other: 1").status_code == 400


def test_a_delete_has_no_body_and_no_length(s3: Any, running: Running) -> None:
    headers = s3.delete_object(Bucket="images", Key="none")["ResponseMetadata"]["HTTPHeaders"]

    assert "content-length" not in headers


def test_the_parts_of_an_upload_that_is_not_completed_leave_no_file(s3: Any, running: Running) -> None:
    upload = s3.create_multipart_upload(Bucket="images", Key="a")["UploadId"]
    target = {"Bucket": "images", "Key": "a", "UploadId": upload}
    for _ in range(2):
        s3.upload_part(**target, PartNumber=1, Body=b"1")
    assert len(list((running.root / ".partial-").iterdir())) == 1
    s3.abort_multipart_upload(**target)

    assert list((running.root / ".partial-").iterdir()) == []
    assert code_of(lambda: s3.upload_part(**target, PartNumber=1, Body=b"1")) == "NoSuchUpload"
    assert list((running.root / ".partial-").iterdir()) == []
