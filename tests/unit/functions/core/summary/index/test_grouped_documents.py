"""The documents of a run with more rows than one invocation reads."""

import csv
import io
import json
import random
from typing import Any

import pytest

from functions.core.model.errors import BooksFault
from functions.core.model.types import ResultLine
from tests.support.index_fakes import EndedRun, failed, stored

ROWS = 40
COUNTS = ("stored", "failed")


def url(row: int) -> str:
    return f"http://img{row % 5}.site{row % 3}.example/{row}.png"


def run(seed: int = 1, **record: Any) -> EndedRun:
    """Some batches have crashed, so that some rows have no outcome."""
    chosen = random.Random(seed)
    parts: dict[str, list[ResultLine]] = {}
    counts = dict.fromkeys(COUNTS, 0)
    for first in range(1, ROWS + 1, 4):
        lines = [
            stored(row, url(row), columns={"label": str(row)}) if chosen.random() < 0.7 else failed(row, url(row))
            for row in range(first, first + 4)
        ]
        if chosen.random() < 0.2:
            lines = []
        else:
            parts[f"part-{first:010d}-00"] = lines
        for line in lines:
            counts[line["outcome"]] += 1
    counts["failed"] += ROWS - sum(counts.values())
    manifest = "url,label\n" + "".join(f"{url(row)},{row}\n" for row in range(1, ROWS + 1))
    return EndedRun(manifest.encode(), parts, columns=["label"], rows=ROWS, **{**counts, **record})


def index_in_groups(world: EndedRun, rows: int) -> int:
    """All steps, as the state machine calls them."""
    indexer = world.indexer(document_rows=rows)
    indexed = sum(indexer.write_group(number) for number in indexer.plan())
    documents = indexer.plan_documents()
    for number in reversed(documents):
        indexer.write_documents(number)
    return indexer.publish(indexed, json.loads(json.dumps(documents)))


def locked(world: EndedRun) -> list[dict[str, str]]:
    """The rows of the lock, of one file or several."""
    files = [text for name, text in sorted(world.files.texts.items()) if name.startswith("lock")]
    return [row for text in files for row in csv.DictReader(io.StringIO(text))]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rows", [1, 7, 13, 39])
def test_the_documents_are_those_of_one_invocation(seed: int, rows: int) -> None:
    whole, grouped = run(seed), run(seed)

    assert index_in_groups(grouped, rows) == whole.index() == ROWS

    for name in ("domains.csv", "croissant.json", "athena.sql"):
        assert grouped.files.texts[name] == whole.files.texts[name]
    assert locked(grouped) == locked(whole)
    assert grouped.rows() == whole.rows()


def test_each_group_has_a_lock_of_its_own_and_no_file_for_a_spreadsheet() -> None:
    world = run()

    index_in_groups(world, 20)

    assert sorted(name for name in world.files.texts if name.startswith("lock")) == ["lock-0001.csv", "lock-0002.csv"]
    assert "results.csv" not in world.files.uploads


def test_the_files_of_the_groups_are_deleted() -> None:
    world = run()

    index_in_groups(world, 20)

    assert not [name for name in (*world.files.texts, *world.files.files) if name.startswith("fold/")]


def test_rows_that_are_not_those_of_the_summary_are_an_error() -> None:
    world = run(stored=ROWS, failed=0)

    with pytest.raises(BooksFault, match="The summary has"):
        index_in_groups(world, 20)


@pytest.mark.parametrize("gone", [True, False])
def test_a_manifest_that_is_gone_leaves_the_other_documents(gone: bool) -> None:
    world = run()
    if gone:
        world.manifests.objects.clear()

    index_in_groups(world, 20)

    assert ("lock-0001.csv" in world.files.texts) is not gone
    assert "domains.csv" in world.files.texts


@pytest.mark.parametrize(("rows", "form"), [(ROWS, "csv"), (10, "parquet")])
def test_a_run_of_one_group_and_one_of_parquet_have_no_groups_of_documents(rows: int, form: str) -> None:
    assert run(form=form).indexer(document_rows=rows).plan_documents() == []
