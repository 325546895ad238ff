"""An object that is written from text and from other objects: a multipart upload, unless it is small."""

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, cast

from functions.adapters.s3.reading import read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MIN_PART_BYTES = 5 * 1024 * 1024
"""Minimum size of a part of a multipart upload, except for the last one."""

PART_BYTES = 16 * 1024 * 1024
"""Size of the parts of text, in bytes. A smaller object is written by one PutObject."""

MAX_COPIED_BYTES = 1024 * 1024 * 1024
"""Maximum size of a part that is copied, in bytes; UploadPartCopy allows 5 GB. An upload has at most 10,000 parts."""


class NewObject(TypedDict):
    """The request of an object. `Metadata` is user metadata."""

    Bucket: str
    Key: str
    ContentType: str
    Metadata: Mapping[str, str]


class _Target(TypedDict):
    Bucket: str
    Key: str
    UploadId: str


class JoinedFile:
    """The object is complete after `finish`. A context manager: if it is left by an error, the upload is aborted.

    All methods raise the errors of boto3 and of `read_object`.
    """

    def __init__(self, s3: "S3Client", request: NewObject) -> None:
        self._s3 = s3
        self._request = request
        self._upload_id = ""
        self._parts: list[CompletedPartTypeDef] = []
        self._buffer = bytearray()

    def add_text(self, text: bytes) -> None:
        self._buffer += text
        if len(self._buffer) >= PART_BYTES:
            self._upload_buffer()

    def add_object(self, key: str) -> None:
        """Adds an object of the same bucket. S3 copies it, except for as much as a part needs at least."""
        size = self._s3.head_object(Bucket=self._request["Bucket"], Key=key)["ContentLength"]
        read = max(0, MIN_PART_BYTES - len(self._buffer)) if self._buffer else 0
        if size - read < MIN_PART_BYTES:
            self._add_beginning(key, size)
            return
        self._add_beginning(key, read)
        if self._buffer:
            self._upload_buffer()
        for start in range(read, size - MIN_PART_BYTES + 1, MAX_COPIED_BYTES):
            end = start + MAX_COPIED_BYTES
            self._copy(key, start, size if size - end < MIN_PART_BYTES else end)

    def finish(self) -> None:
        if not self._upload_id:
            self._s3.put_object(**self._request, Body=bytes(self._buffer))
            return
        if self._buffer:
            self._upload_buffer()
        self._s3.complete_multipart_upload(**self._target(), MultipartUpload={"Parts": self._parts})
        self._upload_id = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._upload_id:
            self._s3.abort_multipart_upload(**self._target())

    def _add_beginning(self, key: str, size: int) -> None:
        remaining = size
        for chunk in read_object(self._s3, {"Bucket": self._request["Bucket"], "Key": key}) if size else ():
            self.add_text(chunk[:remaining])
            remaining -= len(chunk)
            if remaining <= 0:
                return

    def _upload_buffer(self) -> None:
        number = self._next_part()
        answer = self._s3.upload_part(**self._target(), PartNumber=number, Body=bytes(self._buffer))
        self._add_part(number, answer)
        self._buffer.clear()

    def _copy(self, key: str, start: int, end: int) -> None:
        number = self._next_part()
        answer = self._s3.upload_part_copy(
            **self._target(),
            PartNumber=number,
            CopySource={"Bucket": self._request["Bucket"], "Key": key},
            CopySourceRange=f"bytes={start}-{end - 1}",
        )
        self._add_part(number, answer["CopyPartResult"])

    def _add_part(self, number: int, answer: Mapping[str, Any]) -> None:
        """boto3 asks for a checksum of each part, which the end of the upload must repeat."""
        proof = {name: value for name, value in answer.items() if name == "ETag" or name.startswith("Checksum")}
        self._parts.append(cast("CompletedPartTypeDef", {"PartNumber": number, **proof}))

    def _next_part(self) -> int:
        if not self._upload_id:
            self._upload_id = self._s3.create_multipart_upload(**self._request)["UploadId"]
        return len(self._parts) + 1

    def _target(self) -> "_Target":
        return {"Bucket": self._request["Bucket"], "Key": self._request["Key"], "UploadId": self._upload_id}
