"""The images bucket."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber

from functions.adapters.s3 import image_bucket as s3_image_bucket
from functions.adapters.s3.image_bucket import MAX_ATTEMPTS, PAUSE_SECONDS, S3ImageBucket
from functions.adapters.s3.reading import CHUNK_BYTES
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.ports import ImageObject
from functions.core.model.reasons import Reason
from tests.support.images import jpeg, png
from tests.support.signed_put import upload

s3_stub = pytest.mark.parametrize("stubbed", ["s3"], indirect=True)


METADATA = {
    "url-sha256": "a" * 64,
    "sha256": hashlib.sha256(png()).hexdigest(),
    "run": "r1",
    "row": "7",
}


def body(s3: Any) -> bytes:
    return bytes(s3.get_object(Bucket="images", Key="images/tom.png")["Body"].read())


def test_an_image_is_put_with_its_type_its_class_and_its_facts(s3: Any) -> None:
    S3ImageBucket(s3, "images").put(upload(storage_class="STANDARD_IA", width=6, height=4), None)

    head = s3.head_object(Bucket="images", Key="images/tom.png")
    assert body(s3) == png()
    assert (head["ContentType"], head["StorageClass"]) == ("image/png", "STANDARD_IA")
    assert head["Metadata"] == METADATA | {"width": "6", "height": "4"}
    assert "ContentDisposition" not in head


@pytest.mark.parametrize("content_type", ["image/svg+xml", "text/html", "application/xml"])
def test_what_can_have_scripts_is_never_shown_inline(content_type: str, s3: Any) -> None:
    S3ImageBucket(s3, "images").put(upload(content_type=content_type), None)

    assert s3.head_object(Bucket="images", Key="images/tom.png")["ContentDisposition"] == "attachment"


def test_the_checksum_and_the_length_are_sent(s3: Any) -> None:
    sent: list[Any] = []
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request))

    S3ImageBucket(s3, "images").put(upload(), None)

    (request,) = sent
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    assert headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(png()).digest()).decode()
    assert headers["Content-Length"] == str(len(png()))
    assert headers["If-None-Match"] == "*"


def test_the_file_is_sent_from_its_beginning(s3: Any) -> None:
    image = upload()
    image.file.read()

    S3ImageBucket(s3, "images").put(image, None)

    assert body(s3) == png()


@pytest.fixture
def sent(s3: Any) -> list[str]:
    """The requests that boto3 sends: PUT or HEAD."""
    methods: list[str] = []
    s3.meta.events.register("before-send.s3", lambda request, **_: methods.append(request.method))
    return methods


def test_a_free_key_is_taken_and_its_etag_returned_by_one_request(s3: Any, sent: list[str]) -> None:
    etag = S3ImageBucket(s3, "images").put(upload(), None)

    assert sent == ["PUT"]
    assert body(s3) == png()
    assert etag == s3.head_object(Bucket="images", Key="images/tom.png")["ETag"]
    assert etag is not None
    assert etag.startswith('"')


def test_a_key_that_is_taken_is_answered_by_none_after_one_request(s3: Any, sent: list[str]) -> None:
    bucket = S3ImageBucket(s3, "images")
    bucket.put(upload(), None)
    sent.clear()

    assert bucket.put(upload(data=jpeg()), None) is None
    assert sent == ["PUT"]
    assert body(s3) == png()


def test_the_object_of_an_etag_is_replaced(s3: Any) -> None:
    bucket = S3ImageBucket(s3, "images")
    first = bucket.put(upload(), None)

    second = bucket.put(upload(data=jpeg()), first)

    assert body(s3) == jpeg()
    assert second == s3.head_object(Bucket="images", Key="images/tom.png")["ETag"] != first


def test_an_object_with_another_etag_is_kept(s3: Any, sent: list[str]) -> None:
    bucket = S3ImageBucket(s3, "images")
    first = bucket.put(upload(), None)
    bucket.put(upload(data=jpeg()), first)
    sent.clear()

    assert bucket.put(upload(data=png(note=b"late")), first) is None
    assert sent == ["PUT"]
    assert body(s3) == jpeg()


def test_the_object_of_an_etag_that_was_deleted_is_answered_by_none(s3: Any) -> None:
    bucket = S3ImageBucket(s3, "images")
    first = bucket.put(upload(), None)
    s3.delete_object(Bucket="images", Key="images/tom.png")

    assert bucket.put(upload(), first) is None


@s3_stub
@pytest.mark.parametrize(("code", "status"), [("NoSuchKey", 404), ("AccessDenied", 403)])
def test_without_the_permission_to_list_a_missing_object_may_be_answered_by_403(
    stubbed: Stubber, code: str, status: int
) -> None:
    stubbed.add_client_error("put_object", code, http_status_code=status, expected_params=put_params(IfMatch='"e1"'))

    assert S3ImageBucket(stubbed.client, "images").put(upload(), '"e1"') is None


@s3_stub
@pytest.mark.parametrize("if_match", [None, '"e1"'])
def test_a_conflict_of_two_conditional_requests_is_sent_again(
    stubbed: Stubber, if_match: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(s3_image_bucket.time, "sleep", pauses.append)
    condition = {"IfNoneMatch": "*"} if if_match is None else {"IfMatch": if_match}
    for _ in range(MAX_ATTEMPTS - 1):
        stubbed.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
    stubbed.add_response("put_object", {"ETag": '"e2"'}, expected_params={**put_params(), **condition})

    assert S3ImageBucket(stubbed.client, "images").put(upload(), if_match) == '"e2"'
    assert len(pauses) == MAX_ATTEMPTS - 1
    assert all(0 <= pause <= PAUSE_SECONDS * 2**number for number, pause in enumerate(pauses))


@s3_stub
def test_a_conflict_that_lasts_is_a_retryable_row_error(stubbed: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_image_bucket, "PAUSE_SECONDS", 0)
    for _ in range(MAX_ATTEMPTS):
        stubbed.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)

    with pytest.raises(RowError, match="ConditionalRequestConflict") as raised:
        S3ImageBucket(stubbed.client, "images").put(upload(), None)

    assert (raised.value.reason, raised.value.retryable) == (Reason.STORAGE, True)


# The object of a key


def test_an_object_is_read_back_as_it_was_stored(s3: Any) -> None:
    bucket = S3ImageBucket(s3, "images")
    before = datetime.now(UTC).replace(microsecond=0)
    image = upload(width=6, height=4)
    etag = bucket.put(image, None)

    found = bucket.head(image.key)

    assert found is not None
    assert before <= found.stored_at <= datetime.now(UTC)
    assert found == ImageObject(
        etag=str(etag),
        size=len(png()),
        content_type="image/png",
        stored_at=found.stored_at,
        url_sha256=image.url_sha256,
        sha256=image.sha256,
        run_id="r1",
        row=7,
        width=6,
        height=4,
    )


def test_an_image_of_unknown_size_has_none(s3: Any) -> None:
    bucket = S3ImageBucket(s3, "images")
    bucket.put(upload(), None)

    found = bucket.head("images/tom.png")
    assert found is not None
    assert (found.run_id, found.width, found.height) == ("r1", None, None)


@pytest.mark.parametrize("is_copy", [False, True])
def test_a_copy_is_marked_in_its_metadata(s3: Any, is_copy: bool) -> None:
    bucket = S3ImageBucket(s3, "images")
    bucket.put(upload(is_copy=is_copy), None)

    found = bucket.head("images/tom.png")
    assert found is not None
    assert found.is_copy is is_copy
    marks = {"copy": "true"} if is_copy else {}
    assert s3.head_object(Bucket="images", Key="images/tom.png")["Metadata"] == METADATA | marks


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"url-sha256": "a" * 64}, id="of release 0.1.0"),
        pytest.param(
            {"url-sha256": "a" * 64, "run": "r1", "row": "x", "sha256": "b" * 64}, id="a row that is no number"
        ),
        pytest.param({"url-sha256": "a" * 64, "run": "r1", "row": "7"}, id="without the SHA-256"),
        pytest.param({"url-sha256": "a" * 64, "row": "7", "sha256": "b" * 64, "width": "-1"}, id="without a run"),
    ],
)
def test_metadata_that_is_not_complete_is_that_of_release_0_1_0(s3: Any, metadata: dict[str, str]) -> None:
    s3.put_object(Bucket="images", Key="images/tom.png", Body=b"theirs", Metadata=metadata)

    found = S3ImageBucket(s3, "images").head("images/tom.png")

    assert found is not None
    assert (found.url_sha256, found.run_id, found.row, found.sha256) == ("a" * 64, "", 0, "")


def test_an_object_of_another_program_has_no_url(s3: Any) -> None:
    s3.put_object(Bucket="images", Key="images/tom.png", Body=b"theirs")

    found = S3ImageBucket(s3, "images").head("images/tom.png")
    assert found is not None
    assert (found.url_sha256, found.size) == ("", len(b"theirs"))


def test_a_key_without_an_object_has_none(s3: Any) -> None:
    assert S3ImageBucket(s3, "images").head("images/tom.png") is None


@s3_stub
def test_whether_there_is_an_object_is_not_known_without_the_permission_to_list(stubbed: Stubber) -> None:
    stubbed.add_client_error("head_object", "403", http_status_code=403)

    assert S3ImageBucket(stubbed.client, "images").head("images/tom.png") is None


@s3_stub
@pytest.mark.parametrize(("code", "error_class"), [("503", RowError), ("400", StorageFault)])
def test_a_head_that_fails_is_an_error(stubbed: Stubber, code: str, error_class: type[Exception]) -> None:
    stubbed.add_client_error("head_object", code, http_status_code=int(code))

    with pytest.raises(error_class, match=rf"^S3 HeadObject failed \({code}\)"):
        S3ImageBucket(stubbed.client, "images").head("images/tom.png")


# The bytes of an object


def read(bucket: S3ImageBucket) -> tuple[bool, bytes]:
    pieces: list[bytes] = []
    return bucket.read("images/tom.png", pieces.append), b"".join(pieces)


def test_the_bytes_of_an_object_come_piece_by_piece(s3: Any) -> None:
    data = bytes(3 * CHUNK_BYTES)
    s3.put_object(Bucket="images", Key="images/tom.png", Body=data)

    assert read(S3ImageBucket(s3, "images")) == (True, data)


def test_a_key_without_an_object_has_no_bytes(s3: Any) -> None:
    assert read(S3ImageBucket(s3, "images")) == (False, b"")


@s3_stub
@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchKey", "PreconditionFailed", "InvalidObjectState"])
def test_an_object_that_cannot_be_read_has_no_bytes(stubbed: Stubber, code: str) -> None:
    stubbed.add_client_error("get_object", code)

    assert read(S3ImageBucket(stubbed.client, "images")) == (False, b"")


@s3_stub
@pytest.mark.parametrize(("code", "error_class"), [("SlowDown", RowError), ("KMS.DisabledException", StorageFault)])
def test_a_get_that_fails_is_an_error(stubbed: Stubber, code: str, error_class: type[Exception]) -> None:
    stubbed.add_client_error("get_object", code)

    with pytest.raises(error_class, match=rf"^S3 GetObject failed \({code}\)"):
        read(S3ImageBucket(stubbed.client, "images"))


def test_what_writing_raises_is_raised(s3: Any) -> None:
    s3.put_object(Bucket="images", Key="images/tom.png", Body=b"x")

    def full(_: bytes) -> None:
        raise RowError(Reason.STORAGE, "full")

    with pytest.raises(RowError, match="full"):
        S3ImageBucket(s3, "images").read("images/tom.png", full)


# Errors


def put_params(**more: Any) -> dict[str, Any]:
    return {
        "Bucket": "images",
        "Key": "images/tom.png",
        "Body": ANY,
        "ContentLength": len(png()),
        "ContentType": "image/png",
        "ChecksumSHA256": ANY,
        "StorageClass": "STANDARD",
        "Metadata": METADATA,
        **more,
    }


@s3_stub
@pytest.mark.parametrize("code", ["SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "BadDigest"])
def test_a_transient_error_is_a_retryable_row_error(stubbed: Stubber, code: str) -> None:
    stubbed.add_client_error("put_object", code)

    with pytest.raises(RowError, match=rf"^S3 PutObject failed \({code}\)\.$") as raised:
        S3ImageBucket(stubbed.client, "images").put(upload(), None)

    assert raised.value.reason is Reason.STORAGE


@s3_stub
@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "ExpiredToken", "InvalidAccessKeyId"])
def test_a_permanent_error_is_a_storage_fault(stubbed: Stubber, code: str) -> None:
    stubbed.add_client_error("put_object", code)

    with pytest.raises(StorageFault, match=rf"^S3 PutObject failed \({code}\): "):
        S3ImageBucket(stubbed.client, "images").put(upload(), None)


def test_a_connection_error_is_a_retryable_row_error() -> None:
    class Unreachable:
        def put_object(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://s3.example")

    with pytest.raises(RowError, match="EndpointConnectionError") as raised:
        S3ImageBucket(Unreachable(), "images").put(upload(), None)

    assert raised.value.reason is Reason.STORAGE
