"""Manifests in the input bucket."""

import gzip
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from functions.adapters.errors import AWS_ERRORS, NOT_FOUND_CODES, error_code, failure_message
from functions.adapters.s3.reading import READ_ERRORS, read_object
from functions.core.model.errors import ManifestGoneError, StorageFault
from functions.core.model.runs import NULL_VERSION, ManifestObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef, HeadObjectOutputTypeDef, HeadObjectRequestTypeDef

_GONE_CODES = {"NoSuchKey", "NoSuchVersion", "404", "NotFound", "PreconditionFailed", "412", "MethodNotAllowed", "405"}
"""S3 answers 405 for a version that is a delete marker."""


class S3Manifests:
    """Reads the versions of manifests.

    The ETag is checked too: the null version is overwritten while the bucket has no versioning.
    """

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3

    def read(self, bucket: str, key: str, etag: str, start: int = 0, version_id: str = "") -> Iterator[bytes]:
        """The object's bytes from `start`, in chunks. Raises ManifestGoneError, StorageFault."""
        request: GetObjectRequestTypeDef = {"Bucket": bucket, "Key": key}
        if version_id:
            request["VersionId"] = version_id
        if etag:
            request["IfMatch"] = f'"{etag}"'
        try:
            yield from read_object(self._s3, request, start)
        except READ_ERRORS as error:
            raise _fault("S3 GetObject", error, key) from error

    def describe(self, manifest: ManifestObject) -> tuple[ManifestObject, Mapping[str, str]]:
        """The object as S3 has it, and its user metadata. Raises ManifestGoneError, StorageFault."""
        request: HeadObjectRequestTypeDef = {"Bucket": manifest.bucket, "Key": manifest.key}
        if manifest.version_id:
            request["VersionId"] = manifest.version_id
        if manifest.etag:
            request["IfMatch"] = f'"{manifest.etag}"'
        try:
            head = self._s3.head_object(**request)
        except AWS_ERRORS as error:
            raise _fault("S3 HeadObject", error, manifest.key) from error
        found = _object(manifest.bucket, manifest.key, head)
        return replace(found, sequencer=manifest.sequencer), head["Metadata"]


def _object(bucket: str, key: str, head: "HeadObjectOutputTypeDef") -> ManifestObject:
    """S3 returns no version ID if the bucket has no versioning."""
    version_id = head.get("VersionId", NULL_VERSION)
    return ManifestObject(bucket, key, head["ETag"].strip('"'), head["ContentLength"], version_id=version_id)


def _fault(operation: str, error: Exception, key: str) -> ManifestGoneError | StorageFault:
    if error_code(error) in _GONE_CODES:
        return ManifestGoneError(key)
    return StorageFault(failure_message(operation, error, key))


MAX_IN_MEMORY_BYTES = 4 * 1024 * 1024
"""Size in bytes above which a copy is buffered on disk before it is uploaded."""


class S3ManifestCopies:
    """Copies of rows, gzipped: the names of the columns are in each of them."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3

    def write(self, bucket: str, run_id: str, lines: Iterable[str]) -> ManifestObject:
        """Writes `runs/ID/rows.jsonl.gz`. An unpaired surrogate is written as a JSON escape sequence.

        Raises StorageFault.
        """
        key = f"runs/{run_id}/rows.jsonl.gz"
        with tempfile.SpooledTemporaryFile(max_size=MAX_IN_MEMORY_BYTES) as file:
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, mtime=0) as compressed:
                for line in lines:
                    compressed.write(line.encode("utf-8", "backslashreplace"))
            size = file.tell()
            file.seek(0)
            try:
                response = self._s3.put_object(Bucket=bucket, Key=key, Body=file, ContentType="application/gzip")
            except AWS_ERRORS as error:
                raise StorageFault(failure_message("S3 PutObject", error, key)) from error
        version_id = response.get("VersionId", NULL_VERSION)
        return ManifestObject(bucket, key, response["ETag"].strip('"'), size, version_id=version_id)


class S3SubmittedManifests:
    """Manifests that the API stores or looks up, in one bucket."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def put(self, key: str, content: bytes) -> ManifestObject:
        """Stores a JSON manifest. Raises StorageFault."""
        try:
            response = self._s3.put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType="application/json; charset=utf-8"
            )
        except AWS_ERRORS as error:
            raise StorageFault(failure_message("S3 PutObject", error, key)) from error
        version_id = response.get("VersionId", NULL_VERSION)
        return ManifestObject(self.bucket, key, response["ETag"].strip('"'), len(content), version_id=version_id)

    def find(self, key: str, version_id: str = "") -> ManifestObject | None:
        """None if there is no such object, or no such version of it. Raises StorageFault."""
        request: HeadObjectRequestTypeDef = {"Bucket": self.bucket, "Key": key}
        if version_id:
            request["VersionId"] = version_id
        try:
            head = self._s3.head_object(**request)
        except AWS_ERRORS as error:
            if error_code(error) in NOT_FOUND_CODES:
                return None
            raise StorageFault(failure_message("S3 HeadObject", error, key)) from error
        return _object(self.bucket, key, head)
