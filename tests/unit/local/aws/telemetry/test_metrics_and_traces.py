"""Metrics in log lines, in moto's CloudWatch; segments in datagrams, in moto's X-Ray."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.aws import backend
from local.aws.backend import telemetry
from local.aws.telemetry.metrics import parse_metrics
from local.aws.telemetry.traces import Traces
from local.lambdas.trace import Trace

MINUTE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def line(values: Any, seconds: float = 0.0, **dimensions: str) -> str:
    directive = {
        "Namespace": "N",
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": "M", "Unit": "Count"}],
    }
    metadata = {"Timestamp": (MINUTE.timestamp() + seconds) * 1000, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": metadata, "M": values, **dimensions})


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    backend.reset()
    yield
    backend.reset()


def data() -> list[Any]:
    return list(telemetry.cloudwatch_backends[backend.ACCOUNT][backend.REGION].metric_data)


def test_a_line_is_parsed_as_its_metrics() -> None:
    (metric,) = parse_metrics(line([1, 2], 59.9, service="s"))

    assert (metric.namespace, metric.name, metric.unit, metric.values) == ("N", "M", "Count", (1.0, 2.0))
    assert (metric.dimensions, metric.minute) == ((("service", "s"),), MINUTE)


@pytest.mark.parametrize("text", ["", "START", '{"_aws": 1}', '"_aws"', '{"_aws": {"Timestamp": "x"}}'])
def test_a_line_of_another_format_has_no_metric(text: str) -> None:
    assert list(parse_metrics(text)) == []


def test_values_of_the_same_minute_and_dimensions_are_aggregated() -> None:
    for text in (line([1, 5], service="s"), line(3, 30, service="s"), line(9, 60, service="s"), line(7, service="t")):
        for metric in parse_metrics(text):
            backend.add_to_metric(metric)

    assert [(each.sum, each.sample_count, each.min, each.max) for each in data()] == [
        (9.0, 3, 1.0, 5.0),
        (9.0, 1, 9.0, 9.0),
        (7.0, 1, 7.0, 7.0),
    ]


@pytest.fixture
def traces() -> Iterator[Traces]:
    traces = Traces()
    yield traces
    traces.close()


def documents(trace_id: str) -> list[dict[str, Any]]:
    (trace,) = telemetry._xray()[backend.ACCOUNT][backend.REGION].get_trace_ids([trace_id])["Traces"]
    return [json.loads(segment["Document"]) for segment in trace["Segments"]]


def test_segments_of_the_host_and_of_a_function_are_one_trace(traces: Traces) -> None:
    trace = Trace()
    for segment in trace.segments(name="f", arn="arn:f", request_id="r", fault=False):
        traces.put(segment)
    subsegment = {
        "id": "1" * 16,
        "name": "work",
        "trace_id": trace.id,
        "parent_id": trace.function,
        "type": "subsegment",
    }
    host, port = traces.address.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(
            b'{"format": "json", "version": 1}\n'
            + json.dumps(subsegment | {"start_time": 1.0, "end_time": 2.0}).encode(),
            (host, int(port)),
        )
    traces.flush()

    segments = {document["id"]: document for document in documents(trace.id)}

    assert segments.keys() == {trace.service, trace.function, "1" * 16}
    assert segments[trace.function]["parent_id"] == trace.service


def test_an_invalid_segment_does_not_end_the_daemon(traces: Traces) -> None:
    trace = Trace()
    for datagram in (b"nonsense", b'{"format": "json"}\n{}', b'{"format": "xml"}\n<a/>', b"\xff\n\xff"):
        traces._send(datagram)
    traces.put(trace.segments(name="f", arn="arn:f", request_id="r", fault=True)[0])
    traces.flush()

    assert documents(trace.id)[0]["fault"] is True
