"""Tiny images of every type, made by hand: right headers, right sizes, right ends, a few hundred bytes each.

All but AVIF, HEIC, JPEG XL and JPEG 2000, whose pictures are left out, can be decoded. `note` makes
two files of one size differ.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

Maker = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Sample:
    """What a server might send. `ends` is whether the format has an end mark, so that a cut file can be told.

    `sized` is whether the file's header gives width and height.
    """

    name: str
    content_type: str
    extension: str
    make: Maker
    ends: bool = False
    sized: bool = True

    @property
    def data(self) -> bytes:
        return self.make(6, 4)


def jpeg(width: int = 6, height: int = 4, *, note: bytes = b"", thumbnail: bytes = b"") -> bytes:
    """A baseline greyscale JPEG. `thumbnail` is put into an Exif segment, as cameras do, with its own end marker."""
    dc = _jpeg_segment(0xC4, b"\x00" + b"\x01" + bytes(15) + b"\x00")  # one code, one bit: no difference
    ac = _jpeg_segment(0xC4, b"\x10" + b"\x01" + bytes(15) + b"\x00")  # one code, one bit: end of block
    blocks = -(-width // 8) * -(-height // 8)
    scan = bytes(blocks * 2 // 8) + (bytes([0xFF >> (blocks * 2 % 8)]) if blocks * 2 % 8 else b"")
    return b"".join(
        (
            b"\xff\xd8",
            _jpeg_segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
            _jpeg_segment(0xE1, b"Exif\x00\x00" + thumbnail) if thumbnail else b"",
            _jpeg_segment(0xFE, note) if note else b"",
            _jpeg_segment(0xDB, b"\x00" + b"\x01" * 64),
            _jpeg_segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"),
            dc,
            ac,
            _jpeg_segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
            scan,
            b"\xff\xd9",
        )
    )


def _jpeg_segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def png(width: int = 6, height: int = 4, *, note: bytes = b"") -> bytes:
    """Greyscale, eight bits."""
    lines = (b"\x00" + b"\x80" * width) * height
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            _png_chunk(b"tEXt", b"Comment\x00" + note) if note else b"",
            _png_chunk(b"IDAT", zlib.compress(lines)),
            _png_chunk(b"IEND", b""),
        )
    )


def _png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def gif(width: int = 6, height: int = 4) -> bytes:
    """Two colours. A clear code before each pixel keeps codes three bits wide."""
    bits = 0
    count = 0
    for code in [part for _ in range(width * height) for part in (4, 0)] + [5]:
        bits |= code << count
        count += 3
    packed = bits.to_bytes(-(-count // 8), "little")
    blocks = b"".join(
        bytes([len(part)]) + part for part in (packed[at : at + 255] for at in range(0, len(packed), 255))
    )
    return b"".join(
        (
            b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0),
            b"\x40\x40\x40\xc0\xc0\xc0",
            b"," + struct.pack("<HHHHB", 0, 0, width, height, 0),
            b"\x02" + blocks + b"\x00",
            b";",
        )
    )


def webp(width: int = 6, height: int = 4) -> bytes:
    """Lossless, one colour: five Huffman codes of one symbol each, no bits per pixel."""
    bits = 0
    count = 0
    fields = [(0x2F, 8), (width - 1, 14), (height - 1, 14), (0, 1), (0, 3), (0, 1), (0, 1), (0, 1)]
    for symbol in (0x80, 0x80, 0x80, 0xFF):  # green, red, blue, alpha: a simple code of one symbol of eight bits
        fields += [(1, 1), (0, 1), (1, 1), (symbol, 8)]
    fields += [(1, 1), (0, 1), (0, 1), (0, 1)]  # distances: one symbol of one bit
    for value, size in fields:
        bits |= value << count
        count += size
    picture = bits.to_bytes(-(-count // 8), "little")
    chunk = b"VP8L" + struct.pack("<I", len(picture)) + picture + bytes(len(picture) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def avif(width: int = 6, height: int = 4) -> bytes:
    """Only the boxes with the brand and the size, without image data."""
    return _iso_image(b"avif", b"av01", width, height)


def heic(width: int = 6, height: int = 4) -> bytes:
    """Only the boxes with the brand and the size, without image data."""
    return _iso_image(b"heic", b"hvc1", width, height)


def _iso_image(brand: bytes, codec: bytes, width: int, height: int) -> bytes:
    full = bytes(4)
    item = _box(b"infe", b"\x02\x00\x00\x00" + struct.pack(">HH", 1, 0) + codec + b"\x00")
    size = _box(b"ispe", full + struct.pack(">II", width, height))
    links = _box(b"ipma", full + struct.pack(">IHBB", 1, 1, 1, 1))
    meta = (
        _box(b"hdlr", full + bytes(4) + b"pict" + bytes(13)),
        _box(b"pitm", full + struct.pack(">H", 1)),
        _box(b"iinf", full + struct.pack(">H", 1) + item),
        _box(b"iprp", _box(b"ipco", size) + links),
    )
    return b"".join(
        (
            _box(b"ftyp", brand + bytes(4) + b"mif1" + brand + b"miaf"),
            _box(b"meta", full + b"".join(meta)),
            _box(b"mdat", bytes(16)),
        )
    )


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def tiff(width: int = 6, height: int = 4) -> bytes:
    """Little-endian, greyscale, one strip."""
    entries = (
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),  # bits a sample
        (259, 3, 1),  # not compressed
        (262, 3, 1),  # black is zero
        (273, 4, 8),  # where the strip begins
        (277, 3, 1),  # samples a pixel
        (278, 4, height),
        (279, 4, width * height),
    )
    picture = b"\x80" * (width * height)
    picture += bytes(len(picture) % 2)
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, v) for tag, kind, v in entries
    )
    return b"II*\x00" + struct.pack("<I", 8 + len(picture)) + picture + directory + bytes(4)


def bmp(width: int = 6, height: int = 4) -> bytes:
    """Uncompressed, three bytes per pixel: useful for large files."""
    picture = (b"\x80" * (width * 3) + bytes(-width * 3 % 4)) * height
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(picture), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(picture), 0, 0, 54) + header + picture


def ico(width: int = 6, height: int = 4) -> bytes:
    """One entry, a PNG."""
    picture = png(width, height)
    entry = struct.pack("<BBBBHHII", width % 256, height % 256, 0, 0, 1, 8, len(picture), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + picture


def jxl(width: int = 6, height: int = 4) -> bytes:
    """A container with a codestream of which only the header is there."""
    return (
        b"\x00\x00\x00\x0cJXL \r\n\x87\n"
        + _box(b"ftyp", b"jxl \x00\x00\x00\x00jxl ")
        + _box(b"jxlc", jxl_codestream(width, height) + bytes(200))
    )


def jxl_codestream(width: int = 6, height: int = 4, orientation: int = 1) -> bytes:
    """The signature, and the fields of the header, the lowest bit first: each length has 30 bits after its selector."""
    fields = [(0, 1), (3, 2), (height - 1, 30), (0, 3), (3, 2), (width - 1, 30), (0, 1), (1, 1), (orientation - 1, 3)]
    value = position = 0
    for number, bits in fields:
        value |= number << position
        position += bits
    return b"\xff\x0a" + value.to_bytes(position // 8 + 1, "little")


def j2k(width: int = 6, height: int = 4) -> bytes:
    """A codestream with one part of a tile, whose data are zeros."""
    size = struct.pack(">HIIIIIIIIH", 0, width + 3, height + 2, 3, 2, width, height, 3, 2, 1) + b"\x07\x01\x01"
    part = struct.pack(">HIBB", 0, 12 + 2 + 200, 0, 1)
    return b"\xff\x4f" + _jpeg_segment(0x51, size) + _jpeg_segment(0x90, part) + b"\xff\x93" + bytes(200) + b"\xff\xd9"


def jp2(width: int = 6, height: int = 4) -> bytes:
    header = _box(b"ihdr", struct.pack(">IIHBBBB", height, width, 1, 7, 7, 0, 0)) + _box(b"colr", bytes(7))
    return (
        b"\x00\x00\x00\x0cjP  \r\n\x87\n"
        + _box(b"ftyp", b"jp2 \x00\x00\x00\x00jp2 ")
        + _box(b"jp2h", header)
        + _box(b"jp2c", j2k(width, height))
    )


def svg(width: int = 6, height: int = 4) -> bytes:
    """With an XML declaration and a comment before the root element."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- by hand -->\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"><rect width="3"/></svg>\n'
    ).encode()


SAMPLES = (
    Sample("jpeg", "image/jpeg", "jpg", jpeg, ends=True),
    Sample("png", "image/png", "png", png, ends=True),
    Sample("gif", "image/gif", "gif", gif, ends=True),
    Sample("webp", "image/webp", "webp", webp, ends=True),
    Sample("avif", "image/avif", "avif", avif, ends=True),
    Sample("heic", "image/heic", "heic", heic, ends=True),
    Sample("tiff", "image/tiff", "tif", tiff, ends=True),
    Sample("bmp", "image/bmp", "bmp", bmp, ends=True),
    Sample("ico", "image/x-icon", "ico", ico, ends=True),
    Sample("jxl", "image/jxl", "jxl", jxl, ends=True),
    Sample("jp2", "image/jp2", "jp2", jp2, ends=True),
    Sample("j2k", "image/j2c", "j2k", j2k, ends=True),
    Sample("svg", "image/svg+xml", "svg", svg, ends=True, sized=False),
)

HTML = b"<!DOCTYPE html>\n<html><head><title>Not found</title></head><body>Gone fishing.</body></html>\n"
"""A page that servers send with status 200 and type `image/jpeg` instead of an image."""
