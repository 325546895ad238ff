"""The manifest's object in the input bucket."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from functions.adapters.errors import AWS_ERRORS, code_of
from functions.core.model.errors import ManifestGoneError, StorageFault

CHUNK_BYTES = 256 * 1024
_GONE = {"NoSuchKey", "404", "NotFound", "PreconditionFailed", "412"}


class S3Manifests:
    """Reads by ETag: a manifest that was replaced since it was announced is another one."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def read(self, bucket: str, key: str, etag: str, start: int = 0) -> Iterator[bytes]:
        """The object's bytes from `start`, in pieces. Raises ManifestGoneError, StorageFault."""
        condition = {"IfMatch": f'"{etag}"'} if etag else {}
        if start:
            condition["Range"] = f"bytes={start}-"
        body = self._call("get_object", Bucket=bucket, Key=key, **condition)["Body"]
        try:
            yield from body.iter_chunks(CHUNK_BYTES)
        except AWS_ERRORS as error:
            raise StorageFault(f"S3 broke off while giving the manifest ({code_of(error)}): {error}") from error

    def metadata(self, bucket: str, key: str) -> Mapping[str, str]:
        """The user's metadata on the object. Raises ManifestGoneError, StorageFault."""
        found = self._call("head_object", Bucket=bucket, Key=key)["Metadata"]
        return {str(name): str(value) for name, value in found.items()}

    def _call(self, operation: str, **request: Any) -> Any:
        try:
            return getattr(self._s3, operation)(**request)
        except ClientError as error:
            if code_of(error) in _GONE:
                raise ManifestGoneError(request["Key"]) from error
            raise StorageFault(f"S3 refuses the manifest ({code_of(error)}): {error}") from error
        except AWS_ERRORS as error:
            raise StorageFault(f"S3 does not give the manifest ({code_of(error)}): {error}") from error
