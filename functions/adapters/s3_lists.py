"""Lists of images in the input bucket: those that were posted, and those that were there before."""

from typing import Any

from botocore.exceptions import ClientError

from functions.adapters.errors import AWS_ERRORS, code_of
from functions.core.model.errors import StorageFault
from functions.core.model.runs import ManifestObject

# Whoever may not list the bucket is told 403 of an object that is not there.
_NOT_THERE = {"404", "NoSuchKey", "NotFound", "403", "AccessDenied"}


class S3SubmittedManifests:
    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def put(self, key: str, content: bytes) -> ManifestObject:
        """The same content again is the same object. Raises StorageFault."""
        try:
            answer = self._s3.put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType="application/json; charset=utf-8"
            )
        except AWS_ERRORS as error:
            raise _fault(error) from error
        return ManifestObject(self.bucket, key, answer["ETag"].strip('"'), len(content))

    def find(self, key: str) -> ManifestObject | None:
        """Raises StorageFault."""
        try:
            head = self._s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if code_of(error) in _NOT_THERE:
                return None
            raise _fault(error) from error
        except AWS_ERRORS as error:
            raise _fault(error) from error
        return ManifestObject(self.bucket, key, head["ETag"].strip('"'), head["ContentLength"])


def _fault(error: Exception) -> StorageFault:
    return StorageFault(f"S3 refuses the list ({code_of(error)}): {error}")
