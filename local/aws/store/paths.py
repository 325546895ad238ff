"""Keys to files. A key of a bucket is a path below the bucket's folder, if the file system allows it.

Any other key (`a//b`, `..`, a part of more than 255 bytes, `a` beside `a/b`, a name that differs from another one only
in case) is a file in the folder `%keys`, named by the SHA-256 of the key; the index has its key.
"""

import hashlib
import unicodedata
from pathlib import PurePosixPath

ODD_KEYS = "%keys"
VERSIONS = "%versions"
PARTIAL = ".partial-"
MAX_PART_BYTES = 255
"""The longest file name on Linux and macOS."""

MAX_PATH_BYTES = 900
"""macOS allows 1,024 including the folders above."""

_RESERVED = (ODD_KEYS, VERSIONS)


def readable_path(key: str) -> PurePosixPath | None:
    """None if the key cannot be a path of its own."""
    if "\0" in key or len(key.encode()) > MAX_PATH_BYTES:
        return None
    return PurePosixPath(key) if all(map(_is_file_name, key.split("/"))) else None


def _is_file_name(part: str) -> bool:
    if part in ("", ".", "..") or len(part.encode()) > MAX_PART_BYTES:
        return False
    folded_part = part.casefold() if part[0] in "%." else ""
    return folded_part not in _RESERVED and not folded_part.startswith(PARTIAL)


def odd_path(key: str) -> PurePosixPath:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return PurePosixPath(ODD_KEYS, digest[:2], digest)


def version_path(version_id: str) -> str:
    """The path of a version that is not the latest."""
    return f"{VERSIONS}/{version_id[:2]}/{version_id}"


def is_version_path(path: str) -> bool:
    return path.startswith(f"{VERSIONS}/")


def folded(path: str) -> str:
    """Equal for paths that are one file on a file system that ignores case and Unicode form (macOS)."""
    return (path if path.isascii() else unicodedata.normalize("NFC", path)).casefold()
