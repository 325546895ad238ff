"""Presigned URLs: each allows one kind of request for one object, for LINK_SECONDS."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Literal

import boto3
from botocore.config import Config

from functions.core.model.ports import LINK_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@cache
def signer() -> "S3Client":
    """An S3 client that signs with Signature Version 4 in every Region. It is used for signing only.

    Its links are virtual-hosted at the endpoint of the Region: botocore's default for links is the global endpoint,
    which redirects requests to new buckets for up to a day, and rejects those to Regions that opened after March 2019.
    The bucket is in the path if its name has dots, or if the endpoint is an IP address.
    """
    config = Config(
        signature_version="s3v4", s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    )
    return boto3.client("s3", config=config)


class S3PresignedLinks:
    """Presigned URLs of one bucket. They expire with the credentials that signed them if that is earlier."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def for_download(self, key: str) -> str:
        """A URL to GET the object."""
        return self._presigned("get_object", Key=key)

    def for_upload(self, key: str, metadata: Mapping[str, str]) -> str:
        """A URL to PUT the object. The metadata is signed, and must be sent as `x-amz-meta-` headers."""
        return self._presigned("put_object", Key=key, Metadata=dict(metadata))

    def _presigned(self, operation: Literal["get_object", "put_object"], **parameters: object) -> str:
        return self._s3.generate_presigned_url(
            operation, Params={"Bucket": self._bucket, **parameters}, ExpiresIn=LINK_SECONDS
        )
