"""From a manifest to images, rows, messages and reports: the synthesized stack, over real HTTP."""

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest

from local.aws.cloud import Cloud
from tests.support.pipeline import is_reconciled, mirror
from tests.support.site import Answer, Site

DEMO = Path(__file__).parents[2] / "manifests" / "demo"
NAMES = ("dune.jpg", "aurora.png", "spark.gif", "fern.webp", "opal.avif")
IMAGE = (DEMO / "dune.jpg").read_bytes()


@pytest.fixture
def urls(site: Site) -> list[str]:
    return [site.put(f"/{name}", (DEMO / name).read_bytes()) for name in NAMES]


def _csv(urls: list[str]) -> str:
    return "url,title\n" + "".join(f'{url},"Title, {n}"\n' for n, url in enumerate(urls))


FORMATS = {
    "list.csv": _csv,
    "list.tsv": lambda urls: "url\ttitle\n" + "".join(f"{url}\tTitle\n" for url in urls),
    "list.txt": lambda urls: "".join(f"{url}\n" for url in urls),
    "strings.json": lambda urls: json.dumps(urls),
    "objects.json": lambda urls: json.dumps([{"url": url, "title": "Title"} for url in urls]),
    "list.jsonl": lambda urls: "".join(json.dumps({"url": url}) + "\n" for url in urls),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_stores_the_same_images_byte_for_byte(cloud: Cloud, urls: list[str], name: str) -> None:
    run = mirror(cloud, name, FORMATS[name](urls))

    assert run.status == "SUCCEEDED"
    assert (run.summary["rows"], run.summary["stored"]) == (5, 5)
    assert [run.image(url) for url in urls] == [(DEMO / file).read_bytes() for file in NAMES]


def test_an_object_has_its_content_type_and_a_row_with_its_checksum(cloud: Cloud, urls: list[str]) -> None:
    run = mirror(cloud, "types.csv", _csv(urls))

    row = run.row(urls[4])
    assert row is not None
    head = cloud.client("s3").head_object(Bucket=cloud.outputs["ImagesBucket"], Key=row["object_key"]["S"])
    assert head["ContentType"] == row["content_type"]["S"] == "image/avif"
    assert row["sha256"]["S"] == hashlib.sha256(run.image(urls[4])).hexdigest()
    assert (row["width"]["N"], row["height"]["N"]) == ("480", "320")
    assert (row["run_id"]["S"], row["row"]["N"]) == (run.run_id, "5")


def test_failures_are_in_the_report_the_messages_and_the_retry_manifest(cloud: Cloud, site: Site) -> None:
    good, gone = site.put("/good.jpg", IMAGE), site.url + "/gone.jpg"
    error = site.put("/error.jpg", Answer(b"", 500))
    page = site.put("/page.jpg", Answer(b"<html></html>", headers={"Content-Type": "image/jpeg"}))
    manifest = f"url,title\n{good},Good\n{gone},=Gone\n{error},Error\n{page},Page\n{good},Again\n"

    run = mirror(cloud, "mixed.csv", manifest, {"rounds": "1"})

    summary = run.summary
    assert is_reconciled(summary)
    assert [summary[name] for name in ("rows", "stored", "duplicate", "failed")] == [5, 1, 1, 3]
    assert summary["failures_by_reason"] == {"http_4xx": 1, "http_5xx": 1, "not_an_image": 1}
    assert [(row["row"], row["url"], row["reason"], row["http_status"], row["title"]) for row in run.failures()] == [
        ("2", gone, "http_4xx", "404", "'=Gone"),
        ("3", error, "http_5xx", "500", "Error"),
        ("4", page, "not_an_image", "200", "Page"),
    ]
    assert list(csv.reader(io.StringIO(run.file(summary["retry_manifest"]).decode()))) == [
        ["url", "title"],
        [error, "Error"],
    ]
    (message,) = run.messages("images_failed")
    assert {failure["url"] for failure in message["failures"]} == {gone, error, page}
    (run_message,) = run.messages("run_failed")
    assert run_message["failed"] == 3


def test_a_run_with_more_failures_than_it_tolerates_fails_with_a_sentence(cloud: Cloud, site: Site) -> None:
    manifest = f"url\n{site.url}/a.jpg\n{site.put('/b.jpg', IMAGE)}\n{site.url}/c.jpg\n"

    run = mirror(cloud, "bad.csv", manifest)

    assert (run.status, run.execution["error"]) == ("FAILED", "TooManyFailures")
    assert run.cause == "2 of 3 rows failed (2 http_4xx); the run tolerates 50 percent."
    assert run.summary["status"] == "failed"


def test_a_second_run_skips_the_images_of_the_first(cloud: Cloud, site: Site) -> None:
    manifest = f"url\n{site.put('/once.jpg', IMAGE)}\n"
    mirror(cloud, "first.csv", manifest)

    run = mirror(cloud, "second.csv", manifest)

    assert run.summary["skipped"] == 1
    assert site.asked["/once.jpg"] == 1


def test_a_busy_host_is_retried_after_its_retry_after(cloud: Cloud, site: Site) -> None:
    busy = Answer(b"", 503, {"Retry-After": "2"})
    url = site.put("/busy.jpg", busy, busy, IMAGE)

    run = mirror(cloud, "busy.csv", f"url\n{url}\n")

    assert run.summary["stored"] == 1
    assert site.asked["/busy.jpg"] == 3
    assert [name[-9:] for name in run.names("results/")] == ["-00.jsonl", "-01.jsonl", "-02.jsonl"]
    assert run.summary["duration_seconds"] >= 4


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("list.xlsx", "url\n", "The name of the manifest, 'manifests/list.xlsx', has no supported extension"),
        ("list.csv", "title,link\na,b\n", "The manifest has no url column: its first line has title, link."),
        ("list.csv", "url,a\nhttp://x/1,2,3\n", "Line 2 of the manifest has 3 fields for 2 columns."),
        ("list.json", '{"url": 1}', "A JSON manifest is an array"),
        ("list.jsonl", '{"url": "http://x"}\n{"url"\n', "Line 2 of the manifest is not valid JSON"),
        ("list.csv", b"url\nhttp://x/\xff\n", "The manifest is not UTF-8: byte 13 is 0xff."),
    ],
)
def test_an_invalid_manifest_fails_the_run_with_a_sentence(
    cloud: Cloud, name: str, content: str | bytes, sentence: str
) -> None:
    run = mirror(cloud, name, content)

    assert (run.status, run.execution["error"]) == ("FAILED", "InvalidManifest")
    assert run.cause.startswith(sentence)
    assert (run.summary["status"], run.summary["rows"], run.summary["cause"]) == ("failed", 0, run.cause)
    assert run.messages("run_failed")


def test_an_unknown_option_fails_the_run_and_is_named(cloud: Cloud, urls: list[str]) -> None:
    run = mirror(cloud, "options.csv", _csv(urls), {"conzurrency": "5"})

    assert run.execution["error"] == "InvalidManifest"
    assert run.cause.startswith("There is no option 'conzurrency'.")


def test_a_manifest_with_only_a_header_succeeds_with_no_rows(cloud: Cloud) -> None:
    run = mirror(cloud, "header.csv", "url,title\n")

    assert (run.status, run.summary["rows"]) == ("SUCCEEDED", 0)


def test_the_same_event_delivered_again_starts_no_second_run(cloud: Cloud, urls: list[str]) -> None:
    run = mirror(cloud, "again.csv", _csv(urls))
    event = json.loads(run.execution["input"])

    arn = cloud.engine.start_execution(cloud.outputs["StateMachineArn"], event)
    cloud.engine.wait_for(arn, timeout=30)

    history = cloud.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    assert "AlreadyMirrored" in [
        e["stateEnteredEventDetails"]["name"] for e in history if "stateEnteredEventDetails" in e
    ]
    assert run.summary["stored"] == 5
