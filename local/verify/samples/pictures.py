"""Small images, generated without a library. All can be decoded; two of different width have different bytes."""

import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

HEIGHT = 8
"""Of every image, in pixels."""


@dataclass(frozen=True)
class ImageType:
    extension: str
    content_type: str
    make: Callable[[int], bytes]
    """From the width in pixels."""


def png(width: int) -> bytes:
    """Greyscale, eight bits."""
    header = struct.pack(">IIBBBBB", width, HEIGHT, 8, 0, 0, 0, 0)
    lines = (b"\x00" + b"\x80" * width) * HEIGHT
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(lines)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def jpeg(width: int) -> bytes:
    """Baseline, greyscale, without differences between its blocks: two bits for each."""
    one_code = b"\x01" + bytes(15) + b"\x00"  # a Huffman table with one code of one bit
    blocks = -(-width // 8) * -(-HEIGHT // 8)
    bits = blocks * 2
    scan = bytes(bits // 8) + (bytes([0xFF >> (bits % 8)]) if bits % 8 else b"")
    segments = (
        _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
        _segment(0xDB, b"\x00" + b"\x01" * 64),
        _segment(0xC0, struct.pack(">BHHB", 8, HEIGHT, width, 1) + b"\x01\x11\x00"),
        _segment(0xC4, b"\x00" + one_code),
        _segment(0xC4, b"\x10" + one_code),
        _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
    )
    return b"\xff\xd8" + b"".join(segments) + scan + b"\xff\xd9"


def _segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def gif(width: int) -> bytes:
    """Two colours. A clear code before each pixel keeps the codes three bits wide."""
    codes = [code for _ in range(width * HEIGHT) for code in (4, 0)] + [5]
    packed = _packed((code, 3) for code in codes)
    blocks = b"".join(
        bytes([len(part)]) + part for part in (packed[start : start + 255] for start in range(0, len(packed), 255))
    )
    screen = b"GIF89a" + struct.pack("<HHBBB", width, HEIGHT, 0x80, 0, 0) + b"\x40\x40\x40\xc0\xc0\xc0"
    return screen + b"," + struct.pack("<HHHHB", 0, 0, width, HEIGHT, 0) + b"\x02" + blocks + b"\x00;"


def webp(width: int) -> bytes:
    """Lossless, one colour: five Huffman codes of one symbol each, no bits per pixel."""
    fields = [(0x2F, 8), (width - 1, 14), (HEIGHT - 1, 14), (0, 1), (0, 3), (0, 1), (0, 1), (0, 1)]
    for symbol in (0x80, 0x80, 0x80, 0xFF):  # green, red, blue, alpha: a simple code of one symbol of eight bits
        fields += [(1, 1), (0, 1), (1, 1), (symbol, 8)]
    fields += [(1, 1), (0, 1), (0, 1), (0, 1)]  # distances: one symbol of one bit
    picture = _packed(fields)
    chunk = b"VP8L" + struct.pack("<I", len(picture)) + picture + bytes(len(picture) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _packed(fields: Iterable[tuple[int, int]]) -> bytes:
    """Values with their numbers of bits, the lowest bit first."""
    bits = count = 0
    for value, size in fields:
        bits |= value << count
        count += size
    return bits.to_bytes(-(-count // 8), "little")


IMAGE_TYPES = (
    ImageType("png", "image/png", png),
    ImageType("jpg", "image/jpeg", jpeg),
    ImageType("gif", "image/gif", gif),
    ImageType("webp", "image/webp", webp),
)
