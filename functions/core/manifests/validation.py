"""Validation of a manifest before it is run: all of it up to a size limit, else its beginning and its end.

A manifest is never changed. If Step Functions cannot read its rows, PrepareRun copies them. If only a part of it is
validated, the number of rows is not known until SummarizeRun reads the whole manifest. A larger manifest of lines is
validated as a whole by ranges (`ranges.check`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from functions.core.manifests.columns.key_columns import check_key_columns
from functions.core.manifests.contents import ManifestContents
from functions.core.manifests.detection import Extension, detect_format, format_from_name
from functions.core.manifests.formats import PARQUET, Format
from functions.core.manifests.hosts import HostCounts
from functions.core.manifests.mismatches import check_content, describe_unsupported, read_head
from functions.core.manifests.parquet import footer as parquet
from functions.core.manifests.ranges.tally import MAX_COLUMNS
from functions.core.manifests.streams import PIECE_BYTES, decompress_gzip, open_text
from functions.core.model.errors import InvalidManifest
from functions.core.model.ports import Manifests
from functions.core.model.rows import DEFAULT_RULES, RowRules
from functions.core.model.runs import ManifestObject

MAX_WHOLE_CHECK_BYTES = 256 * 1024 * 1024
"""Default of the maximum size of a manifest that is validated as a whole, in bytes after decompression."""

SAMPLE_BYTES = 8 * 1024 * 1024
"""Size of the beginning and of the end that are validated of a larger manifest, in bytes."""


@dataclass(frozen=True, slots=True)
class ValidatedManifest:
    """`sampled` is true if only a part was validated; `contents.rows` are then the rows of that part. `by_ranges` is
    true for a larger manifest of which all was validated.

    `form` reads it; Parquet has none.
    """

    format: str
    contents: ManifestContents
    sampled: bool = False
    form: Format | None = None
    by_ranges: bool = False

    @property
    def is_large(self) -> bool:
        return self.sampled or self.by_ranges

    @property
    def copied(self) -> str:
        """Why the run needs a copy of the rows, or empty. Rows without text in a large manifest are failures."""
        if self.form is not None and self.form.copied:
            return self.form.copied
        if self.contents.rules.split_urls:
            return "split_urls makes a row of each URL"
        return "it has rows without text" if self.contents.blank_rows and not self.is_large else ""

    def scaled(self, factor: float) -> "ValidatedManifest":
        """With the hosts of a manifest of which a part was validated."""
        hosts = (self.contents.hosts or HostCounts()).scaled(factor)
        return replace(self, contents=replace(self.contents, hosts=hosts))


def validate_manifest(
    manifests: Manifests,
    manifest: ManifestObject,
    whole_bytes: int = MAX_WHOLE_CHECK_BYTES,
    sample_bytes: int | None = None,
    rules: RowRules = DEFAULT_RULES,
) -> ValidatedManifest:
    """`rules` are those of the options of the run. Raises InvalidManifest, ManifestGoneError.

    Of a manifest of more than `whole_bytes`, `sample_bytes` are checked at each end, by default SAMPLE_BYTES.
    """
    return with_key_columns(_validate(manifests, manifest, whole_bytes, sample_bytes, rules), rules)


def with_key_columns(validated: ValidatedManifest, rules: RowRules) -> ValidatedManifest:
    """With a note about the columns that the option `key_template` names. Raises InvalidManifest for unknown ones."""
    contents = validated.contents
    if rules.key_template is None or not contents.rows:
        return validated
    complete = len(contents.columns) < MAX_COLUMNS and not (validated.sampled and "json" in validated.format)
    note = check_key_columns(rules.key_template, contents.columns, complete=complete)
    return replace(validated, contents=replace(contents, note=" ".join(filter(None, (contents.note, note)))))


def range_format(manifests: Manifests, manifest: ManifestObject, rules: RowRules = DEFAULT_RULES) -> Format | None:
    """The format of a manifest that can be validated by ranges, else None. Raises InvalidManifest, ManifestGoneError.

    One that has to be copied is rejected if it is too large for one invocation.
    """
    extension, gzipped, chunks = _open(manifests, manifest)
    if gzipped or extension.default_format == PARQUET:
        return None
    form, _ = detect_format(extension, chunks, rules)
    return None if form.check is None or form.copied or rules.split_urls else form


def _open(manifests: Manifests, manifest: ManifestObject) -> tuple[Extension, bool, Iterator[bytes]]:
    """The extension of the name, whether the file is gzipped, and its chunks. Raises InvalidManifest."""
    head, chunks = read_head(_read(manifests, manifest))
    try:
        extension, gzipped = format_from_name(manifest.key)
    except InvalidManifest as error:
        raise InvalidManifest(f"{error}{describe_unsupported(manifest.key, head)}") from error
    check_content(manifest.key, head)
    return extension, gzipped, chunks


def _validate(
    manifests: Manifests, manifest: ManifestObject, whole_bytes: int, sample_bytes: int | None, rules: RowRules
) -> ValidatedManifest:
    extension, gzipped, chunks = _open(manifests, manifest)
    if extension.default_format == PARQUET:
        return ValidatedManifest(PARQUET, _parquet_contents(manifests, manifest, rules))
    if gzipped:
        compressed = _CountedChunks(chunks)
        head, chunks = read_head(decompress_gzip(compressed))
        check_content(manifest.key, head, decompressed=True)
        validated = _validate_beginning(extension, _LimitedChunks(chunks, whole_bytes), rules)[0]
        return validated.scaled(manifest.size / compressed.bytes) if validated.sampled else validated
    if manifest.size <= whole_bytes:
        return _validate_beginning(extension, _LimitedChunks(chunks, whole_bytes), rules)[0]
    sample = SAMPLE_BYTES if sample_bytes is None else sample_bytes
    validated, form = _validate_beginning(extension, _LimitedChunks(chunks, sample), rules)
    _validate_end(manifests, manifest, form, sample, validated.contents.rules)
    return validated.scaled(manifest.size / sample)


def _read(manifests: Manifests, manifest: ManifestObject, start: int = 0) -> Iterator[bytes]:
    return manifests.read(manifest.bucket, manifest.key, manifest.etag, start, manifest.version_id)


class _CountedChunks:
    """Chunks whose `bytes` are counted as they are read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.bytes += len(chunk)
            yield chunk


class _LimitedChunks:
    """Chunks up to `max_bytes` in total."""

    def __init__(self, chunks: Iterable[bytes], max_bytes: int) -> None:
        self._chunks = iter(chunks)
        self._remaining = max_bytes
        self._truncated = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._truncated:
            raise StopIteration
        chunk = next(self._chunks)
        if len(chunk) > self._remaining:
            self._truncated = True
            chunk = _without_partial_character(chunk[: self._remaining])
        self._remaining -= len(chunk)
        return chunk

    def truncated(self) -> bool:
        """True after the last chunk if there was more data."""
        return self._truncated


def _without_partial_character(piece: bytes) -> bytes:
    """Without the last character if it has more than one byte in UTF-8, since it may be incomplete."""
    end = len(piece)
    while end and piece[end - 1] & 0xC0 == 0x80:  # a continuation byte
        end -= 1
    return piece[: end - 1] if end and piece[end - 1] >= 0xC0 else piece


def _validate_beginning(
    extension: Extension, chunks: _LimitedChunks, rules: RowRules
) -> tuple[ValidatedManifest, Format]:
    form, all_chunks = detect_format(extension, chunks, rules)
    contents = form.validate(all_chunks, chunks.truncated, rules)
    return ValidatedManifest(form.name, contents, chunks.truncated(), form), form


def _parquet_contents(manifests: Manifests, manifest: ManifestObject, rules: RowRules) -> ManifestContents:
    if rules.split_urls:
        raise InvalidManifest(
            "split_urls is not possible for Parquet, whose rows are read by Step Functions alone. Write the manifest "
            "as JSON Lines, or without split_urls."
        )

    end = manifest.size - parquet.TAIL_BYTES
    length = parquet.footer_length(_part(manifests, manifest, end, parquet.TAIL_BYTES), manifest.size)
    footer = _part(manifests, manifest, end - length, min(length, parquet.MAX_SCHEMA_BYTES))
    return parquet.read_footer(footer, truncated=len(footer) < length, rules=rules)


def _part(manifests: Manifests, manifest: ManifestObject, start: int, count: int) -> bytes:
    content = b""
    for chunk in _read(manifests, manifest, max(0, start)):
        content += chunk
        if len(content) >= count:
            break
    return content[:count]


def _validate_end(
    manifests: Manifests, manifest: ManifestObject, form: Format, sample_bytes: int, rules: RowRules
) -> None:
    """Checks only what does not depend on the data before: the encoding, the end of an array, and JSON Lines."""
    start = max(0, manifest.size - sample_bytes)
    end = b"".join(_read(manifests, manifest, start))
    if form.name != "json":  # start at the first complete line
        end = end.partition(b"\n")[2]
    end = end.lstrip(bytes(range(0x80, 0xC0)))  # continuation bytes of a character that starts before
    try:
        with open_text([end]) as file:
            while file.read(PIECE_BYTES):
                pass
        if form.name == "json" and not end.rstrip().endswith(b"]"):
            raise InvalidManifest("The JSON array is not closed with ']'.")
        if form.name == "jsonl":
            form.validate([end], lambda: False, rules)
    except InvalidManifest as error:
        raise InvalidManifest(
            f"In the last {len(end)} bytes of the manifest (positions are counted from there): {error}"
        ) from error
