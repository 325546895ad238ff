"""The images bucket."""

import base64
import random
import time
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from functions.adapters.errors import AWS_ERRORS, error_code, failure_message, is_transient
from functions.adapters.s3.reading import READ_ERRORS, read_object
from functions.adapters.s3.signed_put import OK, S3SignedPut
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.ports import ImageObject, ImageUpload
from functions.core.model.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import StorageClassType
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef, HeadObjectOutputTypeDef, PutObjectRequestTypeDef

URL, SHA256, RUN, ROW = "url-sha256", "sha256", "run", "row"
WIDTH, HEIGHT, TRUNCATED, COPY = "width", "height", "truncated", "copy"
"""Names of the metadata of an object. Release 0.1.0 wrote only the first."""

CONFLICT = ("ConditionalRequestConflict", "409")
"""Another conditional request for the key was in progress: S3 has evaluated no condition."""

CONDITION_FAILED = ("PreconditionFailed", "412")
NO_OBJECT = ("NoSuchKey", "404", "AccessDenied", "403")
"""There is no object. S3 answers 403 to a function that may not list the bucket."""

NOT_READABLE = (*NO_OBJECT, *CONDITION_FAILED, "InvalidObjectState", "InvalidRange", "416")
"""There is no object, it is too short, it was replaced while it was read, or the owner of an existing bucket has
archived it."""

MAX_ATTEMPTS = 4
"""Maximum number of requests for an image after conflicts."""

PAUSE_SECONDS = 0.2
"""Maximum pause in seconds after the first conflict; it doubles with each."""

_WITH_SCRIPTS = frozenset({"image/svg+xml", "text/html", "application/xml"})
"""Types that a browser runs scripts of, unless it saves them."""


class S3ImageBucket:
    """Stores each image by one conditional PutObject with a SHA-256 checksum, which S3 verifies.

    A PutObject takes up to 5 GB. A multipart upload costs three requests at least.
    """

    def __init__(self, s3: "S3Client", bucket: str, signed_put: S3SignedPut | None = None) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._signed_put = signed_put

    def put(self, upload: ImageUpload, if_match: str | None) -> str | None:
        """The ETag of the object; None if it has another one than `if_match`, or exists and `if_match` is None.

        Raises RowError(STORAGE), StorageFault.
        """
        arguments = self._arguments(upload)
        if if_match is None:
            arguments["IfNoneMatch"] = "*"
            return put_on_condition(lambda: self._put(upload, arguments), CONDITION_FAILED)
        arguments["IfMatch"] = if_match
        return put_on_condition(lambda: self._put(upload, arguments), (*CONDITION_FAILED, *NO_OBJECT))

    def head(self, key: str) -> ImageObject | None:
        """None if there is no object, or if S3 does not say so. Raises RowError(STORAGE), StorageFault."""
        try:
            return _image_object(self._s3.head_object(Bucket=self._bucket, Key=key))
        except AWS_ERRORS as error:
            if isinstance(error, ClientError) and error_code(error) in NO_OBJECT:
                return None
            raise error_of("S3 HeadObject", error) from error

    def read(
        self, key: str, write: "Callable[[bytes], None]", offset: int | None = None, size: int | None = None
    ) -> bool:
        """False if no object can be read. Raises RowError(STORAGE), StorageFault, and what `write` raises."""
        request: GetObjectRequestTypeDef = {"Bucket": self._bucket, "Key": key}
        try:
            for chunk in read_object(self._s3, request, offset or 0, size):
                write(chunk)
        except READ_ERRORS as error:
            if isinstance(error, ClientError) and error_code(error) in NOT_READABLE:
                return False
            raise error_of("S3 GetObject", error) from error
        return True

    def _put(self, upload: ImageUpload, arguments: "PutObjectRequestTypeDef") -> str | None:
        """Raises an error of boto3."""
        if self._signed_put is not None:
            answer = self._signed_put.put(upload.file, upload.size, upload.sha256, arguments)
            if answer is not None:
                return answer.etag if answer.status == OK else None
        upload.file.seek(0)
        request: PutObjectRequestTypeDef = {**arguments, "Body": upload.file, "ContentLength": upload.size}
        return self._s3.put_object(**request)["ETag"]

    def _arguments(self, upload: ImageUpload) -> "PutObjectRequestTypeDef":
        arguments: PutObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": upload.key,
            "ContentType": upload.content_type,
            "ChecksumSHA256": base64.b64encode(bytes.fromhex(upload.sha256)).decode(),
            "StorageClass": cast("StorageClassType", upload.storage_class),
            "Metadata": _metadata(upload),
        }
        if upload.content_type in _WITH_SCRIPTS:
            arguments["ContentDisposition"] = "attachment"
        return arguments


def put_on_condition(put: "Callable[[], str | None]", condition_failed: "Collection[str]") -> str | None:
    """The result of a conditional PUT, which is sent again after a conflict; None if its condition does not hold.

    `put` raises an error of boto3. Raises RowError(STORAGE), StorageFault.
    """
    for attempt in range(MAX_ATTEMPTS):
        try:
            return put()
        except AWS_ERRORS as error:
            code = error_code(error)
            if code in condition_failed:
                return None
            if code not in CONFLICT or attempt == MAX_ATTEMPTS - 1:
                raise error_of("S3 PutObject", error) from error
        time.sleep(random.uniform(0, PAUSE_SECONDS * 2**attempt))
    raise AssertionError("unreachable")


def _metadata(upload: ImageUpload) -> "dict[str, str]":
    """At most 300 bytes; S3 allows 2 KB."""
    metadata = {URL: upload.url_sha256, SHA256: upload.sha256, RUN: upload.run_id, ROW: str(upload.row)}
    if upload.width and upload.height:
        metadata |= {WIDTH: str(upload.width), HEIGHT: str(upload.height)}
    if upload.truncated:
        metadata[TRUNCATED] = "true"
    if upload.is_copy:
        metadata[COPY] = "true"
    return metadata


def _image_object(head: "HeadObjectOutputTypeDef") -> ImageObject:
    metadata: Mapping[str, str] = head.get("Metadata", {})
    row = _number(metadata, ROW)
    is_complete = bool(row and metadata.get(RUN) and metadata.get(SHA256))
    return ImageObject(
        etag=head["ETag"],
        size=head["ContentLength"],
        content_type=head.get("ContentType", ""),
        stored_at=head["LastModified"],
        url_sha256=metadata.get(URL, ""),
        sha256=metadata[SHA256] if is_complete else "",
        run_id=metadata[RUN] if is_complete else "",
        row=row if is_complete and row else 0,
        width=_number(metadata, WIDTH),
        height=_number(metadata, HEIGHT),
        truncated=metadata.get(TRUNCATED) == "true",
        is_copy=metadata.get(COPY) == "true",
    )


def _number(metadata: "Mapping[str, str]", name: str) -> int | None:
    text = metadata.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() else None


def error_of(operation: str, error: Exception) -> RowError | StorageFault:
    if is_transient(error):
        return RowError(Reason.STORAGE, f"{operation} failed ({error_code(error)}).")
    return StorageFault(failure_message(operation, error))
