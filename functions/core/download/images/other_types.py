"""Types of other files than images, which a run stores only if `allowed_types` has their names, or `any`."""

import re
from collections.abc import Collection, Iterator
from io import SEEK_END
from pathlib import PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from functions.core.download.images import iso_boxes, sizes
from functions.core.download.images.reading import CutError, read_at, unpack_at
from functions.core.download.images.signatures import Matches, has_at, riff, starts_with
from functions.core.download.images.types import IMAGE_TYPES, FileType, detect_image_type

ANY = "any"
"""Name in `allowed_types` that accepts every file but HTML, which is an error page more often than a wanted file."""

HTML = "html"

_TAIL_BYTES = 66_000
"""Length of the end of a file that is searched. A ZIP archive ends with 22 bytes and a comment of up to 65,535."""

_UNKNOWN_LENGTHS = frozenset({0, 0xFFFFFFFF})
"""Lengths that programs write which do not know the length yet."""

_BOM = b"\xef\xbb\xbf"
_HTML = re.compile(rb"\s*(?>(<!--.*?-->\s*)*)<(!doctype\s+html|html|head|body|script|meta|title)\b", re.I | re.DOTALL)
_JSON = re.compile(rb"\s*(\{\s*[\"}]|\[\s*([\"{\[\]\d-]|true|false|null))")


def is_html(head: bytes) -> bool:
    return bool(_HTML.match(head.removeprefix(_BOM)))


def is_json(head: bytes) -> bool:
    return bool(_JSON.match(head.removeprefix(_BOM)))


def is_xml(head: bytes) -> bool:
    return head.removeprefix(_BOM).lstrip().startswith(b"<?xml")


def _office(folder: bytes) -> Matches:
    """Office Open XML: a ZIP archive with `[Content_Types].xml`, and a folder that only this kind of document has."""
    entry = re.compile(rb"PK\x03\x04.{26}" + re.escape(folder), re.DOTALL)
    return lambda head: (
        head.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in head and entry.search(head) is not None
    )


def _matroska(document: bytes) -> Matches:
    return lambda head: head.startswith(b"\x1aE\xdf\xa3") and document in head[:64]


def has_no_end(file: IO[bytes], size: int) -> bool:
    """For formats that do not say where they end: only the server can say that a file is not whole."""
    return True


def _tail(file: IO[bytes]) -> bytes:
    file.seek(0, SEEK_END)
    file.seek(max(0, file.tell() - _TAIL_BYTES))
    return file.read()


def pdf(file: IO[bytes], size: int) -> bool:
    """ISO 32000-1, section 7.5.5: the last line is `%%EOF`; programs accept bytes behind it."""
    return b"%%EOF" in _tail(file)


def zip_archive(file: IO[bytes], size: int) -> bool:
    """The end of central directory record, with its comment, lies within the file."""
    tail = _tail(file)
    position = tail.rfind(b"PK\x05\x06")
    return position >= 0 and position + 22 + int.from_bytes(tail[position + 20 : position + 22], "little") <= len(tail)


_VIDEO_BOXES = frozenset(
    {
        b"ftyp",
        b"moov",
        b"mdat",
        b"moof",
        b"mfra",
        b"meta",
        b"free",
        b"skip",
        b"wide",
        b"uuid",
        b"styp",
        b"sidx",
        b"pnot",
    }
)


def video(file: IO[bytes], size: int) -> bool:
    """ISO base media files: every box at the top lies within the file, and there is a `moov`."""
    try:
        boxes = list(iso_boxes.top_level(file, size, _VIDEO_BOXES))
    except CutError:
        return False
    return all(box.end <= size for box in boxes) and any(box.name == b"moov" for box in boxes)


def riff_file(file: IO[bytes], size: int) -> bool:
    try:
        (length,) = unpack_at(file, 4, "<I")
    except CutError:
        return False
    return length in _UNKNOWN_LENGTHS or size >= length + 8 - 1  # the byte that pads may be missing


def matroska(file: IO[bytes], size: int) -> bool:
    """RFC 8794: the segment that follows the header lies within the file, unless its length is not known."""
    try:
        for position, (start, length) in enumerate(_elements(file)):
            if position == 1:
                return length is None or start + length <= size
    except CutError:
        pass
    return False


def _elements(file: IO[bytes]) -> Iterator[tuple[int, int | None]]:
    """The positions of the contents of the elements at the top, and their lengths. Raises CutError."""
    position = 0
    while True:
        first = read_at(file, position, 1)[0]
        position += max(1, 9 - first.bit_length())  # the ID
        first = read_at(file, position, 1)[0]
        octets = 9 - first.bit_length()
        value = int.from_bytes(read_at(file, position, octets), "big") & (1 << 7 * octets) - 1
        position += octets
        length = None if value == (1 << 7 * octets) - 1 else value
        yield position, length
        if length is None:
            return
        position += length


def seven_zip(file: IO[bytes], size: int) -> bool:
    """The signature header has the position and the length of the header at the end."""
    try:
        offset, length = unpack_at(file, 12, "<QQ")
    except CutError:
        return False
    return 32 + offset + length <= size


def glb(file: IO[bytes], size: int) -> bool:
    try:
        return size >= unpack_at(file, 8, "<I")[0]
    except CutError:
        return False


_DOCUMENT = "application/vnd.openxmlformats-officedocument"

OTHER_TYPES = tuple(
    FileType(name, content_type, name, matches, is_complete, sizes.unknown)
    for name, content_type, matches, is_complete in (
        ("pdf", "application/pdf", starts_with(b"%PDF-"), pdf),
        ("mov", "video/quicktime", lambda head: head[4:12] == b"ftypqt  " or has_at(4, b"moov", b"wide")(head), video),
        ("m4a", "audio/mp4", lambda head: head[4:8] == b"ftyp" and head[8:12] in (b"M4A ", b"M4B "), video),
        ("mp4", "video/mp4", has_at(4, b"ftyp"), video),
        ("webm", "video/webm", _matroska(b"webm"), matroska),
        ("mkv", "video/x-matroska", _matroska(b"matroska"), matroska),
        ("avi", "video/x-msvideo", riff(b"AVI "), riff_file),
        ("wav", "audio/wav", riff(b"WAVE"), riff_file),
        ("mp3", "audio/mpeg", starts_with(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"), has_no_end),
        ("flac", "audio/flac", starts_with(b"fLaC"), has_no_end),
        ("ogg", "application/ogg", starts_with(b"OggS"), has_no_end),
        ("epub", "application/epub+zip", has_at(30, b"mimetypeapplication/epub+zip"), zip_archive),
        ("docx", f"{_DOCUMENT}.wordprocessingml.document", _office(b"word/"), zip_archive),
        ("xlsx", f"{_DOCUMENT}.spreadsheetml.sheet", _office(b"xl/"), zip_archive),
        ("pptx", f"{_DOCUMENT}.presentationml.presentation", _office(b"ppt/"), zip_archive),
        ("zip", "application/zip", starts_with(b"PK\x03\x04", b"PK\x05\x06"), zip_archive),
        ("7z", "application/x-7z-compressed", starts_with(b"7z\xbc\xaf'\x1c"), seven_zip),
        ("gz", "application/gzip", starts_with(b"\x1f\x8b"), has_no_end),
        ("glb", "model/gltf-binary", starts_with(b"glTF"), glb),
        ("html", "text/html", is_html, has_no_end),
        ("xml", "application/xml", is_xml, has_no_end),
        ("json", "application/json", is_json, has_no_end),
    )
)
"""The first match applies, after those of the images."""

_COMPRESSED = "gz"
_EXTENSION = re.compile(r"\.([a-z0-9]{1,8})")
_ACTIVE_EXTENSIONS = frozenset({"htm", "html", "xhtml", "xht", "shtml", "svg", "xml", "js", "mjs", "php", "swf"})
"""Not given to a file that is not recognized: a program that goes by the name would run what is in it."""


def detect_type(head: bytes, url: str, allowed: Collection[str]) -> FileType | None:
    """The type of the file of a URL that begins with `head`, or None where no type in `allowed` can have it."""
    image_type = detect_image_type(head)
    if image_type is not None:
        return image_type
    found = next((other for other in OTHER_TYPES if other.name in allowed and other.matches(head)), None)
    if found is None and ANY in allowed:
        found = next((other for other in OTHER_TYPES if other.matches(head)), None) or _unknown_type(url)
    return found


def is_allowed(file_type: FileType, allowed: Collection[str]) -> bool:
    return file_type.name in allowed or (ANY in allowed and file_type.name != HTML)


def is_recognized(head: bytes) -> bool:
    """True for the first bytes of a file of a known type that is not compressed."""
    if detect_image_type(head) is not None:
        return True
    return any(other.matches(head) for other in OTHER_TYPES if other.name != _COMPRESSED)


_EXTENSIONS = {each.content_type: each.extension for each in (*IMAGE_TYPES, *OTHER_TYPES)}


def extension_of(content_type: str | None, url: str) -> str:
    """The extension of a stored file, which has the type and the URL."""
    return _EXTENSIONS.get(content_type or "") or _unknown_type(url).extension


def _unknown_type(url: str) -> FileType:
    """With the extension of the URL, if it says nothing wrong to a program that opens the file."""
    extension = _EXTENSION.fullmatch(PurePosixPath(urlsplit(url).path).suffix.lower())
    name = extension[1] if extension and extension[1] not in _ACTIVE_EXTENSIONS else "bin"
    return FileType("unknown", "application/octet-stream", name, lambda head: True, has_no_end, sizes.unknown)
