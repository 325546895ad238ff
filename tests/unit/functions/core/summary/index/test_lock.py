"""The lock manifest: the rows whose image is in the bucket, with their digests, in the format of the manifest."""

import csv
import datetime as dt
import io
import json
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from functions.core.model.keys.row_numbers import ROW_COLUMN
from functions.core.model.options import Options
from functions.core.model.rows import RowRules, parse_row
from functions.core.summary.index import lock
from tests.support.arrow import file_of
from tests.support.index_fakes import EndedRun, failed, stored

URLS = [f"https://a.example/{number}.png" for number in range(1, 4)]
DIGESTS = [f"{row:064x}" for row in (1, 2)]


def locked_run(manifest: str | bytes, form: str, extension: str, **record: Any) -> EndedRun:
    """Three rows, of which the last one failed."""
    content = manifest if isinstance(manifest, bytes) else manifest.encode()
    lines = [stored(1, URLS[0]), stored(2, URLS[1], final_url="https://b.example/x"), failed(3, URLS[2])]
    counts = {"rows": 3, "stored": 2, "failed": 1}
    run = EndedRun(
        content, {"part-0000000001-00": lines}, form=form, key=f"manifests/list.{extension}", **{**counts, **record}
    )
    run.index()
    return run


def delimited(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


DELIMITED = {
    "csv": ("url,label\n" + "\n".join(f"{url},x" for url in URLS), "csv", "lock.csv", ","),
    "csv-semicolon": ("url;label\n" + "\n".join(f"{url};x" for url in URLS), "csv", "lock.csv", ";"),
    "tsv": ("url\tlabel\n" + "\n".join(f"{url}\tx" for url in URLS), "tsv", "lock.tsv", "\t"),
    "csv-bare": ("\n".join(f"{url},x" for url in URLS), "csv", "lock.csv", ","),
    "txt": ("\n".join(URLS), "txt", "lock.csv", ","),
    "tsv-list": ("TsvHttpData-1.0\n" + "\n".join(f"{url}\t1\t" for url in URLS), "tsv", "lock.tsv", "\t"),
}


@pytest.mark.parametrize("form", DELIMITED)
def test_the_lock_of_a_delimited_list_has_a_header_and_the_digests(form: str) -> None:
    manifest, extension, name, delimiter = DELIMITED[form]

    found = delimited(locked_run(manifest, form, extension).files.texts[name], delimiter)

    assert [line["url"] for line in found] == URLS[:2]
    assert [line["sha256"] for line in found] == DIGESTS
    assert [line["size"] for line in found] == ["101", "102"]
    assert [line["final_url"] for line in found] == ["", "https://b.example/x"]
    assert {line["downloaded_at"] for line in found} == {"2026-11-26T12:00:00.500Z"}
    assert all(parse_row(1, line).sha256 == line["sha256"] for line in found)


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_the_lock_of_json_keeps_strings_and_objects(form: str) -> None:
    items = [URLS[0], {"url": URLS[1], "tags": ["a", 1]}, URLS[2]]
    text = json.dumps(items) if form == "json" else "\n".join(map(json.dumps, items))

    written = locked_run(text, form, form).files.texts[f"lock.{form}"]

    found = json.loads(written) if form == "json" else [json.loads(line) for line in written.splitlines()]
    assert [item["url"] for item in found] == URLS[:2]
    assert found[1]["tags"] == ["a", 1]
    assert [item["sha256"] for item in found] == DIGESTS


def test_the_lock_of_parquet_keeps_the_types_of_the_manifest() -> None:
    moment = dt.datetime(2026, 1, 31, 9, 5, 7, tzinfo=dt.UTC)
    columns = {
        "url": URLS,
        "taken": pa.array([moment] * 3, pa.timestamp("ns", tz="UTC")),
        "scores": pa.array([[1.5], None, []], pa.list_(pa.float32())),
        "size": pa.array([1, 2, 3], pa.int32()),
        "empty": pa.array([None] * 3, pa.int16()),
    }
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)

    run = locked_run(file.getvalue(), "parquet", "parquet", options={"own_columns": ["size"]})

    found = pq.ParquetFile(io.BytesIO(run.files.uploads["lock.parquet"])).read()
    assert found.column("url").to_pylist() == URLS[:2]
    assert found.column("taken").to_pylist() == [moment] * 2
    assert found.schema.field("scores").type == pa.list_(pa.float32())
    assert found.schema.field("empty").type == pa.int16()
    assert (found.column("your_size").to_pylist(), found.column("size").to_pylist()) == ([1, 2], [101, 102])
    assert found.column("sha256").to_pylist() == DIGESTS


def test_a_row_of_parquet_without_an_outcome_has_its_url_and_its_columns() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"url": URLS, "label": [1, 2, 3]}), file)
    run = EndedRun(file.getvalue(), {}, form="parquet", key="manifests/l.parquet", rows=3, failed=3, columns=["label"])

    run.index()

    assert [(row["url"], row["label"]) for row in run.rows()] == list(zip(URLS, "123", strict=True))


def test_the_checks_of_the_manifest_are_replaced_and_own_columns_of_their_names_are_kept() -> None:
    manifest = "url,sha256,size\n" + "\n".join(f"{url},{'0' * 64},{number}" for number, url in enumerate(URLS))

    run = locked_run(manifest, "csv", "csv", options={"own_columns": ["size", "headers"], "per_host": 2})

    first = delimited(run.files.texts["lock.csv"])[0]
    assert (first["sha256"], first["size"], first["your_size"]) == (DIGESTS[0], "101", "0")
    assert run.files.metadata["lock.csv"] == {"own-columns": "headers", "per-host": "2"}


def test_a_lock_of_a_lock_has_the_same_columns() -> None:
    first = locked_run(DELIMITED["csv"][0], "csv", "csv").files.texts["lock.csv"]
    again = EndedRun(first.encode(), {"part-0000000001-00": [stored(1, URLS[0]), stored(2, URLS[1])]}, rows=2, stored=2)
    again.index()

    second = again.files.texts["lock.csv"]
    assert second.splitlines()[0] == first.splitlines()[0]


def test_relative_urls_are_completed_and_the_key_is_kept() -> None:
    run = locked_run(
        "url,key\n1.png,a.png\n2.png,b.png\n3.png,c.png\n", "csv", "csv", options={"base_url": "https://a.example"}
    )

    found = delimited(run.files.texts["lock.csv"])
    assert [(line["url"], line["key"]) for line in found] == list(zip(URLS[:2], ("a.png", "b.png"), strict=True))
    assert run.files.metadata["lock.csv"] == {}


@pytest.mark.parametrize("form", ["csv", "txt", "csv-bare"])
def test_a_lock_has_the_numbers_of_rows_that_are_in_their_keys(form: str) -> None:
    manifest, extension, name, delimiter = DELIMITED[form]
    options = {"key_template": "r/{row:04}.{ext}", "known_bad": "lists/a.txt"}

    run = locked_run(manifest, form, extension, options=options)

    found = delimited(run.files.texts[name], delimiter)
    assert [line[ROW_COLUMN] for line in found] == ["1", "2"]
    rules = RowRules.of(Options(key_template=options["key_template"]))
    assert [str(parse_row(9, line, rules).key) for line in found] == ["images/r/0001.{ext}", "images/r/0002.{ext}"]
    assert run.files.metadata[name] == {"key-template": "r/{row:04}.{ext}"}


def test_a_lock_of_parquet_has_the_numbers_of_rows_that_are_in_their_keys() -> None:
    run = locked_run(file_of({"url": URLS}), "parquet", "parquet", options={"key_template": "{row}"})

    found = pq.read_table(io.BytesIO(run.files.uploads["lock.parquet"]))
    assert found[ROW_COLUMN].to_pylist() == ["1", "2"]


def test_a_long_lock_is_in_several_manifests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "MAX_LOCK_ROWS", 1)

    texts = locked_run(DELIMITED["csv"][0], "csv", "csv").files.texts

    assert [len(delimited(texts[f"lock-{number:04d}.csv"])) for number in (1, 2)] == [1, 1]


def test_a_manifest_that_is_gone_has_no_lock() -> None:
    run = EndedRun(b"", {"part-0000000001-00": [stored(1, URLS[0])]}, rows=1, stored=1)
    run.manifests.objects.clear()

    run.index()

    assert "lock.csv" not in run.files.texts
    assert len(run.rows()) == 1
