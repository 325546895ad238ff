"""The images bucket."""

import base64
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from functions.adapters.errors import AWS_ERRORS, error_code, failure_message, is_transient
from functions.adapters.s3_signed_put import S3SignedPut
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.ports import ImageUpload
from functions.core.model.reasons import Reason

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import StorageClassType
    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef

OWNER = "url-sha256"
"""Name of the metadata with the SHA-256 of the image's URL: a repeated batch recognizes its own objects by it."""


class S3ImageBucket:
    """Stores each image by one PutObject with a SHA-256 checksum, which S3 verifies.

    A PutObject takes up to 5 GB. A multipart upload costs three requests at least.
    """

    def __init__(self, s3: "S3Client", bucket: str, signed_put: S3SignedPut | None = None) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._signed_put = signed_put

    def put(self, upload: ImageUpload) -> None:
        """Raises RowError(STORAGE | KEY_CONFLICT), StorageFault."""
        arguments = self._arguments(upload)
        if upload.create_only:
            arguments["IfNoneMatch"] = "*"
        try:
            self._put(upload, arguments)
        except ClientError as error:
            if error_code(error) not in ("PreconditionFailed", "412") or not upload.create_only:
                raise _error_of("S3 PutObject", error) from error
            self._replace_own(upload)
        except AWS_ERRORS as error:
            raise _error_of("S3 PutObject", error) from error

    def _replace_own(self, upload: ImageUpload) -> None:
        """The key exists: from an earlier attempt at this URL, or for another URL, whose object is kept."""
        operation = "S3 HeadObject"
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=upload.key)
            if head["Metadata"].get(OWNER) == upload.url_sha256:
                operation = "S3 PutObject"
                return self._put(upload, {**self._arguments(upload), "IfMatch": head["ETag"]})
        except AWS_ERRORS as error:
            raise _error_of(operation, error) from error
        raise RowError(Reason.KEY_CONFLICT, f"The key {upload.key} already holds the image of another URL.")

    def _put(self, upload: ImageUpload, arguments: "PutObjectRequestTypeDef") -> None:
        if self._signed_put is not None and self._signed_put.put(upload.file, upload.size, upload.sha256, arguments):
            return
        upload.file.seek(0)
        request: PutObjectRequestTypeDef = {**arguments, "Body": upload.file, "ContentLength": upload.size}
        self._s3.put_object(**request)

    def _arguments(self, upload: ImageUpload) -> "PutObjectRequestTypeDef":
        arguments: PutObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": upload.key,
            "ContentType": upload.content_type,
            "ChecksumSHA256": base64.b64encode(bytes.fromhex(upload.sha256)).decode(),
            "StorageClass": cast("StorageClassType", upload.storage_class),
            "Metadata": {OWNER: upload.url_sha256},
        }
        if upload.content_type == "image/svg+xml":
            arguments["ContentDisposition"] = "attachment"  # an SVG can contain scripts
        return arguments


def _error_of(operation: str, error: Exception) -> RowError | StorageFault:
    if is_transient(error):
        return RowError(Reason.STORAGE, f"{operation} failed ({error_code(error)}).")
    return StorageFault(failure_message(operation, error))
