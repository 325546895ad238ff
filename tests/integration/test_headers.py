"""Request headers of a run and of its rows: sent to the host of the URL, and in no output of the run."""

import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from pyarrow import parquet

from local.aws.cloud import Cloud
from tests.integration.test_commands import _local
from tests.integration.test_secrets import _logs
from tests.support.api import Api
from tests.support.images import png
from tests.support.pipeline import FinishedRun, is_reconciled, mirror
from tests.support.servers import Behaviour, Server, Visit, answer, in_turn, redirect

SECRETS = {"Referer": "https://s3cr3t-of-the-run.example/", "Cookie": "s3cr3t=of-the-run"}
OF_A_ROW = "https://s3cr3t-of-a-row.example/"
SECRET = "s3cr3t"


@pytest.fixture
def serve() -> Iterator[Callable[[], Server]]:
    with ExitStack() as servers:
        yield lambda: servers.enter_context(Server())


def protected(image: bytes, *referers: str) -> Behaviour:
    """403 without one of these as Referer, as hosts do that prevent hotlinks."""

    def behave(visit: Visit) -> None:
        is_allowed = visit.headers.get("referer") in referers
        (answer(body=image) if is_allowed else answer(403))(visit)

    return behave


def csv(rows: list[dict[str, Any]]) -> bytes:
    return "".join(",".join(line) + "\n" for line in [[*rows[0]], *([*row.values()] for row in rows)]).encode()


def parquet_of(rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


FORMATS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "headers.csv": csv,
    "headers.tsv": lambda rows: csv(rows).replace(b",", b"\t"),
    "headers.json": lambda rows: json.dumps(rows).encode(),
    "headers.jsonl": lambda rows: b"".join(json.dumps(row).encode() + b"\n" for row in rows),
    "headers.parquet": parquet_of,
}


def images_of(server: Server) -> list[Visit]:
    """The requests for images: for all but robots.txt."""
    return [visit for visit in server.requests if visit.path != "/robots.txt"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_host_that_prevents_hotlinks_gets_the_referer_of_the_row(
    cloud: Cloud, serve: Callable[[], Server], name: str
) -> None:
    server = serve()
    referers = {"own": OF_A_ROW, "run": "", "other": "https://other.example/"}
    for path in referers:
        server.routes[f"/{path}.png"] = protected(png(note=path.encode()), OF_A_ROW)
    rows = [{"url": server.url(f"/{path}.png"), "header:Referer": text, "id": path} for path, text in referers.items()]

    run = mirror(cloud, name, FORMATS[name](rows), {"headers": f"Referer: {OF_A_ROW}"})

    assert is_reconciled(run.summary)
    assert [line["outcome"] for _, line in sorted(run.outcomes().items())] == ["stored", "failed", "failed"]
    assert {line["columns"]["id"] for line in run.outcomes().values()} == set(referers)
    assert all(set(line["columns"]) == {"id"} for line in run.outcomes().values())
    assert [visit.headers.get("referer") for visit in sorted(images_of(server), key=lambda visit: visit.path)] == [
        "https://other.example/",
        OF_A_ROW,
        None,
    ]


def _texts(run: FinishedRun, *but: str) -> dict[str, str]:
    """Everything that the run and its functions have written, apart from files whose name has one of `but`."""
    cloud, now, hour = run.cloud, datetime.now(UTC), timedelta(hours=1)
    texts = {
        name: run.file(name).decode(errors="replace") for name in run.names() if not any(part in name for part in but)
    }
    texts |= {"logs": _logs(cloud), "messages": json.dumps(cloud.messages())}
    tables = [cloud.outputs[table] for table in ("ImagesTable", "RunsTable")]
    texts["tables"] = str([cloud.client("dynamodb").scan(TableName=table)["Items"] for table in tables])
    xray = cloud.client("xray")
    found = xray.get_trace_summaries(StartTime=now - hour, EndTime=now + hour)["TraceSummaries"]
    texts["traces"] = str([found, *(xray.batch_get_traces(TraceIds=[each["Id"]]) for each in found)])
    texts["metrics"] = str(cloud.client("cloudwatch").list_metrics()["Metrics"])
    s3, images = cloud.client("s3"), cloud.outputs["ImagesBucket"]
    for key in {line["object_key"] for line in run.outcomes().values() if "object_key" in line}:
        texts[f"metadata of {key}"] = str(s3.head_object(Bucket=images, Key=key)["Metadata"])
    return texts


def _with_secret(texts: dict[str, str]) -> list[str]:
    return [name for name, text in texts.items() if SECRET in text]


@pytest.mark.parametrize("name", ["secret.csv", "secret.parquet"])
def test_the_values_of_headers_are_in_no_output_and_go_to_no_other_origin(
    cloud: Cloud, serve: Callable[[], Server], name: str
) -> None:
    """Rows that are stored, redirected, refused, busy, invalid and duplicates."""
    server, other = serve(), serve()
    image = png(note=name.encode())
    other.routes["/b.png"] = answer(body=image)
    server.routes |= {"/a.png": protected(image, OF_A_ROW), "/b.png": redirect(other.url("/b.png"))}
    server.routes |= {"/gone.png": answer(404), "/busy.png": answer(503), "/page.png": answer(body=b"<html></html>")}
    rows = [
        {"url": server.url(path), "header:Referer": OF_A_ROW, "header:X-Key": SECRET, "note": "mine"}
        for path in ("/a.png", "/b.png", "/gone.png", "/busy.png", "/page.png", "/a.png")
    ]
    rows.append({**rows[0], "url": server.url("/never.png"), "header:X-Key": f"{SECRET}\u4e2d"})

    run = mirror(cloud, name, FORMATS[f"headers.{name.rpartition('.')[2]}"](rows), {"headers": json.dumps(SECRETS)})

    assert is_reconciled(run.summary)
    assert [run.summary[outcome] for outcome in ("stored", "duplicate", "failed")] == [2, 1, 4]
    assert run.summary["failures_by_reason"] == {"http_4xx": 1, "http_busy": 1, "not_an_image": 1, "invalid_row": 1}
    assert "never.png" not in str(server.hits)
    for visit in images_of(server):
        sent = [visit.headers[header] for header in ("referer", "x-key", "cookie")]
        assert sent == [OF_A_ROW, SECRET, SECRETS["Cookie"]]
    assert images_of(other)
    assert not {"referer", "x-key", "cookie"} & {name for visit in other.requests for name in visit.headers}
    texts = _texts(run, "/retry.", "/retries/", "/map/")
    assert {entry.rpartition("/")[2] for entry in texts} >= {"summary.json", "report.html", "failures.csv", "logs"}
    assert _with_secret(texts) == []
    assert SECRET in run.file(run.summary["retry_manifest"]).decode()  # exactly the rows, as those of the manifest
    assert (
        run.summary["note"] == "The values of headers are not recorded: set them again for a retry (Referer, Cookie)."
    )


def test_a_copy_of_the_retry_manifest_asks_for_the_headers_and_runs_with_them(
    cloud: Cloud, serve: Callable[[], Server]
) -> None:
    server = serve()
    server.routes["/a.png"] = in_turn(answer(503), protected(png(note=b"again"), SECRETS["Referer"]))
    options = {"headers": json.dumps(SECRETS), "rounds": "1"}
    first = mirror(cloud, "again.csv", f"url\n{server.url('/a.png')}\n", options)
    key = first.summary["retry_manifest"]
    s3, bucket = cloud.client("s3"), cloud.outputs["InputBucket"]
    metadata = s3.head_object(Bucket=bucket, Key=key)["Metadata"]

    copied = mirror(cloud, "copied.csv", first.file(key), metadata)
    given = mirror(cloud, "given.csv", first.file(key), {**metadata, "headers": f"Referer: {SECRETS['Referer']}"})

    assert SECRET not in str(metadata)
    assert (copied.status, copied.execution["error"]) == ("FAILED", "InvalidManifest")
    assert copied.cause.startswith("Option 'headers': The value of the header Referer is missing: values are not ")
    assert given.summary["stored"] == 1
    assert _with_secret(_texts(copied)) == []


def test_a_run_of_the_api_with_headers_is_retried_with_their_values(cloud: Cloud, serve: Callable[[], Server]) -> None:
    server, api = serve(), Api(cloud)
    server.routes["/a.png"] = in_turn(answer(503), protected(png(note=b"api"), SECRETS["Referer"]))
    body = {"urls": [server.url("/a.png")], "options": {"headers": SECRETS, "rounds": 1}}
    first = api.submit(body)
    run = api.finish(first)

    refused = api.request("POST", f"/runs/{first}/retry")
    second = api.finish(api.submit({"options": {"headers": SECRETS}}, f"/runs/{first}/retry"))

    assert api.describe(first)["options"]["headers"] == {"Referer": "…", "Cookie": "…"}
    assert SECRET not in api.request("GET", f"/runs/{first}").text
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "options.headers"
    assert second.summary["stored"] == 1
    assert _with_secret(_texts(run)) == _with_secret(_texts(second)) == []
    assert api.request("POST", "/runs", {**body, "options": {"headers": {"Host": "a"}}}).status_code == 422


def test_a_local_run_has_the_values_of_headers_in_its_input_alone(
    assembly: Path, tmp_path: Path, serve: Callable[[], Server]
) -> None:
    server, manifest, out = serve(), tmp_path / "one.csv", tmp_path / "out"
    server.routes |= {"/a.png": protected(png(note=b"local"), SECRETS["Referer"]), "/busy.png": answer(503)}
    manifest.write_text(f"url\n{server.url('/a.png')}\n{server.url('/busy.png')}\n")
    headers = [part for name, value in SECRETS.items() for part in ("--header", f"{name}: {value}")]

    run = _local("run", manifest, "--out", out, "--allow", "127.0.0.0/8", "--rounds", "1", *headers)

    assert "1 image stored, 1 row failed." in run.stdout, run.stdout + run.stderr
    assert "--header 'Referer: …' --header 'Cookie: …'" in run.stdout
    assert SECRET not in run.stdout + run.stderr
    files = [Path(folder, name) for folder, _, names in os.walk(out) for name in names]
    found = {str(path.relative_to(out)) for path in files if SECRET.encode() in path.read_bytes()}
    assert found == {"tables/objects.sqlite"}
    with closing(sqlite3.connect(out / "tables/objects.sqlite")) as database:
        keys = database.execute("SELECT key FROM objects WHERE headers LIKE ?", [f"%{SECRET}%"]).fetchall()
    assert keys == [("manifests/one.csv",)]  # as in S3, the metadata of the manifest
