"""What moto keeps in memory."""

from __future__ import annotations

import gc
import sys
import time
import weakref
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.aws import backend
from local.aws.telemetry.metrics import MetricValues


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


def test_the_oldest_metric_data_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.aws.backend.telemetry.MAX_METRIC_DATA", 3)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for minute in range(5):
        line = MetricValues("Test", "Images", "Count", (), start + timedelta(minutes=minute), (float(minute),))
        backend.add_to_metric(line)
    models = sys.modules["moto.cloudwatch.models"]
    data = models.cloudwatch_backends[backend.ACCOUNT][backend.REGION].metric_data
    assert [datum.sum for datum in data] == [2, 3, 4]
    backend.reset()


def test_the_newest_log_streams_of_a_group_are_kept_and_the_newest_events_of_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.aws.backend.telemetry.MAX_STREAMS", 2)
    monkeypatch.setattr("local.aws.backend.telemetry.MAX_STREAM_EVENTS", 3)
    backend.reset()
    now = int(time.time() * 1000)  # older events are rejected
    for stream in ("one", "two", "three"):
        for number in range(5):
            backend.put_log_events("group", stream, [{"timestamp": now, "message": f"{stream} {number}"}])
    streams = sys.modules["moto.logs.models"].logs_backends[backend.ACCOUNT][backend.REGION].groups["group"].streams
    kept = {name: [event.message for event in stream.events] for name, stream in streams.items()}
    assert kept == {name: [f"{name} {number}" for number in (2, 3, 4)] for name in ("two", "three")}
    backend.reset()
