"""The links to the files of a run, and its report with such links."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from functions.core.api.problems import Problem
from functions.core.api.run_files import MAX_REPORT_BYTES, RunFileLinks, RunReports
from functions.core.model.types import RunRecord
from tests.support.api_fakes import FakeFolders, FakeLinks, FakeRuns

NOW = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)
RUN = "demo-1"
RECORD = {"run_id": RUN, "bucket": "input", "status": "running", "started_at": "2026-11-23T11:00:00.000Z"}
FILES = {
    "summary": "summary.json",
    "report": "report.html",
    "failures": "failures.csv",
    "retry_manifest": "retry.jsonl",
    "suspects": "suspects.csv",
    "results": "results.csv",
    "lock": "lock.tsv",
    "domains": "domains.csv",
    "croissant": "croissant.json",
    "athena": "athena.sql",
}
OTHERS = ("closed", "rows.jsonl.gz", "hosts.json", "known_bad.json", "sample.json", "results/", "started/", "map/")


def links_of(*names: str) -> dict[str, Any]:
    folders = FakeFolders({RUN: dict.fromkeys(names, "")})
    return RunFileLinks(folders, FakeLinks()).of_run(cast(RunRecord, RECORD)).model_dump()


class KeptImages(FakeLinks):
    def for_download(self, key: str) -> str:
        return f"https://images/{key}"


def reports(files: Mapping[str, str] | None = None, *records: Mapping[str, Any], prefix: str = "images/") -> RunReports:
    return RunReports(
        runs=FakeRuns(*records),
        folders=FakeFolders({RUN: files or {}}),
        files=FakeLinks(),
        images=KeptImages(),
        images_prefix=prefix,
        now=NOW,
    )


def test_each_file_has_a_link_as_soon_as_it_exists() -> None:
    found = links_of(*FILES.values(), *OTHERS, "index/")

    index = "s3://input/runs/demo-1/index/"
    assert found == {**{link: f"https://links/runs/demo-1/{name}" for link, name in FILES.items()}, "index": index}


@pytest.mark.parametrize("link", FILES)
def test_a_file_that_does_not_exist_has_no_link(link: str) -> None:
    found = links_of(*(name for each, name in FILES.items() if each != link), "index/")

    assert {name for name, value in found.items() if value is None} == {link} | (
        {"index"} if link == "athena" else set()
    )


def test_a_run_has_no_index_before_all_of_it_is_written_and_where_none_is_made() -> None:
    assert links_of("index/", "results.csv")["index"] is None
    assert links_of("athena.sql", "results.csv")["index"] is None


@pytest.mark.parametrize("names", [["lock-0001.csv", "lock-0002.csv"], ["lock"], ["xlock.csv"], ["LOCK.csv"]])
def test_a_lock_in_several_files_has_no_link(names: list[str]) -> None:
    assert links_of(*names)["lock"] is None


PAGE = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'"><main><a href="summary.json">s</a>'
    '<a href="lock.csv">l</a><a href="results/">r</a><a href="other.csv">o</a><a href="#failures">f</a></main>'
)


def test_the_report_has_links_to_the_files_that_exist_and_says_how_long_they_are_valid() -> None:
    page = reports({"report.html": PAGE, "summary.json": "{}", "results/": ""}).page(RUN)

    assert page.policy == "default-src 'none'"
    assert (
        '<a href="https://links/runs/demo-1/summary.json">s</a><span>l</span><span>r</span><span>o</span>' in page.html
    )
    assert '<a href="#failures">f</a>' in page.html
    assert "valid until 23 November 2026, 12:15:05 UTC." in page.html


@pytest.mark.parametrize(
    ("link", "prefix", "key"),
    [
        ("../../images/ab/c.jpg", "images/", "images/ab/c.jpg"),
        ("../../images/a%20b%3F%26.jpg", "mirror/", "mirror/a b?&.jpg"),
        ("../../images/%C3%A9%252F.jpg", "a/b/", "a/b/é%2F.jpg"),
    ],
)
def test_images_of_a_report_of_this_machine_are_linked_under_their_prefix(link: str, prefix: str, key: str) -> None:
    page = reports({"report.html": f'<a href="{link}"><img src="{link}" alt="x"></a>'}, prefix=prefix).page(RUN)

    url = f"https://images/{key}".replace("&", "&amp;")
    assert page.html == f'<a href="{url}"><img src="{url}" alt="x"></a>'


@pytest.mark.parametrize(
    "link",
    ["../other/summary.json", "/runs/demo-1/summary.json", "../../manifests/a.csv", "https://a.example/", "", "x"],
)
def test_nothing_but_the_files_of_the_run_is_linked(link: str) -> None:
    page = reports({"report.html": f'<a href="{link}">a</a>', "summary.json": "{}"}).page(RUN)

    assert page.html == "<span>a</span>"


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([], "Run demo-1 does not exist."),
        ([RECORD], "Run demo-1 has no report. Its status is running."),
        ([{**RECORD, "status": "failed", "ended_at": "x"}], "Run demo-1 has no report. Its status is failed."),
    ],
    ids=["unknown", "running", "ended"],
)
def test_a_run_without_a_report_is_a_problem(records: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(Problem) as problem:
        reports({"summary.json": "{}"}, *records).page(RUN)

    assert (problem.value.status, problem.value.detail) == (404, sentence)


def test_a_report_outlives_the_record_of_its_run() -> None:
    assert reports({"report.html": "<main>"}).page(RUN).html.startswith("<main><p")


def test_a_report_that_is_too_large_for_a_response_is_a_problem() -> None:
    assert reports({"report.html": "x" * MAX_REPORT_BYTES}).page(RUN).html

    with pytest.raises(Problem) as problem:
        reports({"report.html": "x" * (MAX_REPORT_BYTES + 1)}).page(RUN)

    assert problem.value.status == 404
