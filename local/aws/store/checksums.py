"""The checksums that S3 verifies, each computed as the bytes arrive.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Protocol

import anycrc


class Checksum(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, size: int, step: Callable[[bytes, int], int]) -> None:
        self._size, self._step, self._value = size, step, 0

    def update(self, data: bytes, /) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


@cache
def _model(name: str) -> Callable[[bytes, int], int]:
    calc: Callable[[bytes, int], int] = anycrc.Model(name).calc
    return calc


ALGORITHMS: Mapping[str, Callable[[], Checksum]] = {
    "crc32": lambda: _Crc(4, zlib.crc32),
    "crc32c": lambda: _Crc(4, _model("CRC32-ISCSI")),
    "crc64nvme": lambda: _Crc(8, _model("CRC64-NVME")),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}
"""By the suffix of their header, `x-amz-checksum-...`."""

PREFIX = "x-amz-checksum-"
_SIZES = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}


def encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def is_valid(algorithm: str, text: str) -> bool:
    """Whether the text is base64 of a digest of that algorithm's size."""
    try:
        return len(base64.b64decode(text, validate=True)) == _SIZES[algorithm]
    except (binascii.Error, ValueError):
        return False
