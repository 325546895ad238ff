"""The manifests that are uploaded: every format that the stack reads, and what AWS does not document.

A manifest has rows with links to images of its own, so that no run finds the images of another one.
"""

import base64
import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from local.verify.samples.parquet import write_parquet

NOTE = 'a "quoted" note, with a comma; a semicolon | and a pipe'
PLAIN_NOTE = "a note"

ROUNDS = {"rounds": "2"}
"""Option of every upload: what may pass, such as a 503 of S3, is tried once more. A fault ends the run sooner."""

PARQUET_BATCH = 3
PARQUET_GROUPS = (4, 3)
"""Rows of the row groups: the second batch has rows of both."""


@dataclass(frozen=True)
class Picture:
    """An image in the input bucket, and a presigned link to it."""

    key: str
    content_type: str
    body: bytes = field(repr=False)
    url: str = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class Row:
    """A row of a manifest. `picture` is None if the link is dead; `repeated` if an earlier row has the same URL."""

    url: str = field(repr=False)
    picture: Picture | None = None
    repeated: bool = False


Write = Callable[[Sequence[Row]], bytes]


@dataclass(frozen=True)
class Manifest:
    """`name` is that of the line; `images` is the number of its images. With `has_failures`, the manifest has a
    duplicate and a dead link too."""

    name: str
    extension: str
    proves: str
    write: Write
    images: int = 2
    has_failures: bool = False
    options: Mapping[str, str] = field(default_factory=lambda: ROUNDS)


def delimited(rows: Sequence[Row], *, delimiter: str = ",", header: bool = True, note: str = NOTE) -> bytes:
    """Quoted where a field needs it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    if header:
        writer.writerow(["url", "note"])
    writer.writerows([row.url, note] for row in rows)
    return buffer.getvalue().encode()


def _with(delimiter: str) -> Write:
    return lambda rows: delimited(rows, delimiter=delimiter)


def _headerless(delimiter: str) -> Write:
    return lambda rows: delimited(rows, delimiter=delimiter, header=False, note=PLAIN_NOTE)


def with_byte_order_mark(rows: Sequence[Row]) -> bytes:
    """CRLF line ends, and a blank line between the rows."""
    first, *others = (f"{row.url}\r\n" for row in rows)
    return ("\ufeffurl\r\n" + first + "\r\n" + "".join(others)).encode()


def of_a_spreadsheet(rows: Sequence[Row]) -> bytes:
    """The delimiter in the first line, empty columns, and rows without text."""
    first, *others = (f"{row.url};{PLAIN_NOTE};;\r\n" for row in rows)
    return ("sep=;\r\nurl;note;;\r\n" + first + ";;;\r\n" + "".join(others) + ";;;\r\n").encode()


def url_list(rows: Sequence[Row]) -> bytes:
    """A URL list of Storage Transfer Service: URL, size, and MD5 in base64."""
    lines = ["TsvHttpData-1.0"]
    for row in rows:
        body = row.picture.body if row.picture else b""
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        lines.append(f"{row.url}\t{len(body)}\t{digest}")
    return "".join(f"{line}\n" for line in lines).encode()


def url_lines(rows: Sequence[Row]) -> bytes:
    """Without a line end after the last line."""
    return "\n".join(row.url for row in rows).encode()


def json_array(rows: Sequence[Row]) -> bytes:
    return json.dumps([{"url": row.url, "note": NOTE} for row in rows]).encode()


def json_lines(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps({"url": row.url, "note": NOTE}) + "\n" for row in rows).encode()


def json_texts(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row.url) + "\n" for row in rows).encode()


def parquet(rows: Sequence[Row]) -> bytes:
    urls = [row.url for row in rows]
    return write_parquet("url", [urls[: PARQUET_GROUPS[0]], urls[PARQUET_GROUPS[0] :]])


def _gzipped(write: Write) -> Write:
    return lambda rows: gzip.compress(write(rows))


MANIFESTS = (
    Manifest("csv", "csv", "An upload starts a run. CSV with a header, quotes and commas in fields.", delimited),
    Manifest("outcomes", "csv", "A duplicate and a dead link have their outcomes.", delimited, has_failures=True),
    Manifest("csv-bom", "csv", "A byte order mark, CRLF and a blank line are skipped.", with_byte_order_mark),
    Manifest("csv-spreadsheet", "csv", "Rows that Step Functions cannot read are copied.", of_a_spreadsheet),
    Manifest("csv-gz", "csv.gz", "Step Functions decompresses .csv.gz.", _gzipped(delimited)),
    Manifest("csv-semicolon", "csv", "CSV with semicolons.", _with(";")),
    Manifest("csv-pipe", "csv", "CSV with pipes.", _with("|")),
    Manifest("csv-headerless", "csv", "CSV without a header.", _headerless(",")),
    Manifest("csv-semicolon-headerless", "csv", "CSV with semicolons, without a header.", _headerless(";")),
    Manifest("csv-pipe-headerless", "csv", "CSV with pipes, without a header.", _headerless("|")),
    Manifest("tsv", "tsv", "TSV with a header.", _with("\t")),
    Manifest("tsv-headerless", "tsv", "TSV without a header.", _headerless("\t")),
    Manifest("tsv-list", "tsv", "A URL list with sizes and MD5, which are checked.", url_list),
    Manifest("txt", "txt", "A text file of URLs.", url_lines),
    Manifest("one-row", "txt", "A manifest of one row.", url_lines, images=1),
    Manifest("json", "json", "A JSON array of objects.", json_array),
    Manifest("json-gz", "json.gz", "Step Functions decompresses .json.gz.", _gzipped(json_array)),
    Manifest("jsonl", "jsonl", "JSON lines of objects.", json_lines),
    Manifest(
        "jsonl-gz", "jsonl.gz", "Step Functions decompresses .jsonl.gz; lines of quoted URLs.", _gzipped(json_texts)
    ),
    Manifest(
        "parquet",
        "parquet",
        f"Parquet with two row groups, in batches of {PARQUET_BATCH} rows: a batch has rows of both groups.",
        parquet,
        images=sum(PARQUET_GROUPS),
        options={**ROUNDS, "batch-size": str(PARQUET_BATCH)},
    ),
)
