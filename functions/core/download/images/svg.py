"""SVG, read as XML does: what may come before the root element, and its end tag. No entity is expanded."""

import codecs
import re
from collections.abc import Mapping
from typing import IO

TAIL_BYTES = 64 * 1024
"""Length of the end of a file that is searched for the end tag first, in bytes."""

_SPACE = re.compile(rb"\s*")
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?svg(?=[\s/>])", re.IGNORECASE)
_CLOSED_BY: Mapping[bytes, bytes] = {b'"': b'"', b"'": b"'", b"<!--": b"-->", b"<?": b"?>"}
"""What opens a part of a declaration whose content has no meaning here, and what closes it."""

_IN_DECLARATION = re.compile(rb"[\"'\[>]")
_IN_SUBSET = re.compile(rb"[\"'\]]|<!--|<\?")
_END = re.compile(rb"</(?:[\w.-]+:)?svg\s*>", re.IGNORECASE)
_EMPTY = re.compile(rb"<(?:[\w.-]+:)?svg\b[^<>]*/>", re.IGNORECASE)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def is_svg(head: bytes) -> bool:
    """True if the first element of a document that begins with `head` is `svg`. It reads `head` once."""
    head = _as_ascii(head)
    position = _space_end(head, 0)
    while head.startswith((b"<?", b"<!"), position):
        end = _prolog_end(head, position)
        if end is None:
            return False
        position = _space_end(head, end)
    return bool(_ROOT.match(head, position))


def is_complete(file: IO[bytes], size: int) -> bool:
    """Look for the end tag of the root element, or for a root element without content."""
    file.seek(max(0, size - TAIL_BYTES))
    if _END.search(file.read(TAIL_BYTES)):
        return True
    file.seek(0)
    data = _as_ascii(file.read())
    return bool(_END.search(data) or _EMPTY.search(data))


def _as_ascii(data: bytes) -> bytes:
    """UTF-8 or another superset of ASCII, without a byte order mark."""
    if data.startswith(_UTF_16):
        return data.decode("utf-16", "replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _space_end(head: bytes, position: int) -> int:
    match = _SPACE.match(head, position)
    return match.end() if match else position


def _prolog_end(head: bytes, position: int) -> int | None:
    """The end of a processing instruction, a comment or a document type declaration; None where it does not end."""
    if head.startswith(b"<?", position):
        return _after(head, b"?>", position)
    if head.startswith(b"<!--", position):
        return _after(head, b"-->", position + 4)
    if not head.startswith(b"<!", position):
        return None
    opened = _first_outside(head, position, _IN_DECLARATION)
    if opened is not None and head.startswith(b"[", opened):
        closed = _first_outside(head, opened + 1, _IN_SUBSET)
        return None if closed is None else _after(head, b">", closed)
    return None if opened is None else opened + 1


def _first_outside(head: bytes, position: int, marks: re.Pattern[bytes]) -> int | None:
    """The position of the first mark outside quotation marks, comments and processing instructions."""
    while found := marks.search(head, position):
        closing = _CLOSED_BY.get(found[0])
        if closing is None:
            return found.start()
        end = _after(head, closing, found.end())
        if end is None:
            return None
        position = end
    return None


def _after(head: bytes, mark: bytes, position: int) -> int | None:
    found = head.find(mark, position)
    return None if found < 0 else found + len(mark)
