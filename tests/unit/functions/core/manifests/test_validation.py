"""Validation of a manifest before it is run."""

import contextlib
import gzip
import io
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from functions.core.manifests import validation
from functions.core.manifests.parquet import footer as parquet
from functions.core.manifests.validation import ValidatedManifest, validate_manifest
from functions.core.model.errors import InvalidManifest
from functions.core.model.runs import ManifestObject
from tests.support.fakes import FakeManifests

SAMPLE = 200


def check(name: str, data: bytes, whole_bytes: int = 10**9) -> ValidatedManifest:
    manifests = FakeManifests(chunk_bytes=64)
    manifests.add(f"manifests/{name}", data)
    return validate_manifest(manifests, ManifestObject("input", f"manifests/{name}", "e1", len(data)), whole_bytes)


@pytest.fixture
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "SAMPLE_BYTES", SAMPLE)


CSV = b"url,id\n" + b"".join(b"http://a/%d,\xc3\xa9\n" % n for n in range(100))
JSONL = b"".join(b'"http://a/%d"\n' % n for n in range(100))
JSON = b"[" + b",".join(JSONL.splitlines()) + b"]\n"


@pytest.mark.parametrize(("name", "data"), [("a.csv", CSV), ("a.jsonl", JSONL), ("a.json", JSON)])
@pytest.mark.parametrize("whole_bytes", [0, 1, 2])
def test_a_manifest_is_read_whole_up_to_the_limit(name: str, data: bytes, whole_bytes: int) -> None:
    found = check(name, data, len(data) + whole_bytes)

    assert (found.contents.rows, found.sampled) == (100, False)


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize(("name", "data"), [("a.csv", CSV), ("a.jsonl", JSONL), ("a.json", JSON)])
@pytest.mark.parametrize("sample", range(180, 200))
def test_the_beginning_and_the_end_of_a_larger_one_are_read_wherever_they_are_cut(
    name: str, data: bytes, sample: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "SAMPLE_BYTES", sample)

    found = check(name, data, len(data) - 1)

    assert found.sampled
    assert 5 < found.contents.rows < 30
    assert found.contents.columns == (("id",) if name == "a.csv" else ())


@pytest.mark.usefixtures("small_sample")
@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.csv", b"url\nhttp://a/1,2\n" + CSV, "Lines 2, 3, .* of the manifest have more fields"),
        ("a.csv", b"link\n" + CSV.replace(b"url,id\n", b""), "no url column"),
        ("a.csv", CSV + b"http://a/\xff\n", "In the last 1.. bytes of the manifest .*byte 1.. is 0xff"),
        ("a.csv", CSV + b"http://a/\0\n", "In the last .*is zero"),
        ("a.jsonl", JSONL + b"x\n", "In the last .* is not valid JSON"),
        ("a.json", JSON.rstrip()[:-1], "In the last .* The JSON array is not closed"),
    ],
)
def test_errors_are_found_at_both_ends(name: str, data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        check(name, data, 300)


@pytest.mark.parametrize("whole_bytes", [300, 10_000])
def test_the_size_of_a_gzipped_one_is_that_of_the_decompressed_data(whole_bytes: int) -> None:
    found = check("a.csv.gz", gzip.compress(CSV, mtime=0), whole_bytes)

    assert (found.format, found.sampled) == ("csv", whole_bytes < len(CSV))
    assert found.contents.rows == (100 if not found.sampled else found.contents.rows)


def test_a_truncated_gzip_file_is_rejected() -> None:
    with pytest.raises(InvalidManifest, match="The gzip file is truncated"):
        check("a.csv.gz", gzip.compress(CSV, mtime=0)[:-20])


TABLE = {"id": [1, 2, 3], "tags": [["x"], [], ["y"]], "box": [{"a": 1, "b": {"c": 2}}] * 3, "url": ["x", "y", None]}


def parquet_file(table: dict[str, Any], **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(table), file, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"version": "1.0"},
        {"compression": "gzip", "row_group_size": 1},
        {"use_dictionary": False, "data_page_version": "2.0"},
    ],
)
def test_the_footer_of_parquet_has_rows_and_columns(options: dict[str, Any]) -> None:
    found = check("a.parquet", parquet_file(TABLE, **options))

    assert (found.format, found.contents.rows, found.contents.columns) == ("parquet", 3, ("id", "tags", "box"))


def test_a_footer_that_names_many_columns_is_read() -> None:
    found = check("a.parquet", parquet_file({f"column{n}": [1] for n in range(300)} | {"URL": ["x"]}))

    assert (found.contents.rows, len(found.contents.columns)) == (1, 200)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is not a Parquet file"),
        (b"PAR1", "is not a Parquet file"),
        (bytes(100), "is not a Parquet file"),
        (parquet_file(TABLE)[:-1], "is not a Parquet file"),
        (b"PAR1" + bytes(20) + b"\x09\0\0\0PAR1", "is corrupt"),
        (parquet_file({"link": ["x"], "id": [1]}), "its columns are link, id. Name the column of the URLs 'url'"),
        (parquet_file({"url": [1]}), "The column url of the Parquet file is not of type STRING"),
        (parquet_file({"url": [b"x"]}), "The column url of the Parquet file is not of type STRING"),
    ],
)
def test_parquet_that_cannot_be_run_is_rejected(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidManifest, match=sentence):
        check("a.parquet", data)


FOOTER = parquet_file(TABLE)[-8 - int.from_bytes(parquet_file(TABLE)[-8:-4], "little") : -8]


@given(st.lists(st.tuples(st.integers(0, 250), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 250))
def test_any_footer_is_read_or_rejected(changes: list[tuple[int, int]], end: int) -> None:
    footer = bytearray(FOOTER)
    for at, byte in changes:
        footer[at] = byte

    for data in (bytes(footer), FOOTER[:end]):
        with contextlib.suppress(InvalidManifest):
            parquet.read_footer(data)
