"""The checksums that S3 verifies, each computed as the bytes arrive.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
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


def _md5() -> Checksum:
    return hashlib.md5(usedforsecurity=False)


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


class Digests:
    """MD5 and SHA-256 of all bytes, and the checksums of the named algorithms. `size` is the number of bytes so far."""

    def __init__(self, algorithms: Iterable[str] = ()) -> None:
        self.md5 = _md5()
        self.sha256: Checksum = hashlib.sha256()
        self.size = 0
        self._others = {name: ALGORITHMS[name]() for name in algorithms if name != "sha256"}

    def update(self, block: bytes) -> None:
        self.size += len(block)
        self.md5.update(block)
        self.sha256.update(block)
        for checksum in self._others.values():
            checksum.update(block)

    def checksum(self, algorithm: str) -> str:
        """In base64, as in a header."""
        return encoded((self.sha256 if algorithm == "sha256" else self._others[algorithm]).digest())


def encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def composite(algorithm: str, parts: Sequence[str]) -> str:
    """The checksum of an object from those of its parts: over their digests, with their number."""
    checksum = ALGORITHMS[algorithm]()
    for part in parts:
        checksum.update(base64.b64decode(part))
    return f"{encoded(checksum.digest())}-{len(parts)}"


def multipart_etag(parts: Sequence[str]) -> str:
    """From the MD5 of each part, in hex."""
    md5 = _md5()
    for part in parts:
        md5.update(bytes.fromhex(part))
    return f"{md5.digest().hex()}-{len(parts)}"


def is_valid(algorithm: str, text: str) -> bool:
    """Whether the text is base64 of a digest of that algorithm's size."""
    try:
        return len(base64.b64decode(text, validate=True)) == _SIZES[algorithm]
    except (binascii.Error, ValueError):
        return False
