"""The manifest, looked at before it is run: whole where it is not too big, else its beginning and its end.

It is never rewritten. Where only a part was read its rows are not known: SummarizeRun counts them, when it goes
through the whole of it anyway.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from functions.core.manifests import parquet
from functions.core.manifests.contents import ManifestContents
from functions.core.manifests.detection import Extension, detect_format, format_from_name
from functions.core.manifests.formats import PARQUET, Format
from functions.core.manifests.gunzip import decompress_gzip
from functions.core.manifests.streams import open_text
from functions.core.model.errors import InvalidManifest
from functions.core.model.ports import Manifests
from functions.core.model.runs import ManifestObject

MAX_WHOLE_CHECK_BYTES = 256 * 1024 * 1024
SAMPLE_BYTES = 8 * 1024 * 1024
"""From the beginning and from the end of a manifest that is not read whole."""


@dataclass(frozen=True, slots=True)
class ValidatedManifest:
    """`contents.rows` counts only what was read where `sampled`."""

    format: str
    contents: ManifestContents
    sampled: bool = False


def validate_manifest(
    manifests: Manifests, manifest: ManifestObject, whole_bytes: int = MAX_WHOLE_CHECK_BYTES
) -> ValidatedManifest:
    """Raises InvalidManifest, ManifestGoneError."""
    found, packed = format_from_name(manifest.key)
    if found.otherwise == PARQUET:
        return ValidatedManifest(PARQUET, _footer(manifests, manifest))
    chunks = manifests.read(manifest.bucket, manifest.key, manifest.etag)
    if packed:
        return _beginning(found, _Beginning(decompress_gzip(chunks), whole_bytes))[0]
    if manifest.size <= whole_bytes:
        return _beginning(found, _Beginning(chunks, whole_bytes))[0]
    validated, form = _beginning(found, _Beginning(chunks, SAMPLE_BYTES))
    _check_end(manifests, manifest, form)
    return validated


class _Beginning:
    """Chunks up to so many bytes. `cut` says whether there was more."""

    def __init__(self, chunks: Iterable[bytes], most: int) -> None:
        self._chunks = iter(chunks)
        self._left = most
        self._cut = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._cut:
            raise StopIteration
        chunk = next(self._chunks)
        if len(chunk) > self._left:
            self._cut = True
            chunk = _whole_characters(chunk[: self._left])
        self._left -= len(chunk)
        return chunk

    def cut(self) -> bool:
        return self._cut


def _whole_characters(piece: bytes) -> bytes:
    """Without the last character where that has more than one byte: it may be cut off."""
    end = len(piece)
    while end and piece[end - 1] & 0xC0 == 0x80:  # goes on from the byte before
        end -= 1
    return piece[: end - 1] if end and piece[end - 1] >= 0xC0 else piece


def _beginning(found: Extension, chunks: _Beginning) -> tuple[ValidatedManifest, Format]:
    form, rest = detect_format(found, chunks)
    contents = form.check(rest, chunks.cut)
    return ValidatedManifest(form.name, contents, sampled=chunks.cut()), form


def _footer(manifests: Manifests, manifest: ManifestObject) -> ManifestContents:
    def end(count: int) -> bytes:
        start = max(0, manifest.size - count)
        return b"".join(manifests.read(manifest.bucket, manifest.key, manifest.etag, start))

    length = parquet.footer_length(end(parquet.TAIL_BYTES))
    return parquet.read_footer(end(length + parquet.TAIL_BYTES)[:length])


def _check_end(manifests: Manifests, manifest: ManifestObject, form: Format) -> None:
    """What depends on what stands before is not looked for."""
    start = manifest.size - SAMPLE_BYTES
    end = b"".join(manifests.read(manifest.bucket, manifest.key, manifest.etag, start))
    if form.name != "json":  # from the first line that begins in it
        end = end.partition(b"\n")[2]
    end = end.lstrip(bytes(range(0x80, 0xC0)))  # the rest of a character that began before
    try:
        with open_text([end]) as file:
            for _ in file:
                pass
        if form.name == "json" and not end.rstrip().endswith(b"]"):
            raise InvalidManifest("The JSON array does not end.")
        if form.name == "jsonl":
            form.check([end], lambda: False)
    except InvalidManifest as fault:
        sentence = f"Of the last {len(end)} bytes of the manifest, counted from there: {fault}"
        raise InvalidManifest(sentence) from fault
