"""Keys to files. A key of a bucket is a path below the bucket's folder, readable where the file system allows it.

Any other key (`a//b`, `..`, a part of more than 255 bytes, `a` beside `a/b`, a name that differs from another one only in
case) is a file in the folder `%keys`, named by the SHA-256 of the key; the index knows which key that is.
"""

import hashlib
import unicodedata
from pathlib import PurePosixPath

ODD_KEYS = "%keys"
VERSIONS = "%versions"
PARTS = "%uploads"
PARTIAL = ".partial-"
MAX_PART_BYTES = 255
"""Of a file name, on Linux and macOS."""

MAX_PATH_BYTES = 900
"""macOS takes 1,024 with the folders above."""

_RESERVED = (ODD_KEYS, VERSIONS, PARTS)


def readable_path(key: str) -> PurePosixPath | None:
    """None where the key cannot be a path of its own."""
    if "\0" in key or len(key.encode()) > MAX_PATH_BYTES:
        return None
    parts = key.split("/")
    return PurePosixPath(*parts) if all(map(_is_file_name, parts)) else None


def _is_file_name(part: str) -> bool:
    return (
        part not in ("", ".", "..", *_RESERVED)
        and not part.startswith(PARTIAL)
        and len(part.encode()) <= MAX_PART_BYTES
    )


def odd_path(key: str) -> PurePosixPath:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return PurePosixPath(ODD_KEYS, digest[:2], digest)


def version_path(version_id: str) -> PurePosixPath:
    """Noncurrent versions, and current ones that are no longer the latest."""
    return PurePosixPath(VERSIONS, version_id[:2], version_id)


def folded(path: PurePosixPath) -> str:
    """Equal for paths that are one file on a file system that ignores case and Unicode form (macOS)."""
    return unicodedata.normalize("NFC", str(path)).casefold()
