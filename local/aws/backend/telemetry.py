"""CloudWatch Logs, CloudWatch metrics and X-Ray traces."""

from __future__ import annotations

import sys
from collections import Counter
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends
from moto.logs.models import logs_backends

from local.aws.backend.application import ACCOUNT, REGION
from local.aws.backend.statistics import rounded
from local.aws.backend.traces import add_filters

if TYPE_CHECKING:
    from local.aws.telemetry.metrics import MetricValues

MAX_STREAM_EVENTS = 5_000
"""Maximum number of events kept in a log stream: about 5 MB."""

MAX_STREAMS = 20
"""Maximum number of log streams kept in a log group. Each sandbox has one."""

MAX_TRACES = 1_000
"""Maximum number of traces kept: about 12 MB."""

MAX_METRIC_DATA = 20_000
"""Maximum number of data kept of all metrics: one for each metric and minute."""

MAX_METRICS_PER_MINUTE = 200
"""Maximum number of newest data that are searched for the datum of the same minute."""


def put_log_events(group: str, stream: str, events: list[dict[str, Any]]) -> None:
    """Append events to a log stream; create the group and the stream where they do not exist."""
    logs = logs_backends[ACCOUNT][REGION]
    if group not in logs.groups:
        logs.create_log_group(group, tags={})
    if stream not in logs.groups[group].streams:
        logs.create_log_stream(group, stream)
    logs.put_log_events(group, stream, events)
    streams = logs.groups[group].streams
    del streams[stream].events[:-MAX_STREAM_EVENTS]
    for oldest in [*streams][:-MAX_STREAMS]:
        del streams[oldest]


def add_to_metric(metric: MetricValues) -> None:
    """Aggregate the values into one datum a minute, as CloudWatch does. moto would keep an object for every value."""
    data: Any = cloudwatch_backends[ACCOUNT][REGION].metric_data
    values, minute = metric.values, metric.minute.replace(tzinfo=None)  # moto compares naive UTC
    for datum in reversed(data[-MAX_METRICS_PER_MINUTE:]):
        if _is_same_metric(datum, metric) and datum.timestamp == minute:
            datum.sum += sum(values)
            datum.sample_count += len(values)
            datum.min, datum.max = min(datum.min, *values), max(datum.max, *values)
            datum.values.update(map(rounded, values))
            return
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    statistics = min(values), max(values), len(values), sum(values)
    added: Any = MetricAggregatedDatum(metric.namespace, metric.name, *statistics, dimensions, minute, metric.unit)
    added.values = Counter(map(rounded, values))
    data.append(added)
    del data[:-MAX_METRIC_DATA]


def _is_same_metric(datum: Any, metric: MetricValues) -> bool:
    dimensions = tuple((dimension.name, dimension.value) for dimension in datum.dimensions)
    return (datum.namespace, datum.name, dimensions) == (metric.namespace, metric.name, metric.dimensions)


@cache
def _xray() -> Any:
    """moto's X-Ray backends, without the X-Ray SDK, which moto imports only for its mock client: the import takes a
    second of CPU and leaves a socket open."""
    mock = ModuleType("moto.xray.mock_client")
    vars(mock).update(MockXrayClient=object, XRaySegment=object)
    sys.modules.setdefault(mock.__name__, mock)
    models = import_module("moto.xray.models")
    add_filters(models.SegmentCollection)
    return models.xray_backends


def put_segment(document: str) -> None:
    """Add a segment to its trace and delete the oldest traces. Raises moto's error for an invalid document."""
    xray = _xray()[ACCOUNT][REGION]
    xray.process_segment(document)
    traces = xray._segment_collection._traces
    while len(traces) > MAX_TRACES:
        del traces[next(iter(traces))]
