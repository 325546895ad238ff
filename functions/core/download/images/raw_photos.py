"""Raw photos of cameras that are TIFF files by their first bytes. Their first directory has a small preview only."""

import struct

from functions.core.download.images.signatures import starts_with

_SUBFILE_TYPE, _MAKE, _SUB_DIRECTORIES, _DNG_VERSION = 254, 271, 330, 50706
_REDUCED = 1
_is_tiff = starts_with(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def raw_photo(head: bytes) -> str | None:
    """The name of the raw format of a file that begins with `head`, or None."""
    if not _is_tiff(head):
        return None
    if head[8:10] == b"CR":
        return "CR2"
    tags = _first_tags(head)
    if _DNG_VERSION in tags:
        return "DNG"
    if _MAKE in tags and _SUB_DIRECTORIES in tags and tags.get(_SUBFILE_TYPE) == _REDUCED:
        return "a raw photo (NEF, ARW or another)"
    return None


def is_plain_tiff(head: bytes) -> bool:
    return _is_tiff(head) and raw_photo(head) is None


def _first_tags(head: bytes) -> dict[int, int]:
    """The tags of the first directory as far as `head` has them, with their value where it is one whole number."""
    order = "<" if head[:2] == b"II" else ">"
    try:
        (position,) = struct.unpack_from(f"{order}I", head, 4)
        (count,) = struct.unpack_from(f"{order}H", head, position)
        entries = [
            struct.unpack_from(f"{order}HHI4s", head, position + 2 + 12 * number)
            for number in range(min(count, (len(head) - position - 2) // 12))
        ]
    except struct.error:
        return {}
    return {
        tag: struct.unpack(f"{order}H" if kind == 3 else f"{order}I", value[: 2 if kind == 3 else 4])[0]
        for tag, kind, _, value in entries
    }
