"""Detection of the format of a manifest."""

import gzip

import pytest

from functions.core.manifests.detection import HEAD_BYTES, decompressed, detect_format, format_from_name
from functions.core.manifests.formats import FORMATS, Format
from functions.core.model.errors import InvalidManifest


def format_of(key: str, data: bytes = b"") -> str:
    return detect_format(format_from_name(key)[0], iter([data]))[0].name


@pytest.mark.parametrize(
    ("key", "name", "gzipped"),
    [
        ("manifests/a.csv", "csv", False),
        ("manifests/A.CSV", "csv", False),
        ("manifests/a.csv.gz", "csv", True),
        ("manifests/a.b.tsv", "tsv", False),
        ("a.tsv.GZ", "tsv", True),
        ("a.txt", "txt", False),
        ("a.txt.gz", "txt", True),
        ("manifests/2026/a.json", "json", False),
        ("a.json.gz", "json", True),
        ("a.jsonl", "jsonl", False),
        ("a.jsonl.gz", "jsonl", True),
        ("a.ndjson", "jsonl", False),
        ("a.parquet", "parquet", False),
    ],
)
def test_the_extension_determines_the_format(key: str, name: str, gzipped: bool) -> None:
    extension, is_gzipped = format_from_name(key)

    assert (extension.default_format, is_gzipped) == (name, gzipped)


@pytest.mark.parametrize(
    "key",
    ["manifests/a", "manifests/a.xlsx", "manifests/a.csv.zip", "a.csv/b", "csv", "a.csv.gz.gz", "a.parquet.gz", "a.gz"],
)
def test_a_name_without_a_supported_extension_is_rejected_with_the_supported_ones(key: str) -> None:
    with pytest.raises(InvalidManifest, match=r"\.csv, \.tsv, \.txt, \.json, \.jsonl, \.ndjson, \.parquet, \.csv\.gz"):
        format_from_name(key)


@pytest.mark.parametrize(
    ("key", "data", "name"),
    [
        ("a.csv", b"url,title\n", "csv"),
        ("a.csv", b"title;url\nx,y;z\n", "csv-semicolon"),
        ("a.csv", b"title|url\n", "csv-pipe"),
        ("a.csv", b"title\turl\n", "tsv"),
        ("a.tsv", b"url,title\n", "csv"),
        ("a.csv", b"url,a;b\n", "csv"),
        ("a.csv", b'\xef\xbb\xbf\r\n "x",URL\r\n', "csv"),
        ("a.csv", b'"the url;of it";Image-URL\n', "csv-semicolon"),
        ("a.csv", b"title,link\n", "csv"),
        ("a.csv", b"http://a/1\nhttp://a/2\n", "csv-bare"),
        ("a.csv", b"HTTPS://a/1,Title\n", "csv-bare"),
        ("a.csv", b"http://a/1;Title\n", "csv-semicolon-bare"),
        ("a.csv", b"http://a/1|Title\n", "csv-pipe-bare"),
        ("a.csv", b"http://a/1,http://b/1\n", "csv-bare"),
        ("a.tsv", b"http://a/1\tTitle\n", "tsv-bare"),
        ("a.tsv", b"http://a/1\n", "tsv-bare"),
        ("a.tsv", b"TsvHttpData-1.0\nhttp://a/1\n", "tsv-list"),
        ("a.txt", b"TsvHttpData-1.0\r\nhttp://a/1\n", "tsv-list"),
        ("a.txt", b"http://a/1,2;3|4\n", "txt"),
        ("a.txt", b"1.jpg\n", "txt"),
        ("a.txt", b"url\n1.jpg\n", "tsv"),
        ("a.csv", b"", "csv"),
        ("a.csv", "url,x".encode("utf-16"), "csv"),
        ("a.csv", b'"' + b"x" * 2 * HEAD_BYTES, "csv"),
        ("a.json", b"url;title", "json"),
        ("a.jsonl", b"url;title", "jsonl"),
    ],
)
def test_the_first_line_determines_the_delimiter_and_whether_there_is_a_header(
    key: str, data: bytes, name: str
) -> None:
    assert format_of(key, data) == name


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"http://a/w_200,h_300/1.jpg\n", "it is ambiguous whether its URL ends at the first ','"),
        (b"http://a/1;v=2\n", "it is ambiguous whether its URL ends at the first ';'"),
        (b"http://a/1" + b",x" * 10, "no header and 11 columns; without a header, at most 10 are supported"),
    ],
)
def test_what_is_ambiguous_without_a_header_is_rejected(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=f"{sentence}.* Add a header line|{sentence}.*Add a header line"):
        format_of("a.csv", data)


def test_what_was_read_to_detect_the_format_is_not_lost() -> None:
    chunks = [b"ur", b"l\n", b"x" * HEAD_BYTES, b"y"]

    assert b"".join(detect_format(format_from_name("a.csv")[0], iter(chunks))[1]) == b"".join(chunks)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_format_writes_what_it_or_the_one_with_a_header_reads(form: Format) -> None:
    items = [dict.fromkeys(("url", "size", "md5"), "")] if form.name == "tsv-list" else [{"url": "http://a/1"}]
    data = "".join(form.write(items)).encode()

    detected, chunks = detect_format(format_from_name(f"retry{form.extension}")[0], iter([data]))

    assert detected.name == form.name.removesuffix("-bare").replace("csv-semicolon", "csv").replace("csv-pipe", "csv")
    assert list(detected.read(chunks)) == items


def test_a_manifest_is_decompressed_if_its_name_ends_with_gz() -> None:
    data = gzip.compress(b"url\n", mtime=0)

    assert b"".join(decompressed("a.csv.gz", [data])) == b"url\n"
    assert b"".join(decompressed("a.csv", [data])) == data
