"""Shards in the images bucket."""

import base64
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from functions.adapters.errors import AWS_ERRORS, error_code, failure_message
from functions.adapters.s3.image_bucket import CONDITION_FAILED, NOT_READABLE, RUN, error_of, put_on_condition
from functions.adapters.s3.reading import READ_ERRORS
from functions.adapters.s3.signed_put import OK, UNSIGNED_PAYLOAD, S3SignedPut
from functions.core.model.errors import StorageFault
from functions.core.model.ports import ShardUpload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import StorageClassType
    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef

SHARD = "shard"
"""Name of the metadata with the ID of a shard, which tells an upload whose answer was lost from another one."""


class S3Shards:
    """Each shard is one PutObject with a CRC32 checksum, which S3 verifies, on condition that its key is free.

    The SHA-256 of the tar, which a signature of the body needs, would cost 7 % of the CPU time of its images.
    """

    def __init__(self, s3: "S3Client", bucket: str, signed_put: S3SignedPut) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._signed_put = signed_put

    def put_shard(self, upload: ShardUpload) -> bool:
        """False if the key has another object. Raises RowError(STORAGE), StorageFault."""
        arguments: PutObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": upload.key,
            "ContentType": "application/x-tar",
            "ChecksumCRC32": base64.b64encode(upload.crc32.to_bytes(4, "big")).decode(),
            "StorageClass": cast("StorageClassType", upload.storage_class),
            "Metadata": {RUN: upload.run_id, SHARD: upload.shard_id},
            "IfNoneMatch": "*",
        }
        if put_on_condition(lambda: self._put(upload, arguments), CONDITION_FAILED) is not None:
            return True
        return self._shard_id(upload.key) == upload.shard_id

    def read_shard(self, key: str, offset: int, size: int) -> bytes | None:
        """None if there is no shard, or if it ends before `offset`. Raises StorageFault."""
        try:
            response = self._s3.get_object(Bucket=self._bucket, Key=key, Range=f"bytes={offset}-{offset + size - 1}")
            with response["Body"] as body:
                return body.read() if SHARD in response["Metadata"] else None
        except READ_ERRORS as error:
            if isinstance(error, ClientError) and error_code(error) in NOT_READABLE:
                return None
            raise StorageFault(failure_message("S3 GetObject", error, key)) from error

    def _put(self, upload: ShardUpload, arguments: "PutObjectRequestTypeDef") -> str | None:
        """Raises an error of boto3."""
        answer = self._signed_put.put(upload.file, upload.size, UNSIGNED_PAYLOAD, arguments)
        if answer is not None:
            return answer.etag if answer.status == OK else None
        upload.file.seek(0)
        request: PutObjectRequestTypeDef = {**arguments, "Body": upload.file, "ContentLength": upload.size}
        return self._s3.put_object(**request)["ETag"]

    def _shard_id(self, key: str) -> str | None:
        """None if S3 does not say what the key has. Raises RowError(STORAGE), StorageFault."""
        try:
            return self._s3.head_object(Bucket=self._bucket, Key=key)["Metadata"].get(SHARD)
        except AWS_ERRORS as error:
            if isinstance(error, ClientError) and error_code(error) in NOT_READABLE:
                return None
            raise error_of("S3 HeadObject", error) from error
