"""The index of a run: its results as a table, and the documents that follow from them."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator

import pyarrow.dataset
import pytest

from local.aws.cloud import Cloud
from tests.support.images import jpeg
from tests.support.indexes import index_again, rows, wait_for_index
from tests.support.pipeline import OUTCOMES, FinishedRun, mirror
from tests.support.site import Answer, Site


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
    finished = mirror(cloud, "indexed.csv", manifest, {"rounds": "1", "batch-size": "3"})
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


def test_a_run_that_is_not_known_has_no_index(cloud: Cloud, run: FinishedRun) -> None:
    unknown = FinishedRun(cloud, run.execution, "unknown")

    execution = index_again(unknown, "unknown")

    assert execution.status == "FAILED"
    assert "There is no run unknown that has ended" in execution.cause


def test_the_lock_manifest_stores_the_same_objects_elsewhere(run: FinishedRun) -> None:
    lock = list(csv.DictReader(io.StringIO(run.file("lock.csv").decode())))

    assert [line["label"] for line in lock] == ["0", "1", "2", "3", "4", "5", "again", "moved"]
    assert json.loads(json.dumps(lock))
