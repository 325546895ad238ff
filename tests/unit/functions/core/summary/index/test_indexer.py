"""The index of a run that has ended."""

import csv
import io
import json
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from functions.core.model.errors import BooksFault, StorageFault
from functions.core.summary.index.indexer import WITHOUT_OUTCOME, RunNotEndedError
from tests.support.index_fakes import EndedRun, failed, stored

URLS = [f"https://a.example/{number}.png" for number in range(1, 6)]
MANIFEST = "url,label\n" + "".join(f"{url},{number}\n" for number, url in enumerate(URLS, 1))


def ended_run(**record: Any) -> EndedRun:
    """Five rows in two batches: the third row failed, and the last one has no outcome."""
    lines = [stored(row, URLS[row - 1], columns={"label": str(row)}) for row in (1, 2, 4)]
    failure = failed(3, URLS[2], columns={"label": "3"})
    parts = {"part-0000000001-00": [*lines[:2], failure], "part-0000000004-00": [lines[2]]}
    return EndedRun(MANIFEST.encode(), parts, **{"rows": 5, "stored": 3, "failed": 2, "columns": ["label"], **record})


def test_a_row_without_an_outcome_is_in_a_file_of_its_own() -> None:
    run = ended_run()

    assert run.index() == 5
    assert [row["row"] for row in run.rows()] == [1, 2, 3, 4, 5]
    lost = run.rows()[4]
    assert (lost["outcome"], lost["reason"], lost["url"], lost["label"]) == ("failed", "batch_crashed", URLS[4], "5")
    assert sorted(run.files.uploads) == [
        "index/part-0000000001.parquet", WITHOUT_OUTCOME, "results.csv",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "reason", "message"),
    [
        ({"status": "cancelled", "error": "Cancelled"}, "out_of_time", "cancelled"),
        ({"status": "cancelled", "error": "Interrupted"}, "out_of_time", "interrupted"),
        ({"status": "failed", "error": "States.Timeout"}, "out_of_time", "timed out"),
        ({"status": "failed", "error": "TooManyFailures"}, "batch_crashed", "crashed or was stopped"),
    ],
    ids=["cancelled", "interrupted", "timed out", "crashed"],
)
def test_a_row_without_an_outcome_has_the_reason_of_the_summary(
    record: dict[str, str], reason: str, message: str
) -> None:
    run = ended_run(**record)
    run.index()

    lost = run.rows()[4]
    assert lost["reason"] == reason
    assert message in lost["message"]


def test_a_run_without_any_outcome_has_one_file() -> None:
    run = EndedRun(MANIFEST.encode(), {}, rows=5, failed=5)

    assert run.index() == 5
    assert len(run.rows()) == 5


def test_a_run_without_rows_has_an_index_of_no_rows() -> None:
    run = EndedRun(b"url\n", {}, rows=0)

    assert run.index() == 0
    assert run.rows() == []


@pytest.mark.parametrize("counts", [{"stored": 4, "failed": 1}, {"stored": 3, "failed": 1}], ids=["other", "fewer"])
def test_rows_that_are_not_those_of_the_summary_are_an_error(counts: dict[str, int]) -> None:
    with pytest.raises(
        BooksFault, match='The summary has {"stored": . "failed": 1}, but the results are'.replace(".", ".,")
    ):
        ended_run(**counts).index()


def test_an_index_with_fewer_rows_than_the_run_is_an_error() -> None:
    indexer = ended_run().indexer()
    indexer.plan()

    with pytest.raises(BooksFault, match="The run has 5 rows, but the index has 4"):
        indexer.publish(3)


def test_after_a_failed_map_the_documents_are_still_written() -> None:
    run = ended_run()
    indexer = run.indexer()
    indexer.plan()

    assert indexer.publish(None) == 5
    assert {"results.csv"} <= run.files.uploads.keys()
    assert {"lock.csv", "domains.csv", "croissant.json", "athena.sql"} <= run.files.texts.keys()


def test_files_of_an_earlier_index_are_deleted() -> None:
    run = ended_run()
    run.files.uploads["index/part-0000000777.parquet"] = b"old"

    run.index()

    assert len(run.rows()) == 5


def test_an_index_that_is_made_again_is_the_same() -> None:
    run = ended_run()
    run.index()
    before = dict(run.files.uploads), dict(run.files.texts)

    run.index()

    assert (run.files.uploads, run.files.texts) == before


def test_s3_errors_end_a_step_which_can_be_repeated() -> None:
    run = ended_run()
    indexer = run.indexer()
    indexer.plan()
    run.files.faults.append(StorageFault("S3 is down."))

    with pytest.raises(StorageFault):
        indexer.write_group(0)

    assert indexer.write_group(0) == 4


@pytest.mark.parametrize("record", [None, {"status": "running"}])
def test_a_run_that_has_not_ended_is_refused(record: dict[str, str] | None) -> None:
    run = ended_run()
    run.records.records = {"run-1": {"run_id": "run-1", **record}} if record else {}  # type: ignore[typeddict-item]

    with pytest.raises(RunNotEndedError, match="There is no run run-1 that has ended"):
        run.indexer().plan()


def test_without_pyarrow_only_the_documents_are_written() -> None:
    run = ended_run()

    assert run.index(with_parquet=False) == 5
    assert list(run.files.uploads) == ["results.csv"]
    assert len(list(csv.DictReader(io.StringIO(run.files.uploads["results.csv"].decode())))) == 5


def test_text_that_utf_8_does_not_have_is_written_as_its_escape_sequence() -> None:
    line = stored(1, URLS[0], columns={"a": "x\ud800", "b\ud800": "y"}, signals={"n\ud800": ["v\ud800"]})
    run = EndedRun(
        json.dumps([{"url": URLS[0]}]).encode(), {"part-0000000001-00": [line]},
        form="json", key="manifests/list.json", rows=1, stored=1, columns=["a", "b\ud800"],
    )  # fmt: skip

    run.index()

    [row] = run.rows()
    assert (row["a"], row["b\\ud800"]) == ("x\\ud800", "y")
    assert row["signals"] == [("n\\ud800", ["v\\ud800"])]
    assert "x\\ud800" in run.files.uploads["results.csv"].decode()


def test_all_files_have_one_schema_with_the_types_of_the_columns() -> None:
    run = ended_run()
    run.index()

    schema = run.table().schema
    assert schema.field("row").type == pa.int64()
    assert schema.field("downloaded_at").type == pa.timestamp("ms", tz="UTC")
    assert schema.field("signals").type == pa.map_(pa.string(), pa.list_(pa.string()))
    assert schema.field("label").type == pa.string()
    metadata = pq.ParquetFile(io.BytesIO(run.files.uploads[WITHOUT_OUTCOME])).metadata
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def test_the_athena_table_has_the_columns_that_need_no_quotes() -> None:
    run = ended_run(columns=["label", "Row", "two words"])
    run.index()

    statement = run.files.texts["athena.sql"]
    assert statement.startswith("CREATE EXTERNAL TABLE `run_run_1` (\n  `row` bigint,")
    assert "`label` string,\n  `your_row` string\n)" in statement
    assert "two words" not in statement
    assert "LOCATION 's3://input/runs/run-1/index/';" in statement


def test_the_description_of_the_data_set_says_what_the_run_knows() -> None:
    run = ended_run()
    run.index()

    card = json.loads(run.files.texts["croissant.json"])
    assert card["rai:dataCollectionTimeframe"] == ["2026-11-26T12:00:00.000Z", "2026-11-26T12:00:09.000Z"]
    assert card["rai:dataCollectionMissingData"].startswith("Rows by outcome: 2 failed, 3 stored.")
    assert "license" in card["description"]
    fields = {field["name"]: field["dataType"] for field in card["recordSet"][0]["field"]}
    assert (fields["row"], fields["label"], "signals" in fields) == ("sc:Integer", "sc:Text", False)


def test_domains_are_ordered_by_size_with_the_top_tenth_marked() -> None:
    hosts = ["img.big.co.uk", "www.big.co.uk", "me.github.io", "127.0.0.1:8080", "[::1]", "intranet"]
    sizes = [500, 400, 60, 30, 8, 2]
    urls = [f"https://{host}/{row}.png" for row, host in enumerate(hosts, 1)]
    lines = [stored(row, url, bytes=size) for row, (url, size) in enumerate(zip(urls, sizes, strict=True), 1)]
    run = EndedRun(("url\n" + "\n".join(urls)).encode(), {"part-0000000001-00": lines}, rows=6, stored=6)
    run.index()

    assert run.files.texts["domains.csv"].splitlines() == [
        "domain,images,bytes,share,cumulated_share,top_10_percent",
        "big.co.uk,2,900,0.9,0.9,true",
        "me.github.io,1,60,0.06,0.96,false",
        "127.0.0.1,1,30,0.03,0.99,false",
        "::1,1,8,0.008,0.998,false",
        "intranet,1,2,0.002,1.0,false",
    ]
