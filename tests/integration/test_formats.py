"""Parquet with columns of every type, and manifests whose content is not what their name says, through the pipeline."""

import gzip
import io
import json
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from pyarrow import parquet

from local.aws.cloud import Cloud
from tests.support.arrow import columns, file_of
from tests.support.contents import FILES, JSON, JSONL, URLS
from tests.support.images import png
from tests.support.kill_functions import kill_download_batch
from tests.support.pipeline import is_reconciled, mirror
from tests.support.site import Answer, Site

COLUMNS = columns()
OWN = {name: column for name, (column, _) in COLUMNS.items()}


def values_of(row: int) -> dict[str, Any]:
    return {name: values[row] for name, (_, values) in COLUMNS.items()}


def test_columns_of_every_type_are_in_the_results_and_in_the_retry_manifest(cloud: Cloud, site: Site) -> None:
    urls = [site.put("/stored.png", png()), site.put("/busy.png", Answer(b"", 503))]

    run = mirror(cloud, "types.parquet", file_of({"url": urls, **OWN}), {"rounds": "1"})

    assert run.status == "SUCCEEDED", run.cause
    assert is_reconciled(run.summary)
    assert [run.summary[name] for name in ("rows", "stored", "failed")] == [2, 1, 1]
    assert run.outcomes()[1]["columns"] == values_of(0)
    (retry,) = map(json.loads, run.file(run.summary["retry_manifest"]).splitlines())
    assert retry == {"url": urls[1], **values_of(1)}
    (failure,) = run.failures()
    assert (failure["timestamp us UTC"], failure["date32"]) == ("", "")


def test_rows_of_a_crashed_batch_with_columns_of_every_type_are_retried(cloud: Cloud, site: Site) -> None:
    urls = [site.put("/one.png", Answer(png(), before=kill_download_batch)), site.put("/two.png", png())]

    run = mirror(cloud, "doomed-types.parquet", file_of({"url": urls, **OWN}), {"batch-size": "2"})

    assert is_reconciled(run.summary)
    assert run.summary["failures_by_reason"] == {"batch_crashed": 2}
    retry = [json.loads(line) for line in run.file(run.summary["retry_manifest"]).splitlines()]
    assert retry == [{"url": url, **values_of(row)} for row, url in enumerate(urls)]


def test_the_columns_that_a_run_reads_may_have_the_types_of_a_data_frame(cloud: Cloud, site: Site) -> None:
    """A size with missing values is a column of floats, and headers are a struct with nulls."""
    image = png()
    urls = [site.put(f"/{n}.png", image) for n in range(2)]
    own = {
        "size": pa.array([float(len(image)), float("nan")]),
        "key": pa.array(["frame/a.png", None]).dictionary_encode(),
        "sha256": pa.nulls(2),
        "headers": pa.array([{"Referer": "http://a.example/"}, {"Referer": None}]),
    }

    run = mirror(cloud, "frame.parquet", file_of({"url": urls, **own}), {"on-existing": "overwrite"})

    assert (run.summary["stored"], run.summary["failures_by_reason"]) == (2, {})


def test_a_parquet_file_that_breaks_off_loses_no_row(cloud: Cloud) -> None:
    content = file_of({"url": [f"http://a.example/{n}" for n in range(30)]}, row_group_size=10, use_dictionary=False)
    page = parquet.read_metadata(io.BytesIO(content)).row_group(2).column(0).data_page_offset

    run = mirror(cloud, "broken.parquet", content[:page] + bytes(20) + content[page + 20 :])

    assert (run.status, run.execution["error"]) == ("FAILED", "States.ItemReaderFailed")
    assert "the Parquet file cannot be read after row 0: " in run.cause
    assert is_reconciled(run.summary)
    assert run.summary["failures_by_reason"] == {"batch_crashed": 30}


def test_a_row_of_parquet_that_fits_into_no_batch_loses_no_row(cloud: Cloud, site: Site) -> None:
    urls = [site.put(f"/{n}.png", png()) for n in range(3)]

    run = mirror(cloud, "large.parquet", file_of({"url": urls, "own": ["", "x" * 250_000, ""]}), {"batch-size": "1"})

    assert (run.status, run.execution["error"]) == ("FAILED", "States.DataLimitExceeded")
    assert "item 1 makes the input of its child execution larger" in run.cause
    assert is_reconciled(run.summary)


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd"])
def test_a_codec_that_step_functions_reads_is_read(cloud: Cloud, site: Site, codec: str) -> None:
    url = site.put("/a.png", png())

    run = mirror(cloud, f"{codec}.parquet", file_of({"url": [url]}, compression=codec), {"on-existing": "overwrite"})

    assert run.summary["stored"] == 1


WRONG = {
    "strings": ".json",
    "csv": ".jsonl",
    "tsv": ".json",
    "json": ".jsonl",
    "json lines": ".json",
    "parquet": ".csv",
}


@pytest.mark.parametrize("name", [name for name, file in FILES.items() if file.words])
def test_a_manifest_with_a_wrong_name_ends_before_any_row(cloud: Cloud, name: str) -> None:
    file = FILES[name]
    wrong = WRONG.get(name) or next(suffix for suffix in (".csv", ".jsonl") if suffix not in file.runs_as)

    run = mirror(cloud, f"wrong{wrong}", file.data)

    assert (run.status, run.execution["error"]) == ("FAILED", "InvalidManifest")
    assert file.words in run.cause
    assert file.advice.replace("list.", "wrong.") in run.cause
    assert (run.summary["rows"], is_reconciled(run.summary)) == (0, True)


@pytest.mark.parametrize(
    ("name", "data"), [("list.json.gz", JSON), ("list.jsonl.gz", JSONL), ("LIST.NDJSON.GZ", JSONL)]
)
def test_json_is_decompressed(cloud: Cloud, site: Site, name: str, data: bytes) -> None:
    for url in URLS:
        data = data.replace(url.encode(), site.put(f"/{url[-5:]}", png()).encode())

    run = mirror(cloud, name, gzip.compress(data), {"on-existing": "overwrite"})

    assert (run.status, run.summary["stored"]) == ("SUCCEEDED", 2), run.cause
