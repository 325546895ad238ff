"""The list of the option `known_bad`: SHA-256 digests of images that are not stored.

PrepareRun writes its digests to a file of the run, which the batches read: so all of them have the same list.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator

from functions.core.manifests.streams import ChunkReader
from functions.core.model.errors import InvalidManifest, ManifestGoneError
from functions.core.model.ports import Manifests, RunFiles
from functions.core.model.runs import KNOWN_BAD_FILE

LISTS = "lists/"
"""Prefix of the input bucket for lists that options name."""

_SUSPECTS = re.compile(r"runs/[^/]+/suspects\.csv")

MAX_DIGESTS = 100_000
"""Maximum number of digests of a list: each execution environment of DownloadBatch has them in memory, about 15 MB."""

MAX_BYTES = 64 * 1024 * 1024
"""Maximum size of a list in bytes."""

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_DELIMITER = re.compile(r"[,;\t|]")
_COLUMN = "sha256"


def copy_list(option: str, bucket: str, manifests: Manifests, files: RunFiles) -> None:
    """Writes the digests of the list to the files of the run. Raises InvalidManifest, StorageFault."""
    key = key_of_list(option, bucket)
    name = f"The list of known_bad, s3://{bucket}/{key}"
    try:
        digests = read_digests(manifests.read(bucket, key, ""), name)
    except ManifestGoneError as error:
        raise InvalidManifest(f"{name}, does not exist. Upload the list, and then the manifest again.") from error
    files.write(KNOWN_BAD_FILE, [{"sha256": sorted(digests)}])


def key_of_list(option: str, bucket: str) -> str:
    """The key of the list in the input bucket. Raises InvalidManifest."""
    key = option.strip()
    if key.startswith("s3://"):
        named, _, key = key.removeprefix("s3://").partition("/")
        key = key if named == bucket else ""
    if not key.startswith(LISTS) and not _SUSPECTS.fullmatch(key):
        raise InvalidManifest(
            f"Option 'known_bad' is {option!r}, but must be an object of the input bucket: "
            f"s3://{bucket}/{LISTS}NAME, or the suspects.csv of a run, s3://{bucket}/runs/RUN/suspects.csv."
        )
    return key


def read_digests(chunks: Iterable[bytes], name: str) -> frozenset[str]:
    """The digests of a list in lower case. `name` is how messages call the list. Raises InvalidManifest.

    A list is text with a digest at the beginning of each line, as sha256sum writes it, or CSV with a column `sha256`.
    Lines that begin with # are comments.
    """
    file = io.TextIOWrapper(io.BufferedReader(ChunkReader(_limited(chunks, name))), encoding="utf-8-sig")
    digests: set[str] = set()
    try:
        for number, text in _cells(file):
            if not _DIGEST.fullmatch(text):
                raise InvalidManifest(
                    f"{name}, line {number}: {text[:80]!r} is not a SHA-256 digest of 64 hexadecimal digits. Correct "
                    "the line, remove it, or begin it with #."
                )
            digests.add(text.lower())
            if len(digests) > MAX_DIGESTS:
                raise InvalidManifest(f"{name} has more than {MAX_DIGESTS:,} digests. Shorten the list.")
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidManifest(f"{name} is not text in UTF-8 with a SHA-256 digest in each line: {error}.") from error
    return frozenset(digests)


def _limited(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BYTES:
            raise InvalidManifest(f"{name} is larger than {MAX_BYTES // 1024**2} MB. Shorten the list.")
        yield chunk


def _cells(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The text of each line that should be a digest, with the number of the line."""
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip() and line[0] != "#")
    first = next(numbered, None)
    if first is None:
        return
    header = [name.strip(' "\r\n').lower() for name in _DELIMITER.split(first[1])]
    if _COLUMN not in header:
        yield first[0], first[1].split()[0]
        yield from ((number, line.split()[0]) for number, line in numbered)
        return
    delimiter, column = _DELIMITER.search(first[1]), header.index(_COLUMN)
    for number, line in numbered:
        fields = next(csv.reader([line], delimiter=delimiter[0] if delimiter else ","))
        yield number, fields[column].strip() if column < len(fields) else ""
