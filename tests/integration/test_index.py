"""The index of a run: its results as a table, and the documents that follow from them."""

import csv
import hashlib
import io
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from functions.core.model.runs import ManifestObject
from local.aws.cloud import Cloud
from tests.support.images import jpeg
from tests.support.indexes import index_again, rows, wait_for_index
from tests.support.pipeline import OUTCOMES, FinishedRun, finish, mirror, start
from tests.support.site import Answer, Site

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pictures() -> Iterator[Site]:
    with Site() as site:
        yield site


def put(site: Site, count: int, folder: str = "") -> list[str]:
    return [site.put(f"/{folder}{number}.jpg", jpeg(note=f"{folder}{number}".encode())) for number in range(count)]


@pytest.fixture(scope="module")
def run(cloud: Cloud, pictures: Site) -> FinishedRun:
    """Rows that are stored, one of them after a redirect, a duplicate and a failure."""
    urls = put(pictures, 6)
    moved = pictures.put("/moved.jpg", Answer(status=302, headers={"Location": "/target.jpg?token=secret"}))
    pictures.put("/target.jpg", jpeg(note=b"moved"))
    lines = [f"{url},{number}," for number, url in enumerate(urls)]
    others = [f"{urls[0]},again,", f"{pictures.url}/missing.jpg,none,=1+1", f"{moved},moved,"]
    manifest = "\n".join(["url,label,Row", *lines, *others])
    finished = mirror(cloud, "indexed.csv", manifest, {"rounds": "1", "batch-size": "3", "max-concurrency": "1"})
    assert wait_for_index(finished).status == "SUCCEEDED"
    return finished


def test_the_index_has_a_line_for_each_row_and_the_counts_of_the_summary(run: FinishedRun) -> None:
    found = rows(run)

    assert [row["row"] for row in found] == list(range(1, run.summary["rows"] + 1))
    assert Counter(row["outcome"] for row in found) == +Counter({name: run.summary[name] for name in OUTCOMES})
    assert [row["label"] for row in found] == ["0", "1", "2", "3", "4", "5", "again", "none", "moved"]


def test_a_duplicate_has_the_key_and_the_digest_of_the_image_that_was_stored(run: FinishedRun) -> None:
    first, duplicate = rows(run)[0], rows(run)[6]

    assert duplicate["outcome"] == "duplicate"
    for name in ("object_key", "sha256", "bytes", "content_type", "width", "height"):
        assert duplicate[name] == first[name] is not None


def test_a_failure_has_its_reason_and_no_image(run: FinishedRun) -> None:
    failed = rows(run)[7]

    assert (failed["outcome"], failed["reason"], failed["status"], failed["retryable"]) == (
        "failed", "http_4xx", 404, False,
    )  # fmt: skip
    assert failed["message"]
    assert failed["object_key"] is failed["sha256"] is failed["downloaded_at"] is None


def test_a_redirect_leads_to_a_redacted_final_url(run: FinishedRun) -> None:
    moved, direct = rows(run)[8], rows(run)[0]

    assert moved["final_url"].endswith("/target.jpg?token=…")
    assert direct["final_url"] is None


def test_an_own_column_with_the_name_of_another_one_has_a_prefix(run: FinishedRun) -> None:
    assert rows(run)[7]["your_Row"] == "=1+1"
    assert rows(run)[7]["columns"] == {"label": "none", "Row": "=1+1"}


def test_results_csv_has_the_same_rows_without_formulas(run: FinishedRun) -> None:
    found = list(csv.DictReader(io.StringIO(run.file("results.csv").decode())))

    assert [(line["row"], line["outcome"], line["sha256"]) for line in found] == [
        (str(row["row"]), row["outcome"], row["sha256"] or "") for row in rows(run)
    ]
    assert found[7]["your_Row"] == "'=1+1"


def test_the_index_is_one_data_set_which_joins_the_list_of_the_user_row_by_row(run: FinishedRun, tmp_path) -> None:
    for name in run.names("index/"):
        (tmp_path / name.rpartition("/")[2]).write_bytes(run.file(name))
    own = pyarrow.table({"label": [*map(str, range(6)), "again", "none", "moved"], "mine": list(range(9))})

    joined = pyarrow.dataset.dataset(tmp_path).to_table(columns=["row", "label"]).join(own, "label").sort_by("row")

    assert joined.column("mine").to_pylist() == list(range(9))


def test_the_index_can_be_made_again(run: FinishedRun) -> None:
    before, names = rows(run), run.names()

    assert index_again(run, "again").status == "SUCCEEDED"

    assert (rows(run), run.names()) == (before, names)


def test_a_file_that_an_earlier_index_has_left_is_deleted(cloud: Cloud, run: FinishedRun) -> None:
    stale = f"runs/{run.run_id}/index/part-9999999999.parquet"
    cloud.client("s3").put_object(Bucket=cloud.outputs["InputBucket"], Key=stale, Body=b"stale")

    assert index_again(run, "stale").status == "SUCCEEDED"

    assert stale not in run.names("index/")


@pytest.mark.parametrize("key", ["submitted/indexed.csv", "runs/indexed/retry.csv"])
def test_the_manifest_of_the_api_and_the_retry_manifest_are_read(cloud: Cloud, pictures: Site, key: str) -> None:
    where = {"Bucket": cloud.outputs["InputBucket"], "Key": key}
    url = pictures.put(f"/{key}.jpg", jpeg(note=key.encode()))
    put_object = cloud.client("s3").put_object(**where, Body=f"url\n{url}\n".encode())
    event = ManifestObject(where["Bucket"], key, put_object["ETag"].strip('"'), version_id=put_object["VersionId"])

    finished = finish(cloud, cloud.engine.start_execution(cloud.outputs["StateMachineArn"], event.as_event()))

    assert wait_for_index(finished).status == "SUCCEEDED"
    assert finished.file("lock.csv").decode().splitlines()[1].startswith(url)


def test_the_copy_of_the_rows_is_read(cloud: Cloud, pictures: Site) -> None:
    urls = put(pictures, 2, "copied")

    finished = mirror(cloud, "copied.csv", "url,label\n" + f'"{urls[0]} {urls[1]}",both\n', {"split-urls": "true"})

    assert wait_for_index(finished).status == "SUCCEEDED"
    assert [(row["url"], row["label"]) for row in rows(finished)] == [(url, "both") for url in urls]
    assert [line.split(",")[0] for line in finished.file("lock.csv").decode().splitlines()] == ["url", *urls]


def test_a_run_that_is_not_known_has_no_index(cloud: Cloud, run: FinishedRun) -> None:
    unknown = FinishedRun(cloud, run.execution, "unknown")

    execution = index_again(unknown, "unknown")

    assert execution.status == "FAILED"
    assert "There is no run unknown that has ended" in execution.cause
    events = cloud.client("stepfunctions").get_execution_history(executionArn=execution.arn)["events"]
    assert [event["type"] for event in events].count("TaskScheduled") == 1


def test_the_rows_of_a_cancelled_run_are_in_its_index(cloud: Cloud, pictures: Site) -> None:
    """The second batch is running when the run is stopped, and the third has not started."""
    urls = put(pictures, 6, "cancelled")
    reached, stopped = threading.Event(), threading.Event()
    pictures.put("/cancelled2.jpg", Answer(jpeg(), before=lambda: (reached.set(), stopped.wait(30))))
    arn = start(
        cloud, "cancelled.csv", "\n".join(["url", *urls]), {"batch-size": "2", "max-concurrency": "1", "rounds": "1"}
    )
    assert reached.wait(60)
    cloud.engine.stop_execution(arn)
    stopped.set()
    cloud.settle()
    run = finish(cloud, arn)

    assert wait_for_index(run).status == "SUCCEEDED"
    found = rows(run)
    assert [row["row"] for row in found] == [1, 2, 3, 4, 5, 6]
    assert Counter(row["outcome"] for row in found) == +Counter({name: run.summary[name] for name in OUTCOMES})
    assert Counter(row["reason"] for row in found if row["reason"]) == run.summary["failures_by_reason"]
    assert {row["message"] for row in found[4:]} == {
        "The run was cancelled before an outcome of this row was recorded."
    }


def test_rows_of_crashed_batches_are_in_the_index_of_a_parquet_manifest(cloud: Cloud, pictures: Site) -> None:
    urls = put(pictures, 4, "crashed")
    pictures.put("/crashed3.jpg", Answer(jpeg(), before=lambda: kill("Download")))
    file = io.BytesIO()
    pq.write_table(pyarrow.table({"url": urls, "number": range(4)}), file)

    run = mirror(cloud, "crashed.parquet", file.getvalue(), {"batch-size": "2", "max-concurrency": "1"})

    assert wait_for_index(run).status == "SUCCEEDED"
    assert [(row["outcome"], row["reason"], row["number"]) for row in rows(run)] == [
        *(("stored", None, number) for number in "01"),
        *(("failed", "batch_crashed", number) for number in "23"),
    ]
    lock = pq.ParquetFile(io.BytesIO(run.file("lock.parquet"))).read()
    assert lock.column("number").to_pylist() == [0, 1]


def test_an_index_whose_function_is_killed_each_time_leaves_the_run_as_it_is(cloud: Cloud, pictures: Site) -> None:
    urls = put(pictures, 3, "killed")
    kills = threading.Thread(target=lambda: kill_until(ended), daemon=True)
    ended = threading.Event()
    kills.start()
    try:
        run = mirror(cloud, "killed-index.csv", "\n".join(["url", *urls]))
        before = run.summary, run.outcomes()
        execution = wait_for_index(run)
    finally:
        ended.set()
        kills.join()

    assert execution.status == "FAILED"
    assert run.status == "SUCCEEDED"
    assert (run.summary, run.outcomes()) == before
    assert not run.names("index/")
    assert index_again(run, "after-kills").status == "SUCCEEDED"
    assert [row["outcome"] for row in rows(run)] == ["stored"] * 3


def test_a_placeholder_for_a_third_of_the_urls_of_a_host_is_reported(cloud: Cloud, pictures: Site) -> None:
    urls = put(pictures, 30, "some")
    for url in urls[::3]:
        pictures.put(url.removeprefix(pictures.url), jpeg(note=b"placeholder"))

    run = mirror(cloud, "placeholders.csv", "\n".join(["url", *urls]))

    sentence = "10 rows of 127.0.0.1:"
    assert sentence in run.summary["note"]
    assert sentence in run.file("report.html").decode()
    [suspect] = csv.DictReader(io.StringIO(run.file(run.summary["suspects_report"]).decode()))
    assert (suspect["rows"], suspect["first_row"]) == ("10", "1")


def kill(name: str) -> None:
    """Kill every sandbox of a function."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "").find(name) >= 0:
                process.kill()


def kill_until(ended: threading.Event) -> None:
    while not ended.wait(0.1):  # a sandbox takes longer to start
        kill("Index")


def local_run(out: Path, manifest: Path) -> Path:
    """The folder of a run of the command line."""
    command = [sys.executable, "-m", "local.commands", "run", manifest, "--out", out, "--allow", "127.0.0.0/8"]
    subprocess.run([*map(str, command), "--option", "rounds=1"], cwd=ROOT, capture_output=True, check=False)
    [folder] = (out / "runs").iterdir()
    return folder


def digests(out: Path) -> list[str]:
    return sorted(
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (out / "images").rglob("*") if path.is_file()
    )


def test_a_lock_manifest_stores_the_same_images_elsewhere_or_fails(
    cloud: Cloud, pictures: Site, tmp_path: Path
) -> None:
    urls = put(pictures, 5, "locked")
    labels = [*(f"{url},{number}" for number, url in enumerate(urls)), f"{urls[0]},5"]
    first = mirror(cloud, "locked.csv", "\n".join(["url,label", *labels]))
    assert wait_for_index(first).status == "SUCCEEDED"
    lock = tmp_path / "lock.csv"
    lock.write_bytes(first.file("lock.csv"))

    again = local_run(tmp_path / "again", lock)
    pictures.put("/locked3.jpg", jpeg(note=b"lockeD3"))
    changed = local_run(tmp_path / "changed", lock)

    assert digests(tmp_path / "again") == sorted(hashlib.sha256(first.image(url)).hexdigest() for url in urls)
    summaries = [json.loads((folder / "summary.json").read_text()) for folder in (again, changed)]
    assert [(each["stored"], each["duplicate"], each["failed"]) for each in summaries] == [(5, 1, 0), (4, 1, 1)]
    [failure] = csv.DictReader((changed / "failures.csv").read_text().splitlines())
    assert (failure["row"], failure["reason"], failure["label"]) == ("4", "checksum_mismatch", "3")
