"""What moto keeps in memory."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

from local.aws import backend


def test_moto_keeps_no_object_that_nothing_refers_to() -> None:
    message_class = sys.modules["moto.sqs.models"].Message
    message = message_class("id", "body")
    reference = weakref.ref(message)
    del message
    gc.collect()
    assert reference() is None


def test_the_items_of_a_durable_table_are_not_in_memory(dynamodb: Any) -> None:
    item_class = sys.modules["moto.dynamodb.models.dynamo_type"].Item
    backend.put_rows("durable-hash", [{"url": f"https://a/{number}"} for number in range(2_000)])
    values = {":w": {"N": "1"}}
    dynamodb.update_item(
        TableName="durable-hash",
        Key={"url": {"S": "https://a/1"}},
        UpdateExpression="SET w = :w",
        ExpressionAttributeValues=values,
    )
    assert sum(1 for _ in backend.rows("durable-hash")) == 2_000
    gc.collect()
    assert [entry for entry in gc.get_objects() if isinstance(entry, item_class)] == []
