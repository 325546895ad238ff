"""Valid and invalid manifests of every kind, through the logic of PrepareRun. Errors of single rows are in
`tests/integration/test_manifests.py`."""

import codecs
import gzip
import json
from typing import Any

import pytest

from functions.core.model.errors import InvalidManifest
from functions.core.model.runs import run_id_of
from functions.core.prepare import Preparer
from tests.support.fakes import FakeManifests, FakeRecords

URL = "http://a.example/1.png"
STARTED_AT = "2026-07-25T12:00:00.000Z"


class Run:
    def __init__(
        self, name: str, data: str | bytes, metadata: dict[str, str] | None = None, whole: int = 10**9
    ) -> None:
        content = data.encode() if isinstance(data, str) else data
        created = {"key": f"manifests/{name}", "etag": "e1", "size": len(content), "sequencer": "s1"}
        event = {"detail": {"bucket": {"name": "input"}, "object": created}}
        manifests, records = FakeManifests(chunk_bytes=4096), FakeRecords()
        manifests.add(f"manifests/{name}", content, metadata=metadata or {})
        preparer = Preparer(manifests=manifests, records=records, defaults={}, whole_bytes=whole)
        self.payload: dict[str, Any] = preparer.prepare(event, "arn:1", STARTED_AT)
        self.record = records.records[run_id_of(event)]


@pytest.mark.parametrize(
    ("name", "data", "rows"),
    [
        ("mark.csv", codecs.BOM_UTF8 + f"url\n{URL}\n".encode(), 1),
        ("mark.txt", codecs.BOM_UTF8 + f"{URL}\n".encode(), 1),
        ("mark.json", codecs.BOM_UTF8 + f'["{URL}"]'.encode(), 1),
        ("mark.jsonl", codecs.BOM_UTF8 + f'"{URL}"\n'.encode(), 1),
        ("crlf.csv", f"url,a\r\n{URL},1\r\n{URL},2\r\n", 2),
        ("crlf.txt", f"{URL}\r\n{URL}\r\n", 2),
        ("crlf.jsonl", f'"{URL}"\r\n"{URL}"\r\n', 2),
        ("blank.csv", f"\n\nurl\n\n{URL}\n\r\n{URL}\n\n\n", 2),
        ("blank.jsonl", f'\n"{URL}"\n\n  \n', 1),
        ("spaces.csv", f'url ,a\n{URL} ,1  \n"{URL}","1"  \n', 2),
        ("spaces.txt", f"{URL}  \n", 1),
        ("spaces.jsonl", f'  "{URL}"  \n', 1),
        ("one.csv", f"url\n{URL}", 1),
        ("many.csv", "url\n" + f"{URL}\n" * 100_000, 100_000),
        ("many.csv.gz", gzip.compress(("url\n" + f"{URL}\n" * 100_000).encode(), mtime=0), 100_000),
    ],
)
def test_this_is_accepted(name: str, data: str | bytes, rows: int) -> None:
    run = Run(name, data)

    assert (run.payload["status"], run.payload["rows"], run.record["rows"]) == ("ready", rows, rows)
    assert run.record["note"] is None


def test_a_missing_header_is_accepted_and_noted() -> None:
    run = Run("bare.csv", f"{URL},x\n")

    assert (run.payload["reader"], run.payload["rows"]) == ("csv-bare", 1)
    assert run.record["note"].startswith("The manifest has no header")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("none.csv", ""),
        ("none.txt", ""),
        ("none.json", ""),
        ("none.jsonl", "\n"),
        ("header.csv", "url,title\n"),
        ("header.tsv", "TsvHttpData-1.0\n"),
        ("array.json", "[]"),
        ("none.csv.gz", gzip.compress(b"", mtime=0)),
    ],
)
def test_a_manifest_without_rows_is_empty(name: str, data: str | bytes) -> None:
    run = Run(name, data)

    assert (run.payload["status"], run.payload["rows"]) == ("empty", 0)


LONG = "9" * 5_000


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("wide.csv", f"url\n{URL}\n".encode("utf-16"), r"Byte 3 of the manifest is zero, as in UTF-16\. Save it as"),
        ("wide.txt", URL.encode("utf-16-be"), r"Byte 0 of the manifest is zero"),
        ("wide.json", f'["{URL}"]'.encode("utf-16-le"), r"Byte 1 of the manifest is zero"),
        ("latin.csv", f"url\n{URL}?\u00e9\n".encode("latin-1"), r"not UTF-8: byte 27 is 0xe9\. Save it as UTF-8"),
        ("latin.jsonl", f'"{URL}?\u00e9"\n'.encode("latin-1"), r"not UTF-8: byte 24 is 0xe9"),
        ("zero.csv", b"url\nhttp://a/\0\n", r"Byte 13 of the manifest is zero"),
        ("column.csv", f"title,link\nx,{URL}\n", r"no url column: its first line has title, link\. Name the column"),
        ("column.jsonl", f'{{"link": "{URL}"}}\n', "No item of the manifest is a URL or has one"),
        ("twice.csv", f"url,a,a\n{URL},1,2\n", r"Two columns of the manifest are named 'a'\. Give each column its own"),
        (
            "quote.csv",
            f'url\n{URL}\n"{URL}\n{URL}\n',
            r"Line 3 of the manifest has a quotation mark that is not closed",
        ),
        (
            "comma.csv",
            "url,a\n" + f"{URL},2,3\n" * 12,
            r"Lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more .* Put quotes",
        ),
        ("slash.csv", f"url\n{URL}\nhttp://a\\b\n", r"Line 3 of the manifest has a backslash.* URLs have no backslash"),
        ("slash.txt", "http://a\\b\n", r"Line 1 of the manifest has a backslash"),
        ("mac.csv", f"url\r{URL}\r", r"Line 1 of the manifest has a carriage return in it\. End lines with LF"),
        ("object.json", f'{{"url": "{URL}"}}', r"A JSON manifest is an array .* Start it with '\['"),
        ("deep.json", "[" * 100_000, r"Item 1 of the manifest is not valid JSON: it is nested too deeply"),
        (
            "deep.jsonl",
            f'"{URL}"\n' + "[" * 100_000,
            r"Line 2 of the manifest is not valid JSON: it is nested too deeply",
        ),
        ("long.json", f'["{URL}", {LONG}]', r"Item 2 of the manifest is not valid JSON: a number has 5000 digits"),
        (
            "long.jsonl",
            f'{{"url": "{URL}", "n": {LONG}}}\n',
            r"Line 1 of the manifest is not valid JSON: a number has 5000",
        ),
        (
            "plain.jsonl",
            f'"{URL}"\n{URL}\n\n{URL}\n',
            r"Lines 2, 4 of the manifest are not valid JSON\. Each line is a URL in",
        ),
        (
            "large.csv",
            f"url,a\n{URL},{'x' * 190_000}\n",
            r"Line 2 of the manifest is larger than 180 KB, the limit of a row",
        ),
        (
            "large.json",
            json.dumps([{"url": URL, "a": "x" * 190_000}]),
            r"Item 1 of the manifest is larger than 180 KB, the limit of a row",
        ),
        ("plain.csv.gz", f"url\n{URL}\n", r"ends with \.gz, but it is not a valid gzip file"),
        ("cut.csv.gz", gzip.compress(f"url\n{URL}\n".encode(), mtime=0)[:-9], r"The gzip file is truncated"),
        ("plain.parquet", f"url\n{URL}\n", r"The manifest is CSV, but its name, .* Name it 'plain\.csv'"),
        ("list.xlsx", "url\n", r"has no supported extension\. Supported are: \.csv, \.tsv, \.txt, .*\.csv\.gz"),
        ("list.csv.zip", "url\n", r"has no supported extension"),
    ],
)
def test_this_is_rejected_with_where_it_is_and_how_to_fix_it(name: str, data: str | bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        Run(name, data)


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({"conzurrency": "5"}, "There is no option 'conzurrency'"),
        ({"batch-size": "0"}, "Option 'batch_size' must be a whole number from 1 to 1,000"),
        ({"base-url": "a.example"}, "Option 'base_url' must be an absolute URL of up to 2,048 characters"),
    ],
)
def test_an_invalid_option_is_named(metadata: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        Run("a.csv", f"url\n{URL}\n", metadata)


def test_what_is_too_large_to_be_read_whole_has_no_total_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.core.manifests.validation.SAMPLE_BYTES", 10_000)

    run = Run("big.csv", "url,a\n" + f"{URL},1\n" * 5_000, whole=50_000)

    assert (run.payload["status"], run.payload["rows"], run.record["columns"]) == ("ready", None, ["a"])
    assert "rows" not in run.record
    assert run.record["note"].startswith("Only a part of the manifest was validated")
