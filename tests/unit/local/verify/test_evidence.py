"""What a run has left is compared with what it was given."""

import io
import json
from contextlib import nullcontext
from typing import Any

import pytest

from local.verify.created import Created
from local.verify.evidence import Evidence, page_problem
from local.verify.lines import CheckFailedError, NotCheckedError
from local.verify.runs import Run, Runs, Waiting
from local.verify.samples.manifests import Picture, Row
from local.verify.samples.pictures import png
from tests.unit.local.verify.fakes import stack

PICTURE = Picture("verify/1/000.png", "image/png", png(8), "https://name.example/000.png?X-Amz-Signature=1")
PAGE = "<!doctype html><html><head><meta charset=utf-8></head><body><svg><path/></svg><p>demo-1</p></body></html>"


class Services:
    """S3, DynamoDB and Step Functions of a run that has stored an image. Any: the answers of boto3."""

    def __init__(self) -> None:
        result = {"row": 1, "outcome": "stored", "object_key": "images/a.png", "sha256": PICTURE.sha256}
        self.objects = {
            "runs/demo-1/results/part-1.jsonl": json.dumps(result).encode(),
            "runs/demo-1/report.html": PAGE.encode(),
            "images/a.png": PICTURE.body,
        }
        self.item = {
            "url": {"S": PICTURE.url},
            "object_key": {"S": "images/a.png"},
            "sha256": {"S": PICTURE.sha256},
            "bytes": {"N": str(len(PICTURE.body))},
            "run_id": {"S": "demo-1"},
            "row": {"N": "1"},
        }

    def get_object(self, **request: Any) -> Any:
        body, content_type = self.objects[request["Key"]], "image/png"
        if "Range" in request:
            first, last = map(int, request["Range"].removeprefix("bytes=").split("-"))
            body, content_type = body[first : last + 1], "application/x-tar"
        return {"Body": io.BytesIO(body), "ContentType": content_type}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **request: Any) -> Any:
        yield {"Contents": [{"Key": key} for key in self.objects if key.startswith(request["Prefix"])]}

    def batch_get_item(self, **_: Any) -> Any:
        return {"Responses": {"name": [self.item]}}


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def runs(services: Services) -> Runs:
    return Runs(stack(s3=services, stepfunctions=services), Created(), Waiting(0, 0))


@pytest.fixture
def evidence(services: Services, runs: Runs) -> Evidence:
    return Evidence(stack(s3=services, dynamodb=services), runs)


def run(**counts: int) -> Run:
    summary: Any = {
        "run_id": "demo-1",
        "report": "runs/demo-1/report.html",
        "failures_report": None,
        **{"rows": 1, "stored": 1, "unchanged": 0, "skipped": 0, "duplicate": 0, "failed": 0},
        **counts,
    }
    return Run("csv", "demo-1", [Row(PICTURE.url, PICTURE)], summary)


def test_a_run_with_everything_passes(evidence: Evidence, runs: Runs) -> None:
    found = [evidence.objects([run()]), evidence.rows([run()]), evidence.reports([run()]), runs.check_counts(run())]

    assert found == [
        "1 objects have the SHA-256 and the type of their images.",
        "1 rows name their object, its SHA-256 and its run.",
        "1 reports are well-formed.",
        "1 row: 1 stored.",
    ]


@pytest.mark.parametrize(("offset", "is_right"), [(512, True), (511, False), (0, False)])
def test_an_image_in_a_shard_is_read_by_its_range(
    services: Services, evidence: Evidence, offset: int, is_right: bool
) -> None:
    key = "images/shards/demo-1/a.tar"
    services.objects[key] = bytes(512) + PICTURE.body + bytes(1024)
    line = {"row": 1, "outcome": "stored", "object_key": key, "sha256": PICTURE.sha256, "content_type": "image/png"}
    line |= {"offset": offset, "bytes": len(PICTURE.body)}
    services.objects["runs/demo-1/results/part-1.jsonl"] = json.dumps(line).encode()

    with nullcontext() if is_right else pytest.raises(CheckFailedError, match="is not the image of row 1"):
        evidence.objects([run()])


def test_another_object_is_found(services: Services, evidence: Evidence) -> None:
    services.objects["images/a.png"] = png(9)

    with pytest.raises(CheckFailedError, match=r"csv: images/a\.png in name is not the image of row 1\."):
        evidence.objects([run()])


@pytest.mark.parametrize("name", ["object_key", "sha256", "bytes", "run_id", "row"])
def test_another_table_row_is_found(services: Services, evidence: Evidence, name: str) -> None:
    services.item[name] = {"S": "other"}

    with pytest.raises(CheckFailedError, match=f"csv: the table row of images/a.png has another {name}"):
        evidence.rows([run()])


def test_a_missing_table_row_is_found(services: Services, evidence: Evidence) -> None:
    services.item["url"] = {"S": "https://name.example/other"}

    with pytest.raises(CheckFailedError, match=r"csv: the images table has no row for row 1 of the manifest\."):
        evidence.rows([run()])


def test_without_a_stored_image_nothing_is_compared(services: Services, evidence: Evidence) -> None:
    del services.objects["runs/demo-1/results/part-1.jsonl"]

    for check in (evidence.objects, evidence.rows):
        with pytest.raises(NotCheckedError, match=r"No run has stored an image\."):
            check([run()])


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"rows": 2}, r"The manifest has 1 rows, the summary 2: 1 stored\."),
        ({"stored": 0}, r"The manifest has 1 rows, the summary 1: no row\."),
        ({"rows": 2, "failed": 1}, r"The manifest has 1 rows, the summary 2: 1 stored, 1 failed\."),
        ({"stored": 0, "skipped": 1}, r"1 skipped; expected 1 stored\."),
    ],
)
def test_counts_that_differ_are_listed(runs: Runs, counts: dict[str, int], sentence: str) -> None:
    with pytest.raises(CheckFailedError, match=sentence):
        runs.check_counts(run(**counts))


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (PAGE, ""),
        (PAGE.replace("demo-1", "demo-2"), "does not name its run"),
        (PAGE.replace("<!doctype html>", ""), "does not begin with <!doctype html>"),
        (PAGE.replace("</body></html>", ""), "does not close body"),
        (PAGE.replace("</svg>", ""), "closes body, which is not the element that was opened last"),
    ],
)
def test_a_broken_page_is_found(page: str, problem: str) -> None:
    assert page_problem(page, "demo-1") == problem


def test_a_failed_row_that_is_not_in_failures_csv_is_found(services: Services, evidence: Evidence) -> None:
    with pytest.raises(CheckFailedError, match=r"csv: failures\.csv has 0 rows of 1\."):
        evidence.reports([run(failed=1)])
