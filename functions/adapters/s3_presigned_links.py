"""Links that need no signature of their own: whoever has one may do this one thing, for a while."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from functions.core.model.ports import LINK_SECONDS


@cache
def signer() -> Any:
    """An S3 client that signs by version 4 in every region; it sends nothing."""
    return boto3.client("s3", config=Config(signature_version="s3v4"))


class S3PresignedLinks:
    """Into one bucket. They end with the credentials that signed them, if that is earlier."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def for_download(self, key: str) -> str:
        """A GET of the object."""
        return self._signed("get_object", Key=key)

    def for_upload(self, key: str, metadata: Mapping[str, str]) -> str:
        """A PUT of the object; the metadata is signed, and must be sent as its `x-amz-meta-` headers."""
        return self._signed("put_object", Key=key, Metadata=dict(metadata))

    def _signed(self, operation: str, **parameters: Any) -> str:
        found = self._s3.generate_presigned_url(
            operation, Params={"Bucket": self._bucket, **parameters}, ExpiresIn=LINK_SECONDS
        )
        return str(found)
