import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.core.api.problems import Problem
from functions.core.api.queries import RunQueries, find_image
from functions.core.api.run_files import RunFileLinks
from functions.core.cost import estimate
from functions.core.model.options import Options
from functions.core.model.ports import Progress
from functions.core.model.runs import Status
from tests.support.api_fakes import FakeExecutions, FakeFolders, FakeLinks, FakeRuns
from tests.support.fakes import FakeImageTable

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COUNTS = {"stored": 7, "unchanged": 0, "skipped": 1, "duplicate": 1, "failed": 1}


def record(number: int, status: str = "succeeded", **more: Any) -> dict[str, Any]:
    return {
        "run_id": f"run-{number:03d}",
        "status": status,
        "started_at": f"2026-11-23T11:{number // 60:02d}:{number % 60:02d}.000Z",
        "bucket": "input",
        "manifest_key": "manifests/a.csv",
        "execution_arn": "arn:e",
        **more,
    }


def queries(runs: FakeRuns, progress: Progress | None = None, folders: FakeFolders | None = None) -> RunQueries:
    executions = FakeExecutions()
    executions.progress_of_run = progress
    files = RunFileLinks(folders or FakeFolders(), FakeLinks())
    return RunQueries(runs=runs, executions=executions, files=files, now=NOW)


def pages(runs: FakeRuns, status: Status | None, limit: int) -> list[list[str]]:
    run_ids, token = [], None
    while True:
        page = queries(runs).page(status, limit, token)
        run_ids.append([run.run_id for run in page.runs])
        token = page.next
        if token is None:
            return run_ids


def test_a_run_under_way_has_live_counts_and_an_estimated_end() -> None:
    running = record(0, "running", rows=1000)
    progress = Progress(done=300, running=100, max_concurrency=4)

    live = queries(FakeRuns(running), progress).run("run-000").live

    assert live is not None
    assert (live.done, live.running, live.max_concurrency) == (300, 100, 4)
    assert live.rows_per_second == round(300 / 3600, 2)
    assert live.estimated_end == "2026-11-23T14:20:00.000Z"


PASS = {"pass_number": 2, "pass_rows": 400, "pass_starts_at": "2026-11-23T12:05:00.000Z"}


def test_rows_that_wait_for_a_pass_are_not_done() -> None:
    running = record(0, "running", rows=1000, **PASS)
    progress = Progress(done=900, running=0, max_concurrency=4, is_over=True)

    live = queries(FakeRuns(running), progress).run("run-000").live

    assert live is not None
    assert (live.done, live.pass_number, live.waits_until) == (600, 2, "2026-11-23T12:05:00.000Z")
    assert live.estimated_end is None


def test_the_rows_of_a_pass_are_done_when_their_batches_have_ended() -> None:
    running = record(0, "running", rows=1000, **PASS)
    progress = Progress(done=100, running=50, max_concurrency=4)

    live = queries(FakeRuns(running), progress).run("run-000").live

    assert live is not None
    assert (live.done, live.running, live.pass_number, live.waits_until) == (700, 50, 2, None)
    assert live.estimated_end is not None


def test_nothing_is_estimated_before_a_batch_has_ended() -> None:
    progress = Progress(done=0, running=100, max_concurrency=4)

    live = queries(FakeRuns(record(0, "running", rows=1000)), progress).run("run-000").live

    assert live is not None
    assert live.estimated_end is None


def test_a_run_is_estimated_as_soon_as_its_rows_are_counted() -> None:
    running = record(0, "running", rows=1000, options={"batch_size": 100, "allowed_types": ["png"]})

    shown = queries(FakeRuns(running)).run("run-000").estimate

    model = estimate.RunEstimate(images=1000, options=Options(batch_size=100))
    assert shown is not None
    assert (shown.seconds, shown.dollars) == (round(model.seconds, 1), round(model.dollars, 4))
    assert (shown.size_kb, shown.latency_ms) == (100, 200)


def test_a_run_of_fewer_concurrent_batches_than_requested_says_so_and_is_estimated_with_them() -> None:
    notes = {"note": "The first line is a header.", "concurrency_note": "At most 3 batches run at once."}
    running = record(0, "running", rows=100_000, max_concurrency=3, **notes)

    run = queries(FakeRuns(running)).run("run-000")

    model = estimate.RunEstimate(images=100_000, options=Options(max_concurrency=3))
    assert run.note == "The first line is a header. At most 3 batches run at once."
    assert run.estimate is not None
    assert run.estimate.seconds == round(model.seconds, 1)


@pytest.mark.parametrize("known", [{}, {"rows": 0}, {"rows": 10, "ended_at": "2026-11-23T11:30:00.000Z"}])
def test_there_is_no_estimate_before_and_after(known: dict[str, Any]) -> None:
    assert queries(FakeRuns(record(0, "running", **known))).run("run-000").estimate is None


def test_a_run_that_is_over_has_counts_and_links() -> None:
    over = record(0, rows=10, **COUNTS, ended_at="2026-11-23T11:30:00.000Z")
    folders = FakeFolders({"run-000": {"summary.json": "{}", "failures.csv": "row"}})

    run = queries(FakeRuns(over), folders=folders).run("run-000")

    assert run.counts is not None
    assert run.counts.model_dump() == COUNTS
    assert run.manifest == "s3://input/manifests/a.csv"
    assert run.links.summary == "https://links/runs/run-000/summary.json"
    assert run.links.failures == "https://links/runs/run-000/failures.csv"
    assert run.links.retry_manifest is None
    assert run.live is None


@pytest.mark.parametrize("status", ["starting", "running", "cancelling", "failed"])
def test_a_run_without_an_end_has_no_links_and_its_files_are_not_listed(status: str) -> None:
    """`failed` is the status of a run that could not be summarized."""
    folders = FakeFolders({"run-000": {"summary.json": "{}"}})

    links = queries(FakeRuns(record(0, status)), folders=folders).run("run-000").links

    assert (set(links.model_dump().values()), folders.searches) == ({None}, 0)


def test_an_unknown_run_is_not_found() -> None:
    with pytest.raises(Problem) as problem:
        queries(FakeRuns()).run("unknown")

    assert problem.value.status == 404


@pytest.mark.parametrize(("count", "limit"), [(0, 5), (4, 5), (5, 5), (6, 5), (11, 5), (3, 1)])
def test_pages_hold_every_run_once_newest_first(count: int, limit: int) -> None:
    runs = FakeRuns(*(record(number) for number in range(count)))

    listed = pages(runs, None, limit)

    assert [run_id for page in listed for run_id in page] == [f"run-{number:03d}" for number in reversed(range(count))]
    assert all(len(page) <= limit for page in listed)


def test_a_rare_status_is_found_among_many() -> None:
    runs = FakeRuns(*(record(number, "failed" if number % 90 == 5 else "succeeded") for number in range(400)))

    listed = pages(runs, Status.FAILED, 2)

    assert [run_id for page in listed for run_id in page] == ["run-365", "run-275", "run-185", "run-095", "run-005"]
    assert all(len(page) <= 2 for page in listed)


def test_one_page_reads_no_more_than_a_thousand_records() -> None:
    runs = FakeRuns(*(record(number) for number in range(1500)))

    page = queries(runs).page(Status.FAILED, 5, None)

    assert (page.runs, runs.read) == ([], 1000)
    assert page.next is not None


@pytest.mark.parametrize("token", ["x", "!!", "bnVsbA", "W10", "WzEsMl0", "WyIiLCIiXQ", "ä"])
def test_a_token_that_is_not_ours_is_refused_by_its_field(token: str) -> None:
    with pytest.raises(Problem) as problem:
        queries(FakeRuns()).page(None, 5, token)

    assert (problem.value.status, problem.value.errors[0].field) == (422, "next")


def test_an_image_is_found_by_its_url() -> None:
    row = {"url": "https://x/a", "object_key": "images/a.png", "bytes": 3, "content_type": "image/png", "sha256": "0"}

    image = find_image("https://x/a", FakeImageTable([row]), FakeLinks(), "images/")

    assert (image.object_key, image.link) == ("images/a.png", "https://links/images/a.png")
    assert (image.offset, image.range) == (None, None)


@pytest.mark.parametrize(("offset", "size", "expected"), [(512, 3, "bytes=512-514"), (0, 1, "bytes=0-0")])
def test_an_image_in_a_shard_has_the_range_that_its_link_needs(offset: int, size: int, expected: str) -> None:
    row = {"url": "https://x/a", "object_key": "images/shards/r/a.tar", "bytes": size, "offset": offset}
    row |= {"content_type": "image/png", "sha256": "0"}

    image = find_image("https://x/a", FakeImageTable([row]), FakeLinks(), "images/")  # type: ignore[list-item]

    assert (image.link, image.range) == ("https://links/images/shards/r/a.tar", expected)
    assert (image.offset, image.bytes) == (offset, size)


def test_an_image_under_an_earlier_prefix_has_no_link() -> None:
    """The API may read objects under the present prefix only, so S3 would refuse the link."""
    row = {"url": "https://x/a", "object_key": "images/a.png", "bytes": 3, "content_type": "image/png", "sha256": "0"}

    image = find_image("https://x/a", FakeImageTable([row]), FakeLinks(), "mirror/")

    assert (image.object_key, image.link) == ("images/a.png", None)


@pytest.mark.parametrize(
    ("url", "status"), [("https://x/none", 404), ("https://x/" + "ä" * 8_200, 422), ("\ud800", 422)]
)
def test_an_image_that_does_not_exist_is_a_problem(url: str, status: int) -> None:
    with pytest.raises(Problem) as problem:
        find_image(url, FakeImageTable(), FakeLinks(), "images/")

    assert problem.value.status == status


@pytest.mark.parametrize("run_id", ["run-1", "run-12", "run-123"])
def test_a_token_is_the_position_in_base64_without_its_padding(run_id: str) -> None:
    """The position is 44, 45 or 46 bytes long: two, no and one `=` are left out."""
    runs = FakeRuns(record(2, run_id=run_id), record(1, run_id="run-0"))

    token = queries(runs).page(None, 1, None).next

    assert token is not None
    assert json.loads(base64.urlsafe_b64decode(token + "==")) == ["2026-11-23T11:00:02.000Z", run_id]
    assert not token.endswith("=")
    assert [run.run_id for run in queries(runs).page(None, 1, token).runs] == ["run-0"]
