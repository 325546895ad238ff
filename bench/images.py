"""Images to measure with: JPEGs by structure, noise by content, the same for the same seed."""

import random
from collections.abc import Sequence

_HEAD = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000"  # SOI, JFIF
    "ffc0000b080140010001011100"  # frame: 256 x 320, one component
    "ffda0008010100003f00"  # scan
)
_END = b"\xff\xd9"


def jpeg(size: int, seed: int) -> bytes:
    """`size` bytes that have a JPEG's header, scan and end."""
    noise = random.Random(seed).randbytes(size - len(_HEAD) - len(_END)).replace(b"\xff", b"\x7f")
    return _HEAD + noise + _END


def jpegs(count: int, low: int, high: int, seed: int = 1) -> Sequence[bytes]:
    """`count` of them, of `low` to `high` bytes, evenly spread."""
    sizes = random.Random(seed)
    return [jpeg(sizes.randint(low, high), seed=number) for number in range(count)]
