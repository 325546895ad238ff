"""Manifests of every format through the whole pipeline."""

import base64
import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from pyarrow import parquet

from local.aws.cloud import Cloud
from tests.support.images import png
from tests.support.kill_functions import kill_download_batch
from tests.support.pipeline import FinishedRun, finish, is_reconciled, mirror, start
from tests.support.site import Answer, Site

THIRTY = 30
Rows = list[dict[str, Any]]


def delimited(delimiter: str, rows: Rows, header: bool = True) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    if header:
        writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return file.getvalue()


def url_list(rows: Rows) -> str:
    lines = (f"{row['url']}\t{row['bytes']}\t{row['checksum']}" for row in rows)
    return "TsvHttpData-1.0\n" + "".join(f"{line}\n" for line in lines)


def parquet_of(rows: Rows) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), file, row_group_size=7)
    return file.getvalue()


FORMATS: dict[str, Callable[[Rows], str | bytes]] = {
    "comma.csv": lambda rows: delimited(",", rows),
    "semicolon.csv": lambda rows: delimited(";", rows),
    "pipe.csv": lambda rows: delimited("|", rows),
    "bare.csv": lambda rows: delimited(",", rows, header=False),
    "marked.csv": lambda rows: "\ufeff" + delimited(",", rows).replace("\r\n", " \r\n\r\n"),
    "header.tsv": lambda rows: delimited("\t", rows),
    "bare.tsv": lambda rows: delimited("\t", rows, header=False),
    "list.tsv": url_list,
    "lines.txt": lambda rows: "".join(f"{row['url']}\n" for row in rows),
    "strings.json": lambda rows: json.dumps([row["url"] for row in rows]),
    "objects.json": lambda rows: json.dumps(rows),
    "lines.jsonl": lambda rows: "".join(json.dumps(row) + "\n" for row in rows),
    "lines.ndjson": lambda rows: "".join(json.dumps(row["url"]) + "\n" for row in rows),
    "table.parquet": parquet_of,
}
GZIPPED = [name for name in FORMATS if not name.endswith((".parquet", "marked.csv"))]


@pytest.fixture(scope="module")
def thirty() -> Any:
    """A site with thirty images, and a row for each."""
    with Site() as site:
        images = [png(note=b"image %d" % number) for number in range(THIRTY)]
        yield [
            {
                "url": site.put(f"/{number}.png", image),
                "bytes": len(image),
                "checksum": base64.b64encode(hashlib.md5(image).digest()).decode(),
                "title": f"Image, {number}",
            }
            for number, image in enumerate(images)
        ]


@pytest.mark.parametrize("name", [*FORMATS, *(f"{name}.gz" for name in GZIPPED)])
def test_thirty_images_are_the_same_thirty_in_every_format(cloud: Cloud, thirty: Rows, name: str) -> None:
    manifest = FORMATS[name.removesuffix(".gz")](thirty)
    content = manifest.encode() if isinstance(manifest, str) else manifest

    run = mirror(
        cloud, name, gzip.compress(content, mtime=0) if name.endswith(".gz") else content, {"on-existing": "overwrite"}
    )

    assert run.status == "SUCCEEDED", run.cause
    assert is_reconciled(run.summary)
    assert (run.summary["rows"], run.summary["stored"]) == (THIRTY, THIRTY)
    assert {row: line["url"] for row, line in run.outcomes().items()} == {
        number: row["url"] for number, row in enumerate(thirty, start=1)
    }
    for number, row in enumerate(thirty):
        assert run.image(row["url"]) == png(note=b"image %d" % number)
        assert (run.row(row["url"]) or {})["row"]["N"] == str(number + 1)


def test_the_sizes_and_checksums_of_a_url_list_are_verified(cloud: Cloud, site: Site) -> None:
    image = png()
    rows = [
        {"url": site.put("/good.png", image), "bytes": len(image), "checksum": ""},
        {"url": site.put("/size.png", image), "bytes": len(image) + 1, "checksum": ""},
        {"url": site.put("/sum.png", image), "bytes": "", "checksum": base64.b64encode(bytes(16)).decode()},
    ]

    run = mirror(cloud, "checks.tsv", url_list(rows), {"batch-size": "1", "tolerated-failure-percentage": "100"})

    assert is_reconciled(run.summary)
    assert [run.outcomes()[row]["outcome"] for row in (1, 2, 3)] == ["stored", "failed", "failed"]
    assert run.summary["failures_by_reason"] == {"checksum_mismatch": 2}


def test_a_missing_header_is_noted_in_the_summary(cloud: Cloud, site: Site) -> None:
    run = mirror(cloud, "bare.csv", f"{site.put('/a.png', png())},Title\n{site.url}/gone.png,=Other\n")

    assert run.summary["note"].startswith("The manifest has no header: its first column was taken as url")
    (failure,) = run.failures()
    assert failure["column_2"] == "'=Other"
    assert "column_3" not in failure
    assert run.outcomes()[1]["columns"] == {"column_2": "Title"}


def test_rows_that_cannot_be_fetched_fail_and_the_others_do_not(cloud: Cloud, site: Site) -> None:
    good = site.put("/good.png", png())
    secret = f"{site.url.replace('http://', 'http://me:pass@')}/gone.png?token=s3cr3t"
    bad = ["1.png", "javascript:alert(1)", "data:image/png;base64,AA", "ftp://a/1", "file:///etc/passwd"]
    urls = [good, *bad, "http://a/" + "x" * 16_384, good, secret]

    run = mirror(
        cloud,
        "rows.csv",
        "url,note\n" + "".join(f'"{url}",-1+2\n' for url in urls),
        {"tolerated-failure-percentage": "100"},
    )

    summary = run.summary
    assert is_reconciled(summary)
    assert [summary[name] for name in ("rows", "stored", "duplicate", "failed")] == [9, 1, 1, 7]
    assert summary["failures_by_reason"] == {"invalid_url": 6, "http_4xx": 1}
    assert site.asked["/good.png"] == 1
    failures = run.failures()
    assert failures[5]["message"] == "The URL has 16,393 bytes; at most 16,384 are possible."
    assert {failure["note"] for failure in failures} == {"'-1+2"}
    reported = json.dumps([summary, failures, run.messages("images_failed"), run.outcomes()])
    assert "s3cr3t" not in reported
    assert "pass@" not in reported


@pytest.mark.parametrize("name", ["columns.csv", "columns.jsonl", "columns.parquet"])
def test_the_retry_manifest_runs_the_retryable_failures_again_and_nothing_else(
    cloud: Cloud, site: Site, name: str
) -> None:
    """A thousand rows: a hundred fail for a retryable reason, fifty permanently."""
    size = 1000 if name.endswith(".csv") else 100
    rows = [{"url": f"{n}.png", "title": f'Row "{n}", say', "row": str(n)} for n in range(size)]
    tired = [n for n in range(size) if n % 10 == 3]
    for n in range(size):
        site.put(f"/{n}.png", *([Answer(b"", 503)] if n in tired else []), png(note=b"%d" % n))
    gone = [n for n in range(size) if n % 20 == 7]
    for n in gone:
        site.put(f"/{n}.png", Answer(b"", 404))
    form = {"csv": FORMATS["comma.csv"], "jsonl": FORMATS["lines.jsonl"], "parquet": parquet_of}[
        name.rpartition(".")[2]
    ]

    first = mirror(cloud, name, form(rows), {"rounds": "1", "base-url": site.url, "batch-size": "250"})

    assert first.summary["failures_by_reason"] == {"http_busy": len(tired), "http_4xx": len(gone)}
    assert [first.summary[k] for k in ("stored", "failed")] == [size - len(tired) - len(gone), len(tired) + len(gone)]
    second = finish(cloud, copied(first))
    assert is_reconciled(second.summary)
    assert (second.summary["rows"], second.summary["stored"]) == (len(tired), len(tired))
    asked_twice = {path for path, count in site.asked.items() if count > 1}
    assert asked_twice == {f"/{n}.png" for n in tired}
    for n, outcome in zip(tired, second.outcomes().values(), strict=True):
        assert outcome["url"] == f"{site.url}/{n}.png"
        assert outcome["columns"] == {name: value for name, value in rows[n].items() if name != "url"}
        assert second.image(outcome["url"]) == png(note=b"%d" % n)
    assert second.summary["retry_manifest"] is None


def copied(run: FinishedRun) -> str:
    """`aws s3 cp` of the retry manifest to the manifests: the execution that it starts."""
    cloud, key = run.cloud, run.summary["retry_manifest"]
    bucket = cloud.outputs["InputBucket"]
    s3, states, machine = cloud.client("s3"), cloud.client("stepfunctions"), cloud.outputs["StateMachineArn"]
    assert s3.head_object(Bucket=bucket, Key=key)["Metadata"] == {"rounds": "1", "passes": "0", "batch-size": "250"}
    existing = {
        execution["executionArn"] for execution in states.list_executions(stateMachineArn=machine)["executions"]
    }
    s3.copy_object(Bucket=bucket, Key=f"manifests/{key.rpartition('/')[2]}", CopySource={"Bucket": bucket, "Key": key})
    cloud.settle()
    (arn,) = {e["executionArn"] for e in states.list_executions(stateMachineArn=machine)["executions"]} - existing
    return str(arn)


def test_rows_of_a_crashed_batch_of_parquet_are_in_the_retry_manifest(cloud: Cloud, site: Site) -> None:
    rows = [{"url": site.put(f"/{n}.png", png()), "id": n} for n in range(20)]
    site.put("/15.png", Answer(png(), before=kill_download_batch))

    run = mirror(cloud, "doomed.parquet", parquet_of(rows), {"batch-size": "10", "max-concurrency": "1"})

    assert is_reconciled(run.summary)
    assert (run.summary["stored"], run.summary["failures_by_reason"]) == (10, {"batch_crashed": 10})
    retry = [json.loads(line) for line in run.file(run.summary["retry_manifest"]).splitlines()]
    assert retry == rows[10:]


def test_a_refresh_downloads_only_what_has_changed(cloud: Cloud, site: Site) -> None:
    size, changed = 200, range(0, 200, 20)
    urls = [site.put(f"/{n}.png", Answer(png(), headers={"ETag": f'"v1-{n}"'})) for n in range(size)]
    manifest = "url\n" + "".join(f"{url}\n" for url in urls)
    assert mirror(cloud, "refresh.csv", manifest).summary["stored"] == size
    for n in changed:
        site.put(f"/{n}.png", *2 * [Answer(png(note=b"new"), headers={"ETag": f'"v2-{n}"'})])
    site.sent.clear()

    run = mirror(cloud, "refresh.csv", manifest, {"on-existing": "refresh"})

    assert is_reconciled(run.summary)
    assert (run.summary["unchanged"], run.summary["stored"]) == (190, 10)
    assert {path for path, size in site.sent.items() if size} == {f"/{n}.png" for n in changed}
    assert [run.image(urls[n]) == png(note=b"new") for n in range(size)] == [n in changed for n in range(size)]


def test_two_runs_over_the_same_urls_at_once_have_one_object_a_url(cloud: Cloud, site: Site) -> None:
    rows = [(site.put(f"/{n}.png", png(note=b"%d" % n)), f"both/{n}.png" if n % 2 else "") for n in range(120)]
    other = site.put("/other.png", png(note=b"other"))
    mirror(
        cloud, "before.csv", "url,key\n{},{}\n".format(*rows[41])
    )  # otherwise `other` could be first and keep the key
    first = [*rows[:80], (other, "both/41.png")]
    manifests = ["url,key\n" + "".join(f"{url},{key}\n" for url, key in part) for part in (first, rows[40:])]

    arns = [
        start(cloud, name, text, {"batch-size": "20"})
        for name, text in zip(("one.csv", "two.csv"), manifests, strict=True)
    ]
    runs = [finish(cloud, arn) for arn in arns]

    assert all(is_reconciled(run.summary) for run in runs)
    assert [run.summary["failures_by_reason"] for run in runs] == [{"key_conflict": 1}, {}]
    for n, (url, key) in enumerate(rows):
        row = runs[0].row(url)
        assert row is not None
        assert row["object_key"]["S"] == f"images/{key}" if key else row["object_key"]["S"].startswith("images/")
        assert runs[0].image(url) == png(note=b"%d" % n)
    held = cloud.client("s3").list_objects_v2(Bucket=cloud.outputs["ImagesBucket"], Prefix="images/both/")
    assert held["KeyCount"] == 60


def test_a_key_of_another_url_is_never_overwritten(cloud: Cloud, site: Site) -> None:
    first, second = site.put("/a.png", png(note=b"a")), site.put("/b.png", png(note=b"b"))
    mirror(cloud, "keys.csv", f"url,key\n{first},own/Picture.PNG\n")

    run = mirror(cloud, "keys.csv", f"url,key\n{second},own/Picture.PNG\n")

    assert run.summary["failures_by_reason"] == {"key_conflict": 1}
    assert run.image(first) == png(note=b"a")
    assert (run.row(first) or {})["object_key"]["S"] == "images/own/Picture.PNG"


def test_a_url_that_is_repeated_in_different_batches_is_fetched_once(cloud: Cloud, site: Site) -> None:
    url = site.put("/a.png", png())

    run = mirror(cloud, "twice.csv", f"url\n{url}\n{url}\n", {"batch-size": "1", "max-concurrency": "1"})

    assert [run.summary[name] for name in ("stored", "duplicate")] == [1, 1]
    assert site.asked["/a.png"] == 1


def test_two_urls_that_request_one_key_in_different_batches_are_a_conflict(cloud: Cloud, site: Site) -> None:
    urls = [site.put(f"/{n}.png", png(note=b"%d" % n)) for n in range(2)]

    run = mirror(cloud, "clash.csv", "url,key\n" + "".join(f"{url},one.png\n" for url in urls), {"batch-size": "1"})

    assert is_reconciled(run.summary)
    assert (run.summary["stored"], run.summary["failures_by_reason"]) == (1, {"key_conflict": 1})
    (stored,) = [n for n, url in enumerate(urls) if run.row(url)]
    assert run.image(urls[stored]) == png(note=b"%d" % stored)


def test_metadata_of_other_tools_is_not_an_option(cloud: Cloud, site: Site) -> None:
    run = mirror(
        cloud, "foreign.csv", f"url\n{site.put('/a.png', png())}\n", {"mtime": "1", "s3cmd-attrs": "x", "rounds": "2"}
    )

    assert run.summary["stored"] == 1
