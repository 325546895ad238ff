"""The two tables: batches whose body is encoded by the adapter, conditional writes, and queries of the index."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from unittest.mock import patch

import pytest

from functions.adapters import clients, dynamodb_images_table
from functions.adapters.dynamodb_images_table import DynamoImagesTable
from functions.adapters.dynamodb_runs_table import DynamoRunsTable
from functions.core.model.errors import TableFault
from functions.core.model.runs import RUN_KIND
from functions.core.model.types import ImageRecord, RunRecord
from tests.second_opinions.conftest import Tables

LARGE_ITEM_BYTES = {"dynalite": 90_000, "ministack": 390_000, "local AWS": 390_000}
"""60 such items are more than BatchGetItem returns at once: 16 MB in AWS, 1.4 MB in dynalite. The other keys come back
as unprocessed."""


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with closing(clients.client("dynamodb")) as dynamodb:
        yield dynamodb


@pytest.fixture
def images(tables: Tables, dynamodb: Any) -> DynamoImagesTable:
    return DynamoImagesTable(dynamodb, tables.images)


@pytest.fixture
def runs(tables: Tables, dynamodb: Any) -> DynamoRunsTable:
    return DynamoRunsTable(dynamodb, tables.runs)


def image(number: int, **more: Any) -> ImageRecord:
    record: Any = {
        "url": f"https://example.com/{number}.png?é=日😀&q=\"'\\",
        "object_key": f"images/{number}.png",
        "bytes": 123_456_789_012,
        "sha256": "a" * 64,
        "etag": '"W/é"',
        "row": number,
    }
    changed: ImageRecord = record | more
    return changed


def run(number: int, **more: Any) -> RunRecord:
    record: Any = {
        "run_id": f"r{number}",
        "kind": RUN_KIND,
        "status": "running",
        "started_at": f"2026-11-26T00:00:{number:02}Z",
        "execution_arn": "arn:1",
    }
    changed: RunRecord = record | more
    return changed


# The images table


def test_rows_that_were_recorded_are_found(images: DynamoImagesTable) -> None:
    rows = [image(number) for number in range(60)]
    images.record(rows)

    assert images.look_up([row["url"] for row in rows]) == {row["url"]: row for row in rows}


def test_a_recorded_row_is_what_boto3_reads(tables: Tables, images: DynamoImagesTable) -> None:
    images.record([image(1)])

    (item,) = tables.client.scan(TableName=tables.images)["Items"]
    assert item == {
        "url": {"S": image(1)["url"]},
        "object_key": {"S": "images/1.png"},
        "bytes": {"N": "123456789012"},
        "sha256": {"S": "a" * 64},
        "etag": {"S": '"W/é"'},
        "row": {"N": "1"},
    }


def test_a_row_is_replaced_by_a_newer_one(images: DynamoImagesTable) -> None:
    images.record([image(1), image(2)])
    images.record([image(1, sha256="b" * 64)])

    assert [row["sha256"][0] for row in images.look_up([image(1)["url"], image(2)["url"]]).values()] in (
        ["a", "b"],
        ["b", "a"],
    )


def test_more_urls_than_a_request_may_have_are_looked_up_and_missing_ones_are_left_out(
    images: DynamoImagesTable,
) -> None:
    images.record([image(number) for number in range(0, 250, 2)])
    urls = [image(number)["url"] for number in range(250)]

    found = images.look_up([*urls, *urls])
    assert sorted(row["row"] for row in found.values()) == list(range(0, 250, 2))
    assert images.look_up([]) == {}


def test_keys_that_a_response_leaves_unprocessed_are_read_again(
    images: DynamoImagesTable, request: pytest.FixtureRequest
) -> None:
    size = LARGE_ITEM_BYTES[request.node.callspec.params["service"]]
    rows = [image(number, final_url="x" * size) for number in range(60)]
    images.record(rows)

    with patch.object(dynamodb_images_table, "_back_off") as backed_off:
        found = images.look_up([row["url"] for row in rows])

    assert found == {row["url"]: row for row in rows}
    assert backed_off.called


def test_a_row_that_the_table_rejects_is_a_table_fault(images: DynamoImagesTable) -> None:
    with pytest.raises(TableFault, match="ValidationException"):
        images.record([image(1), {"url": ""}])


def test_an_item_above_400_kb_is_a_table_fault(images: DynamoImagesTable) -> None:
    with pytest.raises(TableFault, match="ValidationException"):
        images.record([image(1, final_url="x" * 410_000)])


# The runs table


def test_every_type_of_a_record_is_read_as_it_was_written(runs: DynamoRunsTable) -> None:
    values: Any = {
        "options": {"timeout": 2.5, "allowed_types": ["png", "gif"], "nested": {"x": [0.1, 10**30, -1, None, True]}},
        "images_per_second": 123.456789,
        "note": None,
        "columns": [],
        "sampled": False,
        "cause": "é日😀\n",
    }
    assert runs.create({**run(1), **values})

    assert runs.get("r1") == {**run(1), **values}


def test_a_run_is_created_once(runs: DynamoRunsTable) -> None:
    assert runs.create(run(1))
    assert not runs.create(run(1, status="another"))
    assert runs.get("r1") == run(1)
    assert runs.get("r2") is None


def test_a_run_belongs_to_the_execution_that_claimed_it(runs: DynamoRunsTable) -> None:
    assert runs.claim(run(1))
    assert runs.claim(run(1))
    assert not runs.claim(run(1, execution_arn="arn:2"))


def test_a_run_that_has_ended_is_not_claimed_again(runs: DynamoRunsTable) -> None:
    runs.claim(run(1))
    runs.update("r1", {"ended_at": "2026-11-26T01:00:00Z"})

    assert not runs.claim(run(1))


def test_a_claim_keeps_what_the_api_has_recorded(runs: DynamoRunsTable) -> None:
    runs.create({**run(1), "request": "hash"})

    assert runs.claim(run(1, status="preparing"))
    assert runs.get("r1") == {**run(1, status="preparing"), "request": "hash"}


def test_an_update_may_have_reserved_words_and_create_the_record(runs: DynamoRunsTable) -> None:
    values: Any = {"status": "failed", "size": 3, "error": None, "bucket": "b", "a-b c": True}
    runs.update("r1", values)

    assert runs.get("r1") == {"run_id": "r1", **values}


def test_a_run_that_is_over_or_unknown_is_not_updated(runs: DynamoRunsTable) -> None:
    runs.create(run(1))

    assert runs.update_unless_over("r1", {"status": "stopping"})
    runs.update("r1", {"ended_at": "2026-11-26T01:00:00Z"})
    assert not runs.update_unless_over("r1", {"status": "running"})
    assert not runs.update_unless_over("r2", {"status": "running"})
    assert runs.get("r1") == {**run(1, status="stopping"), "ended_at": "2026-11-26T01:00:00Z"}
    assert runs.get("r2") is None


def test_runs_are_listed_from_the_newest_in_pages(runs: DynamoRunsTable) -> None:
    for number in range(25):
        runs.create(run(number))
    runs.update("without-kind", {"status": "running"})

    listed, after, pages = [], None, 0
    while pages == 0 or after:
        records, after = runs.newest(None, 10, after)
        listed += [record["run_id"] for record in records]
        pages += 1
    assert listed == [f"r{number}" for number in reversed(range(25))]
    assert pages == 3


def test_a_page_of_one_status_may_be_shorter_than_its_limit(runs: DynamoRunsTable) -> None:
    for number in range(10):
        runs.create(run(number, status="failed" if number == 0 else "running"))

    first, after = runs.newest("failed", 6, None)
    assert first == []
    assert after == {"run_id": "r4", "started_at": "2026-11-26T00:00:04Z"}
    second, after = runs.newest("failed", 6, after)
    assert (second, after) == ([run(0, status="failed")], None)


def test_a_table_that_does_not_exist_is_a_table_fault(tables: Tables, dynamodb: Any) -> None:
    missing = DynamoRunsTable(dynamodb, f"{tables.runs}-missing")

    with pytest.raises(TableFault, match="ResourceNotFoundException"):
        missing.create(run(1))
    with pytest.raises(TableFault, match="ResourceNotFoundException"):
        missing.newest(None, 10, None)
    with pytest.raises(TableFault, match="ResourceNotFoundException"):
        DynamoImagesTable(dynamodb, f"{tables.images}-missing").look_up(["https://example.com"])
