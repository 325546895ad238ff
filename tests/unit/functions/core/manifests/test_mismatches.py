"""Manifests whose name says something else than their content: each is a run, or one sentence about what it is."""

import contextlib
import gzip
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.manifests.validation import ValidatedManifest, validate_manifest
from functions.core.model.errors import InvalidManifest
from functions.core.model.options import Options
from functions.core.model.runs import ManifestObject
from local.commands.manifest_plan import make_plan
from tests.support.contents import CSV, FILES, GZIPPED, JSON, JSONL, PARQUET, SUPPORTED, UNSUPPORTED, File
from tests.support.fakes import FakeManifests

compressed = partial(gzip.compress, mtime=0)
"""Without the time, which would be part of the names of tests."""

NAMES = (*SUPPORTED, *(suffix.upper() for suffix in SUPPORTED), *GZIPPED, *UNSUPPORTED)


def check(key: str, data: bytes) -> ValidatedManifest:
    manifests = FakeManifests(chunk_bytes=1000)
    manifests.add(f"manifests/{key}", data)
    return validate_manifest(manifests, ManifestObject("input", f"manifests/{key}", "e1", len(data)))


@pytest.mark.parametrize("name", FILES)
def test_every_content_under_every_name_is_a_run_or_is_described(name: str, tmp_path: Path) -> None:
    file = FILES[name]
    for suffix in NAMES:
        path = tmp_path / f"list{suffix}"
        path.write_bytes(file.data)
        if suffix.lower() in file.runs_as:
            assert check(path.name, file.data).contents.rows == make_plan(path, Options()).rows > 0, suffix
        else:
            with pytest.raises(InvalidManifest) as caught:
                check(path.name, file.data)
            with pytest.raises(InvalidManifest):
                make_plan(path, Options())
            assert_described(str(caught.value), file, suffix)


def assert_described(message: str, file: File, suffix: str) -> None:
    if suffix in GZIPPED and ("not a valid gzip file" in message or message.startswith("The decompressed manifest is")):
        return  # it has to be compressed, or what is in it is described
    assert file.words in message, suffix
    assert file.advice in message, suffix


@pytest.mark.parametrize("name", [name for name, file in FILES.items() if file.words])
def test_what_is_in_a_gzip_file_is_described_too(name: str) -> None:
    file, data = FILES[name], compressed(FILES[name].data)
    for suffix in SUPPORTED[:-1]:
        if suffix in file.runs_as:
            assert check(f"list{suffix}.gz", data).contents.rows > 0, suffix
        else:
            with pytest.raises(InvalidManifest) as caught:
                check(f"list{suffix}.gz", data)
            assert file.words in str(caught.value), suffix
    with pytest.raises(InvalidManifest, match="Decompress it: the columns of Parquet are compressed in the file"):
        check("list.parquet.gz", data)


@pytest.mark.parametrize(
    ("key", "data", "message"),
    [
        ("a.json", JSONL, "is JSON Lines, but its name, 'manifests/a.json', ends with .json. Name it 'a.jsonl'."),
        ("a.jsonl", JSON, "is a JSON array, but its name, 'manifests/a.jsonl', ends with .jsonl. Name it 'a.json'."),
        ("A.B.Csv", PARQUET, "is Parquet, but its name, 'manifests/A.B.Csv', ends with .csv. Name it 'A.B.parquet'."),
        ("a.csv", compressed(CSV), "is compressed with gzip, but .* ends with .csv. Name it 'a.csv.gz'."),
        ("a.parquet", compressed(PARQUET), "compressed with gzip, .* Decompress it: the columns of Parquet are"),
        ("a.csv.gz", compressed(compressed(CSV)), "The decompressed manifest is compressed .* Compress it once."),
        ("a.json.gz", compressed(JSONL), "decompressed manifest is JSON Lines, .* Name it 'a.jsonl.gz'."),
        ("a.csv.csv", JSONL, "Name it 'a.jsonl'."),
        ("a", JSONL, "no supported extension. Supported are: .*\\. The manifest is JSON Lines. Name it 'a.jsonl'."),
        ("a.ndj", JSONL, "The manifest is JSON Lines. Name it 'a.jsonl'."),
        ("a.zip", compressed(CSV), "is compressed with gzip. Name it after the list in it, such as list.csv.gz."),
        ("a.parquet.gz", compressed(PARQUET), "no supported extension.* is compressed with gzip. Decompress it"),
        ("a.md", b"# Images\n", "The manifest is text. Name a list of URLs .txt, and a table with a header .csv."),
        ("a.parquet", b"# Images\n", "The manifest is text, but its name"),
        ("a.parquet", CSV.decode().encode("utf-16"), "The manifest is text in UTF-16, but its name"),
        ("a.jsonl", b'"url","title"\n"http://a/1","b"\n', "The manifest is CSV, .* Name it 'a.csv'."),
        ("a.json", b"id;link\n1;http://a/1\n", "The manifest is CSV, .* Name it 'a.csv'."),
        ("a.jsonl", b'{"url": "http://a/1", "x": }\n', "Line 1 of the manifest is not valid JSON"),
        ("a.json", b"[{'url': 'http://a/1'}]", "Item 1 of the manifest is not valid JSON"),
        ("a.txt", b"url,title\nhttp://a/1,2\n", "The manifest is CSV, .* ends with .txt. Name it 'a.csv'."),
        ("a.txt", b"title;url\nx;http://a/1,2\n", "The manifest is CSV, .* ends with .txt. Name it 'a.csv'."),
        ("a.txt.gz", compressed(CSV), "The decompressed manifest is CSV, .* Name it 'a.csv.gz'."),
        ("a.parquet", b"", "is not a Parquet file, or it is truncated"),
        ("a.parquet", "id,gr\u00f6\u00dfe\n1,2\n".encode(), "The manifest is CSV, but .* Name it 'a.csv'."),
    ],
)
def test_the_message_has_the_right_name(key: str, data: bytes, message: str) -> None:
    with pytest.raises(InvalidManifest, match=message):
        check(key, data)


@pytest.mark.parametrize(
    ("key", "data", "name"),
    [
        ("a.txt", b"url\ttitle\nhttp://a/1,2\tx\n", "tsv"),
        ("a.txt", b"http://a/1,url\nhttp://a/2\n", "txt"),
        ("a.txt", b"http://a/1,2\n", "txt"),
        ("a.txt", b"url\nhttp://a/1,2\n", "tsv"),
        ("a.csv", b"url,Standard,x\nhttp://a/1,2,3\n", "csv"),
        ("a.csv", b"url,key,DUCK\nhttp://a/1,,3\n", "csv"),
        ("a.csv", b"ORCID,url\n1,http://a/1\n", "csv"),
        ("a.csv", b"BM,url\n1,http://a/1\n", "csv"),
        ("a.csv", b'"[a]",url\n1,http://a/1\n', "csv"),
        ("a.csv", b"[1],url\n1,http://a/1\n", "csv"),
        ("a.csv", b'"<b>",url\n1,http://a/1\n', "csv"),
        ("a.csv", b"<b>,url\n1,http://a/1\n", "csv"),
        ("a.tsv", b"version https://git-lfs.\turl\n1\thttp://a/1\n", "tsv"),
        ("a.csv", b'"http://a/1"\n"http://a/2"\n', "csv-bare"),
        ("a.txt", b'"http://a/1"\n', "txt"),
        ("a.jsonl", b'"http://a/1"', "jsonl"),
        ("a.jsonl", b'{"url": "http://a/1"}', "jsonl"),
        ("a.jsonl", b'\xef\xbb\xbf{"url": "http://a/1", "t": "url,title"}\n', "jsonl"),
        ("a.json", b' \r\n["http://a/1"]', "json"),
        ("a.json", b"[]", "json"),
        ("a.csv.csv", b"url\nhttp://a/1\n", "csv"),
        (".csv", b"url\nhttp://a/1\n", "csv"),
    ],
)
def test_a_list_is_read_whatever_else_its_beginning_may_look_like(key: str, data: bytes, name: str) -> None:
    assert check(key, data).format == name


@settings(max_examples=400, deadline=None)
@given(
    beginning=st.sampled_from([b"", *(file.data[:300] for file in FILES.values())]),
    rest=st.binary(max_size=80) | st.text('{}[]":,;<>!?\n\t urla1é', max_size=40).map(str.encode),
    stem=st.sampled_from(["list", "", ".", "..", "a/", "a.", "a.gz.b"]),
    suffix=st.sampled_from([*SUPPORTED, *GZIPPED, ""]),
    zipped=st.booleans(),
)
def test_any_bytes_under_any_name_are_a_run_or_rejected(
    beginning: bytes, rest: bytes, stem: str, suffix: str, zipped: bool
) -> None:
    data = beginning + rest
    with contextlib.suppress(InvalidManifest):
        check(f"{stem}{suffix}", compressed(data) if zipped else data)
