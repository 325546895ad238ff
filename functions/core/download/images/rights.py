"""What the metadata of an image say about its use: the PLUS "Data Mining" property, and whether it has a C2PA manifest.

Both are found by their bytes in the first 64 KB of the file, in every format. Nothing is decoded, so that what is
compressed (in a PNG, or in a box of JPEG XL) and what comes later in the file is not found.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from functions.core.web.signals import MAX_VALUES, OwnerSignals, Signal

HEAD_BYTES = 64 * 1024

_NAMESPACE = b"http://ns.useplus.org/ldf/xmp/1.0/"
_NAMESPACE_UTF16 = _NAMESPACE.decode().encode("utf-16-be")[1:]
"""Without the first zero: the same bytes in both byte orders."""

_NAME = rb"[^\s=:\"'<>/&]{1,64}"
_EQUALS = rb"\s{0,16}=\s{0,16}"
_BINDING = rb"xmlns(?::(%b))?%b[\"']%b[\"']" % (_NAME, _EQUALS, re.escape(_NAMESPACE))
_PROPERTY = rb"""(?:<(?:(%b):)?|\s(%b):)DataMining(?=[\s/>=])""" % (_NAME, _NAME)
_ATTRIBUTE = rb"""%b(?:"([^"<]{1,512})"|'([^'<]{1,512})')""" % _EQUALS
_IN_ELEMENT = rb"""\b(?:resource|value)%b(?:"([^"<]+)"|'([^'<]+)')|>([^<]*[^<\s][^<]*)(?=<)""" % _EQUALS
"""Patterns, compiled when they are needed, which takes milliseconds of a cold start."""

_MAX_ELEMENT_BYTES = 1024
_MAX_PREFIXES = 16

_PROHIBITED = re.compile(r"(?:.*/)?(DMI-PROHIBITED(?:-[A-Z]{1,64})?)\s*", re.IGNORECASE | re.DOTALL)

_MANIFEST_STORE = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
"""The JUMBF description box of a C2PA manifest store, near its start: in a segment APP11 of JPEG, the chunk `caBX` of
PNG, the chunk `C2PA` of WebP, a box of HEIC, AVIF and JPEG XL, the tag of TIFF and the extension of GIF."""

_MANIFEST_BOX = b"uuid" + bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The box of ISO base media files that has the manifest store, near the beginning of the file."""

_BOXES_BYTES = 4096

_TRAINING_ASSERTIONS = ("c2pa.training-mining", "cawg.training-mining")

_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_START_OF_SCAN = 0xDA
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xDA)})


def data_mining_opt_out(values: Sequence[str]) -> str | None:
    """The value that prohibits, in capitals, or None.

    Every value of the vocabulary that begins with DMI-PROHIBITED is named "Prohibited" there, and counts: also those
    with an exception for search engines, which a mirror is not, and those that refer to a text with more conditions.
    """
    matches = filter(None, map(_PROHIBITED.fullmatch, values))
    return next((match[1].upper() for match in matches), None)


DATA_MINING = Signal("plus:DataMining", "iptc", data_mining_opt_out, source="image")
C2PA = Signal("C2PA", source="image")


def read_head(head: bytes, signals: OwnerSignals) -> None:
    """Add the signals in the first bytes of a file."""
    metadata = _before_scan(head[:HEAD_BYTES])
    if values := data_mining(metadata):
        signals.add(DATA_MINING, values)
    if parts := c2pa(metadata):
        signals.add(C2PA, parts)


def _before_scan(head: bytes) -> bytes:
    """The beginning of a JPEG up to its first scan, which is all but image data from there on; other files as they are.

    A search of 64 KB takes ten times as long as this.
    """
    if not head.startswith(b"\xff\xd8"):
        return head
    position = 2
    while match := _MARKER.match(head, position):
        marker, position = match[1][0], match.end()
        if marker == _START_OF_SCAN:
            return head[:position]
        if marker not in _WITHOUT_LENGTH:
            position += int.from_bytes(head[position : position + 2], "big")
    return head


def data_mining(data: bytes) -> list[str]:
    """The values of the property in XMP packets, in UTF-8 or UTF-16."""
    values = _values(data) if _NAMESPACE in data else []
    at = data.find(_NAMESPACE_UTF16)
    if at >= 0:
        values += _values(data[at % 2 :: 2])  # of each character the byte that has the ASCII
    return values[:MAX_VALUES]


def _values(xmp: bytes) -> list[str]:
    """By the prefixes that are bound to the namespace; without one, by elements in the default namespace."""
    prefixes = {binding[1] for binding in islice(re.finditer(_BINDING, xmp), _MAX_PREFIXES)}
    matches = (match for match in re.finditer(_PROPERTY, xmp) if (match[1] or match[2]) in prefixes)
    values = (value for match in islice(matches, MAX_VALUES) for value in _values_of(xmp, match))
    texts = (value.decode("utf-8", "replace").strip() for value in values)
    return [text for text in texts if text]


def _values_of(xmp: bytes, match: re.Match[bytes]) -> Iterator[bytes]:
    """The value of an attribute; the text of an element, or its `rdf:resource`."""
    if match[2]:
        attribute = re.compile(_ATTRIBUTE).match(xmp, match.end())
        if attribute:
            yield attribute[1] or attribute[2]
        return
    element = xmp[match.start() : match.start() + _MAX_ELEMENT_BYTES]
    start_tag = element.partition(b">")[0]
    content, end_tag, _ = element.partition(b"</" + match[0][1:])
    if end_tag or start_tag.endswith(b"/"):
        for part in re.finditer(_IN_ELEMENT, start_tag if start_tag.endswith(b"/") else content + b"<"):
            yield part[1] or part[2] or part[3]


def c2pa(data: bytes) -> list[str]:
    """`manifest` if there is one, and the names of the assertions about training and mining in it."""
    if _MANIFEST_STORE in data or (data[4:8] == b"ftyp" and _MANIFEST_BOX in data[:_BOXES_BYTES]):
        return ["manifest", *(name for name in _TRAINING_ASSERTIONS if name.encode() in data)]
    return []
