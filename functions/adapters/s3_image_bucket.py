"""The images bucket."""

import base64
from typing import Any

from botocore.exceptions import ClientError

from functions.adapters.errors import AWS_ERRORS, code_of, passes
from functions.adapters.s3_signed_put import S3SignedPut
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.ports import ImageUpload
from functions.core.model.reasons import Reason

OWNER = "url-sha256"
"""Object metadata: whose image it is, so that a repeated batch knows its own object again."""


class S3ImageBucket:
    """One PUT an image, its SHA-256 checked by S3. A single PUT takes up to 5 GB and costs what any other does,
    where a multipart upload costs three at least."""

    def __init__(self, s3: Any, bucket: str, quick: S3SignedPut | None = None) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._quick = quick

    def put(self, upload: ImageUpload) -> None:
        """Raises RowError(STORAGE | KEY_CONFLICT), StorageFault."""
        try:
            self._put(upload, {"IfNoneMatch": "*"} if upload.create_only else {})
        except ClientError as error:
            if code_of(error) not in ("PreconditionFailed", "412") or not upload.create_only:
                raise _fault(error) from error
            self._put_over_own(upload)
        except AWS_ERRORS as error:
            raise _fault(error) from error

    def _put_over_own(self, upload: ImageUpload) -> None:
        """The key is taken: by this URL in an earlier try, or by another one, which keeps it."""
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=upload.key)
            if head["Metadata"].get(OWNER) == upload.url_sha256:
                return self._put(upload, {"IfMatch": head["ETag"]})
        except AWS_ERRORS as error:
            raise _fault(error) from error
        raise RowError(Reason.KEY_CONFLICT, f"The key {upload.key} already holds the image of another URL.")

    def _put(self, upload: ImageUpload, condition: dict[str, str]) -> None:
        arguments = {
            "Key": upload.key,
            "ContentType": upload.content_type,
            "ChecksumSHA256": base64.b64encode(bytes.fromhex(upload.sha256)).decode(),
            "StorageClass": upload.storage_class,
            "Metadata": {OWNER: upload.url_sha256},
            **condition,
        }
        if upload.content_type == "image/svg+xml":
            arguments["ContentDisposition"] = "attachment"  # it can carry scripts
        if self._quick is not None and self._quick.put(upload.file, upload.size, upload.sha256, arguments):
            return
        upload.file.seek(0)
        self._s3.put_object(Bucket=self._bucket, Body=upload.file, ContentLength=upload.size, **arguments)


def _fault(error: Exception) -> RowError | StorageFault:
    if passes(error):
        return RowError(Reason.STORAGE, f"S3 did not take the image ({code_of(error)}).")
    return StorageFault(f"S3 refuses images: {error}")
