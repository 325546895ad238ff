"""The items of durable tables: after a restart, after a kill, and in bounded memory."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import backend
from tests.unit.local.aws.backend.conftest import KEYS, create

ROW = {"url": "https://a/", "bytes": 3, "ratio": 0.5, "tags": ["x", None, True], "more": {"n": 1}}


def image(number: int) -> dict[str, Any]:
    return {
        "url": {"S": f"https://a/{number:06}"},
        "bytes": {"N": str(number)},
        "object_key": {"S": f"images/{number}"},
    }


def reopen(dynamodb: Any, file: Path, shape: str = "hash") -> str:
    """A new cloud, as after a restart: the table exists again and is empty, then its file is opened."""
    backend.close_tables()
    backend.reset()
    create(dynamodb, f"durable-{shape}", KEYS[shape])
    backend.open_tables(file, [f"durable-{shape}"])
    return f"durable-{shape}"


def test_items_are_there_after_a_restart(dynamodb: Any, file: Path) -> None:
    dynamodb.put_item(TableName="durable-hash", Item=image(1))
    dynamodb.update_item(
        TableName="durable-hash",
        Key={"url": image(1)["url"]},
        UpdateExpression="SET width = :w",
        ExpressionAttributeValues={":w": {"N": "7"}},
    )
    table = reopen(dynamodb, file)
    assert dynamodb.scan(TableName=table)["Items"] == [{**image(1), "width": {"N": "7"}}]


def test_a_deleted_item_is_gone_after_a_restart(dynamodb: Any, file: Path) -> None:
    dynamodb.put_item(TableName="durable-hash", Item=image(1))
    dynamodb.delete_item(TableName="durable-hash", Key={"url": image(1)["url"]})
    assert dynamodb.scan(TableName=reopen(dynamodb, file))["Items"] == []


def test_a_table_with_a_sort_key_is_there_after_a_restart(dynamodb: Any, file: Path) -> None:
    item = {"host": {"S": "h"}, "n": {"N": "2"}, "limit": {"L": [{"B": b"\x00"}]}}
    dynamodb.put_item(TableName="durable-numbered", Item=item)
    table = reopen(dynamodb, file, "numbered")
    assert dynamodb.get_item(TableName=table, Key={"host": {"S": "h"}, "n": {"N": "2.0"}})["Item"] == item


def test_items_put_before_the_file_is_opened_are_kept(dynamodb: Any, file: Path) -> None:
    backend.close_tables()
    backend.reset()
    create(dynamodb, "durable-sorted", KEYS["sorted"])
    dynamodb.put_item(TableName="durable-sorted", Item={"host": {"S": "h"}, "kind": {"S": "limit"}})
    backend.open_tables(file, ["durable-sorted"])
    assert backend.count_items("durable-sorted") == 1


def test_a_deleted_table_leaves_no_items_to_a_new_one(dynamodb: Any, file: Path) -> None:
    dynamodb.put_item(TableName="durable-hash", Item=image(1))
    dynamodb.delete_table(TableName="durable-hash")
    assert dynamodb.scan(TableName=reopen(dynamodb, file))["Items"] == []


def test_another_key_schema_is_an_error_that_names_both(dynamodb: Any, file: Path) -> None:
    backend.close_tables()
    backend.reset()
    create(dynamodb, "durable-hash", ("host", "kind"))
    with pytest.raises(
        backend.TableFileError, match=r"key url \(S\), but the stack's key is host \(S\) and kind \(S\)"
    ):
        backend.open_tables(file, ["durable-hash"])


@pytest.mark.parametrize("content", [b"no database" * 100, None])
def test_a_file_that_is_no_database_is_one_sentence(dynamodb: Any, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.sqlite"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(backend.TableFileError, match=r"broken\.sqlite cannot be"):
        backend.open_tables(path, ["durable-hash"])


def test_every_acknowledged_write_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "items.sqlite"
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.local.aws.backend.writer", str(path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(200)]
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in writer.stdout.read().splitlines()]
    writer.wait()
    writer.stdout.close()
    with sqlite3.connect(path) as database:
        [(count,)] = database.execute("SELECT count(*) FROM items")
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert 200 <= acknowledged[-1] <= count <= acknowledged[-1] + 1


def test_a_failed_transaction_changes_nothing(dynamodb: Any) -> None:
    dynamodb.put_item(TableName="durable-hash", Item=image(1))
    wrong = {"TableName": "durable-hash", "Key": {"url": {"S": "x"}}, "ConditionExpression": "attribute_exists(width)"}
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "durable-hash", "Item": image(2)}},
                {"Delete": {"TableName": "durable-hash", "Key": {"url": image(1)["url"]}}},
                {"ConditionCheck": wrong},
            ]
        )
    assert dynamodb.scan(TableName="durable-hash")["Items"] == [image(1)]


def test_a_failed_update_changes_nothing(dynamodb: Any) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        dynamodb.update_item(
            TableName="durable-hash",
            Key={"url": {"S": "https://new/"}},
            UpdateExpression="SET a = :one, b = missing + :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
    assert backend.count_items("durable-hash") == 0


def test_one_of_many_conditional_writers_at_once_wins(client: Any, dynamodb: Any) -> None:
    outcomes: list[tuple[int, str]] = []
    ready = threading.Barrier(8)

    def claim(number: int) -> None:
        mine, item = client("dynamodb"), image(7) | {"by": {"N": str(number)}}
        ready.wait()
        try:
            condition = "attribute_not_exists(object_key)"
            mine.put_item(TableName="durable-hash", Item=item, ConditionExpression=condition)
            outcomes.append((number, "won"))
        except ClientError as error:
            outcomes.append((number, error.response["Error"]["Code"]))

    in_parallel(8, claim)
    [item] = dynamodb.scan(TableName="durable-hash")["Items"]
    assert [number for number, outcome in outcomes if outcome == "won"] == [int(item["by"]["N"])]
    assert [outcome for _, outcome in outcomes].count("ConditionalCheckFailedException") == 7


def test_no_update_is_lost_when_many_update_at_once(client: Any, dynamodb: Any) -> None:
    def add(_: int) -> None:
        mine = client("dynamodb")
        for _ in range(20):
            mine.update_item(
                TableName="durable-hash",
                Key={"url": {"S": "u"}},
                UpdateExpression="ADD visits :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

    in_parallel(4, add)
    assert dynamodb.scan(TableName="durable-hash")["Items"] == [{"url": {"S": "u"}, "visits": {"N": "80"}}]


def in_parallel(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_scan_of_many_pages_reads_every_item_once(dynamodb: Any) -> None:
    rows = [{"url": f"https://a/{number}", "bytes": number} for number in range(1_700)]
    assert backend.put_rows("durable-hash", rows) == 1_700
    pages = dynamodb.get_paginator("scan").paginate(TableName="durable-hash", PaginationConfig={"PageSize": 300})
    found = [item["url"]["S"] for page in pages for item in page["Items"]]
    assert found == sorted(str(row["url"]) for row in rows)
    assert [row["url"] for row in backend.rows("durable-hash")] == found


@pytest.mark.parametrize("table", ["plain-hash", "durable-hash"])
def test_rows_are_plain_values(dynamodb: Any, table: str) -> None:
    backend.put_row(table, ROW)
    assert list(backend.rows(table)) == [ROW]
    assert backend.count_items(table) == 1
    assert backend.delete_item(table, {"url": "https://a/"})
    assert not backend.delete_item(table, {"url": "https://a/"})
    assert backend.count_items(table) == 0


@pytest.mark.parametrize("table", ["plain-sorted", "durable-sorted"])
def test_rows_of_a_table_with_a_sort_key(dynamodb: Any, table: str) -> None:
    rows: list[dict[str, object]] = [{"host": host, "kind": kind} for host in "ab" for kind in ("limit", "robots")]
    assert backend.put_rows(table, rows) == 4
    assert list(backend.rows(table)) == rows
    assert backend.delete_item(table, {"host": "a", "kind": "limit"})
    assert list(backend.rows(table)) == rows[1:]


def test_a_row_without_its_key_is_an_error(dynamodb: Any) -> None:
    with pytest.raises(KeyError, match="url"):
        backend.put_row("durable-hash", {"bytes": 1})


def test_rows_can_be_deleted_while_they_are_read(dynamodb: Any) -> None:
    backend.put_rows("durable-hash", [{"url": f"https://a/{number}"} for number in range(1_200)])
    for row in backend.rows("durable-hash"):
        backend.delete_item("durable-hash", row)
    assert backend.count_items("durable-hash") == 0


def test_a_backup_and_a_restored_table_are_copies(dynamodb: Any) -> None:
    dynamodb.put_item(TableName="durable-hash", Item=image(1))
    arn = dynamodb.create_backup(TableName="durable-hash", BackupName="backup")["BackupDetails"]["BackupArn"]
    dynamodb.put_item(TableName="durable-hash", Item=image(2))
    dynamodb.restore_table_from_backup(TargetTableName="restored", BackupArn=arn)
    assert dynamodb.scan(TableName="restored")["Items"] == [image(1)]


def test_a_statement_reads_and_changes_a_durable_table(dynamodb: Any, file: Path) -> None:
    dynamodb.put_item(TableName="durable-hash", Item=image(1))
    dynamodb.execute_statement(Statement=f"UPDATE \"durable-hash\" SET bytes='9' WHERE url = '{image(1)['url']['S']}'")
    table = reopen(dynamodb, file)
    assert dynamodb.scan(TableName=table)["Items"][0]["bytes"] == {"S": "9"}


def test_the_time_to_live_is_kept_by_moto(dynamodb: Any) -> None:
    settings = {"Enabled": True, "AttributeName": "expires_at"}
    dynamodb.update_time_to_live(TableName="durable-hash", TimeToLiveSpecification=settings)
    found = dynamodb.describe_time_to_live(TableName="durable-hash")["TimeToLiveDescription"]
    assert found == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
