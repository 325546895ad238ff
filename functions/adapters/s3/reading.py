"""Reads an object to its end, also if the body is interrupted: boto3 does not repeat the reading of a body."""

import random
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from urllib3.exceptions import HTTPError

from functions.adapters.errors import AWS_ERRORS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef

CHUNK_BYTES = 256 * 1024

MAX_INTERRUPTIONS = 5
"""Number of consecutive interruptions without a byte between them after which reading fails."""

MAX_WAIT_SECONDS = 1.0
"""Maximum wait before reading goes on, in seconds."""

BODY_ERRORS = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError, HTTPError, OSError)
"""What reading a body raises if the connection ends or stalls. urllib3's own errors are those of TLS, which botocore
does not translate."""

READ_ERRORS = (*AWS_ERRORS, *BODY_ERRORS)
"""What `read_object` raises."""


def read_object(
    s3: "S3Client", request: "GetObjectRequestTypeDef", start: int = 0, size: int | None = None
) -> Iterator[bytes]:
    """The bytes of an object from offset `start`, in chunks of at most CHUNK_BYTES: `size` bytes, or all.

    After an interruption the rest is requested by range, on the condition that the object has the same ETag. Raises the
    error of the request, or the last of MAX_INTERRUPTIONS errors of the body.
    """
    offset, end, interruptions = start, None, 0
    last = "" if size is None else start + size - 1
    request = {**request}
    while end is None or offset < end:
        if offset or size is not None:
            request["Range"] = f"bytes={offset}-{last}"
        response = s3.get_object(**request)
        request.setdefault("IfMatch", response["ETag"])
        end = offset + response["ContentLength"]
        try:
            for chunk in response["Body"].iter_chunks(CHUNK_BYTES):
                offset += len(chunk)
                interruptions = 0
                yield chunk
            return
        except BODY_ERRORS:
            interruptions += 1
            if interruptions >= MAX_INTERRUPTIONS:
                raise
        finally:
            response["Body"].close()
        time.sleep(random.uniform(0, MAX_WAIT_SECONDS))
