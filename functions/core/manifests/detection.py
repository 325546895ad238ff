"""Detection of the format of a manifest: by its file name, and for delimited formats by its first lines."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from functions.core.manifests.csv_layout import delimited_format
from functions.core.manifests.formats import PARQUET, Format, known_format
from functions.core.manifests.streams import decompress_gzip
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import DEFAULT_RULES, RowRules

HEAD_BYTES = 64 * 1024
"""Number of bytes from the beginning of a manifest in which its first line is looked for."""


@dataclass(frozen=True, slots=True)
class Extension:
    """A file name extension. `delimiters` are tried in this order; `default_format` is the format if none of them is
    found."""

    suffix: str
    default_format: str
    delimiters: str = ""
    gzip_allowed: bool = True


EXTENSIONS = (
    Extension(".csv", "csv", ",;|\t"),
    Extension(".tsv", "tsv", "\t,;|"),
    Extension(".txt", "txt", "\t"),
    Extension(".json", "json"),
    Extension(".jsonl", "jsonl"),
    Extension(".ndjson", "jsonl"),
    Extension(".parquet", PARQUET, gzip_allowed=False),
)


def format_from_name(key: str) -> tuple[Extension, bool]:
    """The extension of a file name in any case, and whether the file is gzipped.

    Raises InvalidManifest, which lists the supported extensions.
    """
    name = key.rpartition("/")[2].lower()
    gzipped = name.endswith(".gz")
    for extension in EXTENSIONS:
        if name.removesuffix(".gz").endswith(extension.suffix) and (extension.gzip_allowed or not gzipped):
            return extension, gzipped
    supported = [extension.suffix for extension in EXTENSIONS]
    supported += [f"{extension.suffix}.gz" for extension in EXTENSIONS if extension.gzip_allowed]
    raise InvalidManifest(
        f"The name of the manifest, '{key}', has no supported extension. Supported are: {', '.join(supported)}."
    )


def decompressed(key: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, decompressed if the name ends with .gz."""
    return decompress_gzip(chunks) if format_from_name(key)[1] else iter(chunks)


def detect_format(
    extension: Extension, chunks: Iterator[bytes], rules: RowRules = DEFAULT_RULES
) -> tuple[Format, Iterator[bytes]]:
    """The format, and all chunks including those that were read to detect it. Raises InvalidManifest."""
    if not extension.delimiters:
        return known_format(extension.default_format), chunks
    head_chunks: list[bytes] = []
    while sum(map(len, head_chunks)) < HEAD_BYTES:
        chunk = next(chunks, None)
        if chunk is None:
            break
        head_chunks.append(chunk)
    head = b"".join(head_chunks)[:HEAD_BYTES].decode("utf-8", "replace")
    form = delimited_format(head, extension.delimiters, extension.default_format, rules)
    return form, chain(head_chunks, chunks)
