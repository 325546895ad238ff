"""Tests of the first bytes of a file, for the tables of types."""

from collections.abc import Callable

Matches = Callable[[bytes], bool]


def starts_with(*signatures: bytes) -> Matches:
    return lambda head: head.startswith(signatures)


def has_at(position: int, *signatures: bytes) -> Matches:
    return lambda head: head.startswith(signatures, position)


def riff(form: bytes) -> Matches:
    """RIFF: the length, and then the form of the content."""
    return lambda head: head[:4] == b"RIFF" and head[8:12] == form


def brand(*brands: bytes) -> Matches:
    """ISO base media files: `ftyp`, then the major brand and the compatible brands."""
    return lambda head: head[4:8] == b"ftyp" and any(brand in head[8:64] for brand in brands)
