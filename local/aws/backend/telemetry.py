"""CloudWatch's logs and metrics, X-Ray's traces."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends
from moto.logs.models import logs_backends

from local.aws.backend.place import ACCOUNT, REGION

if TYPE_CHECKING:
    from local.aws.telemetry.metrics import Measured

MAX_STREAM_EVENTS = 10_000
MAX_TRACES = 10_000
MAX_METRICS_A_MINUTE = 200


def put_log_events(group: str, stream: str, events: list[dict[str, Any]]) -> None:
    """Creates the group and the stream; of a stream the last ten thousand events are kept."""
    logs = logs_backends[ACCOUNT][REGION]
    if group not in logs.groups:
        logs.create_log_group(group, tags={})
    if stream not in logs.groups[group].streams:
        logs.create_log_stream(group, stream)
    logs.put_log_events(group, stream, events)
    del logs.groups[group].streams[stream].events[:-MAX_STREAM_EVENTS]


def add_to_metric(measured: Measured) -> None:
    """Folded into one datum a minute, as CloudWatch keeps it; moto would keep every value as an object."""
    data: Any = cloudwatch_backends[ACCOUNT][REGION].metric_data
    values, minute = measured.values, measured.minute.replace(tzinfo=None)  # moto compares naive UTC
    for datum in reversed(data[-MAX_METRICS_A_MINUTE:]):
        if _same(datum, measured) and datum.timestamp == minute:
            datum.sum += sum(values)
            datum.sample_count += len(values)
            datum.min, datum.max = min(datum.min, *values), max(datum.max, *values)
            return
    dimensions = [{"Name": name, "Value": value} for name, value in measured.dimensions]
    folded = min(values), max(values), len(values), sum(values)
    data.append(MetricAggregatedDatum(measured.namespace, measured.name, *folded, dimensions, minute, measured.unit))


def _same(datum: Any, measured: Measured) -> bool:
    found = tuple((dimension.name, dimension.value) for dimension in datum.dimensions)
    return (datum.namespace, datum.name, found) == (measured.namespace, measured.name, measured.dimensions)


@cache
def _xray() -> Any:
    """moto's X-Ray, without the SDK that it loads for a mock of it: a second of CPU, and a socket left open."""
    mock = ModuleType("moto.xray.mock_client")
    vars(mock).update(MockXrayClient=object, XRaySegment=object)
    sys.modules.setdefault(mock.__name__, mock)
    return import_module("moto.xray.models").xray_backends


def put_segment(document: str) -> None:
    """Of traces, the last ten thousand are kept. Raises what moto raises for a document that is none."""
    xray = _xray()[ACCOUNT][REGION]
    xray.process_segment(document)
    traces = xray._segment_collection._traces
    while len(traces) > MAX_TRACES:
        del traces[next(iter(traces))]
