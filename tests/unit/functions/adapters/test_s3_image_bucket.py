"""The images bucket."""

import base64
import hashlib
import io
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import ANY, Stubber

from functions.adapters.s3_image_bucket import S3ImageBucket
from functions.adapters.s3_signed_put import S3SignedPut
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.ports import ImageUpload
from functions.core.model.reasons import Reason
from tests.support.images import jpeg, png

s3_stub = pytest.mark.parametrize("stubbed", ["s3"], indirect=True)


def upload(data: bytes = png(), url_sha256: str = "a" * 64, **more: Any) -> ImageUpload:
    fields = {
        "key": "images/tom.png",
        "file": io.BytesIO(data),
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "content_type": "image/png",
        "url_sha256": url_sha256,
    }
    return ImageUpload(**{**fields, **more})


def body(s3: Any) -> bytes:
    return bytes(s3.get_object(Bucket="images", Key="images/tom.png")["Body"].read())


def test_an_image_is_put_with_its_type_its_class_and_its_owner(s3: Any) -> None:
    S3ImageBucket(s3, "images").put(upload(storage_class="STANDARD_IA"))

    head = s3.head_object(Bucket="images", Key="images/tom.png")
    assert body(s3) == png()
    assert (head["ContentType"], head["StorageClass"]) == ("image/png", "STANDARD_IA")
    assert head["Metadata"] == {"url-sha256": "a" * 64}
    assert "ContentDisposition" not in head


def test_an_svg_is_never_shown_inline(s3: Any) -> None:
    S3ImageBucket(s3, "images").put(upload(content_type="image/svg+xml"))

    assert s3.head_object(Bucket="images", Key="images/tom.png")["ContentDisposition"] == "attachment"


def test_the_checksum_and_the_length_are_sent(s3: Any) -> None:
    sent: list[Any] = []
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request))

    S3ImageBucket(s3, "images").put(upload())

    (request,) = sent
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    assert headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(png()).digest()).decode()
    assert headers["Content-Length"] == str(len(png()))
    assert "If-None-Match" not in headers


def test_the_file_is_sent_from_its_beginning(s3: Any) -> None:
    image = upload()
    image.file.read()

    S3ImageBucket(s3, "images").put(image)

    assert body(s3) == png()


def test_without_a_key_of_its_own_an_image_replaces_what_was_there(s3: Any) -> None:
    bucket = S3ImageBucket(s3, "images")
    bucket.put(upload())
    bucket.put(upload(jpeg()))

    assert body(s3) == jpeg()


def test_an_exclusive_key_that_is_free_is_taken(s3: Any) -> None:
    S3ImageBucket(s3, "images").put(upload(create_only=True))

    assert body(s3) == png()


def test_an_exclusive_key_that_is_the_urls_own_is_written_again(s3: Any) -> None:
    bucket = S3ImageBucket(s3, "images")
    bucket.put(upload(create_only=True))
    bucket.put(upload(jpeg(), create_only=True))

    assert body(s3) == jpeg()


def test_an_exclusive_key_of_another_url_is_a_conflict(s3: Any) -> None:
    bucket = S3ImageBucket(s3, "images")
    bucket.put(upload(create_only=True))

    with pytest.raises(RowError, match=r"images/tom\.png already holds the image of another URL") as raised:
        bucket.put(upload(jpeg(), url_sha256="b" * 64, create_only=True))

    assert raised.value.reason is Reason.KEY_CONFLICT
    assert body(s3) == png()


def test_an_exclusive_key_with_an_object_of_unknown_origin_is_a_conflict(s3: Any) -> None:
    s3.put_object(Bucket="images", Key="images/tom.png", Body=b"theirs")

    with pytest.raises(RowError):
        S3ImageBucket(s3, "images").put(upload(create_only=True))

    assert body(s3) == b"theirs"


@s3_stub
def test_an_object_that_changes_in_the_meantime_is_retryable(stubbed: Stubber) -> None:
    stubbed.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    stubbed.add_response("head_object", {"ETag": '"e1"', "Metadata": {"url-sha256": "a" * 64}})
    stubbed.add_client_error(
        "put_object", "PreconditionFailed", http_status_code=412, expected_params=put_params(IfMatch='"e1"')
    )

    with pytest.raises(RowError) as raised:
        S3ImageBucket(stubbed.client, "images").put(upload(create_only=True))

    assert raised.value.reason is Reason.STORAGE
    assert raised.value.retryable


def put_params(**more: Any) -> dict[str, Any]:
    return {
        "Bucket": "images",
        "Key": "images/tom.png",
        "Body": ANY,
        "ContentLength": len(png()),
        "ContentType": "image/png",
        "ChecksumSHA256": ANY,
        "StorageClass": "STANDARD",
        "Metadata": {"url-sha256": "a" * 64},
        **more,
    }


@s3_stub
@pytest.mark.parametrize("code", ["SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "BadDigest"])
def test_a_transient_error_is_a_retryable_row_error(stubbed: Stubber, code: str) -> None:
    stubbed.add_client_error("put_object", code)

    with pytest.raises(RowError, match=rf"^S3 PutObject failed \({code}\)\.$") as raised:
        S3ImageBucket(stubbed.client, "images").put(upload())

    assert raised.value.reason is Reason.STORAGE


@s3_stub
@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "ExpiredToken", "InvalidAccessKeyId"])
@pytest.mark.parametrize("exclusive", [True, False])
def test_a_permanent_error_is_a_storage_fault(stubbed: Stubber, code: str, exclusive: bool) -> None:
    stubbed.add_client_error("put_object", code)

    with pytest.raises(StorageFault, match=rf"^S3 PutObject failed \({code}\): "):
        S3ImageBucket(stubbed.client, "images").put(upload(create_only=exclusive))


def test_a_connection_error_is_a_retryable_row_error() -> None:
    class Unreachable:
        def put_object(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://s3.example")

    with pytest.raises(RowError, match="EndpointConnectionError") as raised:
        S3ImageBucket(Unreachable(), "images").put(upload())

    assert raised.value.reason is Reason.STORAGE


class FakeSignedPut:
    """Stores the object and says so."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def put(self, file: IO[bytes], size: int, sha256: str, arguments: Mapping[str, Any]) -> bool:
        file.seek(0)
        self._s3.put_object(Body=file.read(), **arguments)
        return True


class LostResponses(FakeSignedPut):
    """Receives no response: S3 may have stored the object or not."""

    def put(self, file: IO[bytes], size: int, sha256: str, arguments: Mapping[str, Any]) -> bool:
        with suppress(ClientError):
            super().put(file, size, sha256, arguments)
        return False


def bucket_of(s3: Any, signed_put: FakeSignedPut) -> S3ImageBucket:
    return S3ImageBucket(s3, "images", cast(S3SignedPut, signed_put))


@pytest.mark.parametrize("exclusive", [True, False])
def test_an_image_that_was_stored_without_a_response_is_stored_again_for_its_url(s3: Any, exclusive: bool) -> None:
    bucket_of(s3, LostResponses(s3)).put(upload(create_only=exclusive))

    assert body(s3) == png()
    assert s3.head_object(Bucket="images", Key="images/tom.png")["Metadata"] == {"url-sha256": "a" * 64}


def test_an_exclusive_key_that_was_written_again_without_a_response_is_no_conflict(s3: Any) -> None:
    bucket = bucket_of(s3, LostResponses(s3))
    bucket.put(upload(create_only=True))
    bucket.put(upload(create_only=True))

    assert body(s3) == png()


def test_an_exclusive_key_of_another_url_stays_a_conflict_without_responses(s3: Any) -> None:
    S3ImageBucket(s3, "images").put(upload(create_only=True))

    with pytest.raises(RowError) as raised:
        bucket_of(s3, LostResponses(s3)).put(upload(jpeg(), url_sha256="b" * 64, create_only=True))

    assert raised.value.reason is Reason.KEY_CONFLICT
    assert body(s3) == png()


def test_an_image_that_the_signed_put_has_stored_is_not_sent_again(s3: Any) -> None:
    sent: list[Any] = []
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request))

    bucket_of(s3, FakeSignedPut(s3)).put(upload(create_only=True))

    assert body(s3) == png()
    assert len(sent) == 1
