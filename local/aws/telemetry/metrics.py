"""Parses the Embedded Metric Format: log lines that CloudWatch turns into metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MARK = '"_aws"'


@dataclass(frozen=True)
class MetricValues:
    """The values of one metric with one set of dimensions in one line. `minute` is in UTC."""

    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    minute: datetime
    values: tuple[float, ...]


def parse_metrics(line: str) -> Iterator[MetricValues]:
    """The metrics of a log line; none where the line has another format or is malformed."""
    if MARK not in line:
        return
    try:
        document = json.loads(line)
        metadata = document["_aws"]
        minute = datetime.fromtimestamp(metadata["Timestamp"] / 1000, UTC).replace(second=0, microsecond=0)
        for directive in metadata["CloudWatchMetrics"]:
            yield from _directive_metrics(directive, document, minute)
    except (ValueError, KeyError, TypeError):
        return


def _directive_metrics(
    directive: Mapping[str, Any], document: Mapping[str, Any], minute: datetime
) -> Iterator[MetricValues]:
    for names in directive["Dimensions"]:
        dimensions = tuple((name, str(document[name])) for name in names)
        for metric in directive["Metrics"]:
            value = document[metric["Name"]]
            values = tuple(float(number) for number in (value if isinstance(value, list) else [value]))
            unit = metric.get("Unit", "None")
            yield MetricValues(directive["Namespace"], metric["Name"], unit, dimensions, minute, values)
