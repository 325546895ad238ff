"""Manifests in the input bucket."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from functions.adapters.errors import AWS_ERRORS, error_code, failure_message
from functions.adapters.s3_reading import READ_ERRORS, read_object
from functions.core.model.errors import ManifestGoneError, StorageFault
from functions.core.model.runs import ManifestObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef

_GONE_CODES = {"NoSuchKey", "404", "NotFound", "PreconditionFailed", "412"}

# S3 answers 403 for a missing object if the caller has no permission to list the bucket.
_NOT_FOUND_CODES = {"404", "NoSuchKey", "NotFound", "403", "AccessDenied"}


class S3Manifests:
    """Reads manifests by their ETag, so that a manifest that was replaced in the meantime is detected."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3

    def read(self, bucket: str, key: str, etag: str, start: int = 0) -> Iterator[bytes]:
        """The object's bytes from `start`, in chunks. Raises ManifestGoneError, StorageFault."""
        request: GetObjectRequestTypeDef = {"Bucket": bucket, "Key": key}
        if etag:
            request["IfMatch"] = f'"{etag}"'
        try:
            yield from read_object(self._s3, request, start)
        except READ_ERRORS as error:
            raise _fault("S3 GetObject", error, key) from error

    def metadata(self, bucket: str, key: str) -> Mapping[str, str]:
        """The user's metadata of the object. Raises ManifestGoneError, StorageFault."""
        try:
            return self._s3.head_object(Bucket=bucket, Key=key)["Metadata"]
        except AWS_ERRORS as error:
            raise _fault("S3 HeadObject", error, key) from error


def _fault(operation: str, error: Exception, key: str) -> ManifestGoneError | StorageFault:
    if error_code(error) in _GONE_CODES:
        return ManifestGoneError(key)
    return StorageFault(failure_message(operation, error, key))


class S3SubmittedManifests:
    """Manifests that the API stores or looks up, in one bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def put(self, key: str, content: bytes) -> ManifestObject:
        """Stores a JSON manifest. The same content again is the same object. Raises StorageFault."""
        try:
            response = self._s3.put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType="application/json; charset=utf-8"
            )
        except AWS_ERRORS as error:
            raise StorageFault(failure_message("S3 PutObject", error, key)) from error
        return ManifestObject(self.bucket, key, response["ETag"].strip('"'), len(content))

    def find(self, key: str) -> ManifestObject | None:
        """None if there is no such object. Raises StorageFault."""
        try:
            head = self._s3.head_object(Bucket=self.bucket, Key=key)
        except AWS_ERRORS as error:
            if error_code(error) in _NOT_FOUND_CODES:
                return None
            raise StorageFault(failure_message("S3 HeadObject", error, key)) from error
        return ManifestObject(self.bucket, key, head["ETag"].strip('"'), head["ContentLength"])
