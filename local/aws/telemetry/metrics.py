"""The Embedded Metric Format: log lines that are metrics, put into CloudWatch as AWS does it.

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
class Measured:
    """One metric with one set of dimensions, as one line has it. `minute` is UTC."""

    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    minute: datetime
    values: tuple[float, ...]


def measured(line: str) -> Iterator[Measured]:
    """What a log line says; nothing where it is no metric's, or not well formed."""
    if MARK not in line:
        return
    try:
        document = json.loads(line)
        about = document["_aws"]
        moment = datetime.fromtimestamp(about["Timestamp"] / 1000, UTC).replace(second=0, microsecond=0)
        for directive in about["CloudWatchMetrics"]:
            yield from _of(directive, document, moment)
    except (ValueError, KeyError, TypeError):
        return


def _of(directive: Mapping[str, Any], document: Mapping[str, Any], moment: datetime) -> Iterator[Measured]:
    for names in directive["Dimensions"]:
        dimensions = tuple((name, str(document[name])) for name in names)
        for metric in directive["Metrics"]:
            found = document[metric["Name"]]
            values = tuple(float(value) for value in (found if isinstance(found, list) else [found]))
            unit = metric.get("Unit", "None")
            yield Measured(directive["Namespace"], metric["Name"], unit, dimensions, moment, values)
