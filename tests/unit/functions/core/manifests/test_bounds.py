"""What validation reads of manifests that have no end, and how much memory a small file can ask for."""

import gzip
import json
from collections.abc import Iterator

import pytest

from functions.core.manifests.contents import MAX_NESTING, ManifestContents
from functions.core.manifests.formats import format_by_name
from functions.core.manifests.line_errors import MAX_ERRORS
from functions.core.manifests.parquet import footer as parquet
from functions.core.manifests.streams import decompress_gzip
from functions.core.model.errors import InvalidManifest
from functions.core.model.rows import MAX_CACHED_COLUMNS, _cached_columns, classify_columns

MAX_READ = 8 * 1024 * 1024
CHUNK = 64 * 1024


def endless(beginning: bytes, repeated: bytes) -> Iterator[bytes]:
    """Fails when more than MAX_READ bytes are read."""
    yield beginning
    chunk = repeated * (CHUNK // len(repeated))
    for _ in range(MAX_READ // len(chunk)):
        yield chunk
    pytest.fail(f"more than {MAX_READ} bytes were read")


def validate(name: str, chunks: Iterator[bytes] | list[bytes]) -> ManifestContents:
    found = format_by_name(name)
    assert found is not None
    return found.validate(chunks, lambda: False)


@pytest.mark.parametrize(
    ("name", "beginning", "repeated", "sentence"),
    [
        ("csv", b"", b"a", "The line of the manifest that begins at byte 0 is longer than 1.1 MB"),
        ("csv", b"url\nhttp://a/1,", b"a", "The line of the manifest that begins at byte 4 is longer than 1.1 MB"),
        ("csv", b"url", b",a", "that begins at byte 0 is longer than 1.1 MB"),
        ("csv", b"url\nhttp://a/1\n", b",", "that begins at byte 15 is longer than 1.1 MB"),
        ("csv", b'url\n"', b'\n","', "Line 2 of the manifest is larger than 180 KB"),
        ("csv", b"url\n", b"\n", "have 100001 blank ones. Remove the blank lines"),
        ("csv", b"", b"\r\n", "have 100001 blank ones"),
        (
            "csv",
            b"url\n",
            b"http://a/1,2\n",
            "Lines 2, 3, .* and at least 9990 more .* have more fields",
        ),
        ("txt", b"", b"a", "is longer than 1.1 MB"),
        ("txt", b"", b"\n", "blank ones"),
        ("tsv", b"url", b"\ta", "is longer than 1.1 MB"),
        ("jsonl", b"", b"a", "is longer than 1.1 MB"),
        ("jsonl", b'"', b"a", "is longer than 1.1 MB"),
        ("jsonl", b"", b" \n", "blank ones"),
        ("jsonl", b"", b"x\n", "and at least 9990 more of the manifest are not valid JSON"),
        ("jsonl", b"", b"1\n", "None of the first 100000 items of the manifest is a URL or has one"),
        ("json", b"[1", b",1", "None of the first 100000 items of the manifest is a URL or has one"),
        ("json", b'["', b"a", "Item 1 of the manifest is larger than 180 KB"),
        ("json", b"[", b"[", "it is nested too deeply"),
        ("json", b"[", b"[],", "None of the first 100000 items"),
        ("json", b"[[1", b",1", "Item 1 of the manifest is larger than 180 KB"),
    ],
)
def test_validation_ends_where_no_more_can_be_learned(
    name: str, beginning: bytes, repeated: bytes, sentence: str
) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        validate(name, endless(beginning, repeated))


def test_a_header_is_measured_before_its_names_are_compared() -> None:
    header = ",".join(f"c{number}" for number in range(100_000))

    with pytest.raises(InvalidManifest, match=r"longer than 10 KB, the limit of Step Functions\. Remove columns"):
        validate("csv", [f"url,{header}\n".encode()])


@pytest.mark.parametrize(("blank", "name"), [(10, "csv"), (10, "jsonl")])
def test_a_large_manifest_may_have_many_blank_lines(blank: int, name: str) -> None:
    header = b"url\n" * (name == "csv")

    contents = validate(name, [header, *([b'"http://a/1"' + b"\n" * (blank + 1)] * 20_000)])

    assert contents.rows == 20_000


@pytest.mark.parametrize(("errors", "words"), [(MAX_ERRORS - 1, "and 9989 more"), (MAX_ERRORS, "and at least 9990")])
def test_the_number_of_errors_is_exact_up_to_a_limit(errors: int, words: str) -> None:
    with pytest.raises(InvalidManifest, match=words):
        validate("csv", [b"url\n", b"http://a/1,2\n" * errors])


@pytest.mark.parametrize(("depth", "accepted"), [(MAX_NESTING, True), (MAX_NESTING + 1, False)])
@pytest.mark.parametrize("name", ["json", "jsonl"])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_an_item_is_nested_a_hundred_levels_deep_and_no_deeper(
    name: str, depth: int, accepted: bool, opening: str, closing: str
) -> None:
    inner = opening * (depth - 1) + "1" + closing * (depth - 1)
    text = f'{{"url": "http://a/1", "deep": {inner}}}'
    manifest = [(f"[{text}]" if name == "json" else text).encode()]

    if accepted:
        assert validate(name, manifest).rows == 1
    else:
        with pytest.raises(InvalidManifest, match="nested too deeply: at most 100 arrays and objects"):
            validate(name, manifest)


def test_a_wide_item_is_not_deep() -> None:
    item = {"url": "http://a/1", "tags": [[] for _ in range(1000)]}

    assert validate("jsonl", [json.dumps(item).encode()]).rows == 1


def test_a_gzip_file_without_data_has_an_end() -> None:
    with pytest.raises(InvalidManifest, match=r"The gzip file has almost no data in its first \d+ bytes"):
        list(decompress_gzip(endless(b"", gzip.compress(b"", mtime=0))))


def test_a_gzip_file_with_a_member_for_each_row_is_read() -> None:
    rows = [b"http://a.example/%07d.jpg\n" % number for number in range(50_000)]

    assert b"".join(decompress_gzip(gzip.compress(row, mtime=0) for row in rows)) == b"".join(rows)


def test_the_columns_of_rows_with_thousands_of_columns_are_not_kept() -> None:
    size = _cached_columns.cache_info().currsize

    assert classify_columns(("url", *(f"own-{number}" for number in range(MAX_CACHED_COLUMNS)))).urls == ("url",)

    assert _cached_columns.cache_info().currsize == size


BOOLEANS = b"\x1b" + b"\xff" * 8 + b"\x7f\x11"
"""A field with a map of 2^63 pairs of booleans."""

INTEGER = b"\x16" + b"\xff" * 400_000
"""A field with an integer of 400,000 bytes."""


@pytest.mark.parametrize("footer", [BOOLEANS, INTEGER, b"\x19\xfc" + b"\xff" * 8 + b"\x7f", b"\x1c" * 100_000])
def test_a_parquet_footer_has_no_more_than_its_bytes(footer: bytes) -> None:
    with pytest.raises(InvalidManifest, match="corrupt"):
        parquet.read_footer(footer)


def test_the_schema_of_parquet_has_to_be_in_the_beginning_of_the_footer() -> None:
    with pytest.raises(InvalidManifest, match=r"The schema of the Parquet file is larger than 512 KB\. Remove columns"):
        parquet.read_footer(b"\x29\xfc" + b"\xff\x7f" + b"\x00" * 100, truncated=True)
