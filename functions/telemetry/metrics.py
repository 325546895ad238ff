"""Numbers as CloudWatch metrics: a line each call in the Embedded Metric Format, on standard output."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from functions.config import environment_name
from functions.telemetry.names import ENVIRONMENT_DIMENSION, NAMESPACE, REASON_DIMENSION, SERVICE, Metric

MAX_VALUES = 100
"""Of one metric in one line; CloudWatch drops what is beyond."""

Values = Mapping[Metric, Sequence[float]]


def emit(values: Values, failed_by_reason: Mapping[str, int] | None = None) -> None:
    """Values as they were measured, so that CloudWatch has percentiles; nothing is said of metrics without any."""
    for part in _parts(values):
        _line(part, {})
    for reason, count in (failed_by_reason or {}).items():
        _line({Metric.FAILED_BY_REASON: [count]}, {REASON_DIMENSION: reason})


def counted(counts: Mapping[Metric, int]) -> dict[Metric, Sequence[float]]:
    """Counts as values; a count of nothing is not worth its bytes."""
    return {metric: [count] for metric, count in counts.items() if count}


def _parts(values: Values) -> Iterator[Values]:
    for start in range(0, max(map(len, values.values()), default=0), MAX_VALUES):
        pieces = {metric: found[start : start + MAX_VALUES] for metric, found in values.items()}
        yield {metric: piece for metric, piece in pieces.items() if piece}


def _line(values: Values, dimensions: Mapping[str, str]) -> None:
    """Handed over whole: powertools formats a metric's every value again with each that is added to it."""
    metrics: dict[str, Any] = {
        metric.value: {"Unit": metric.unit, "StorageResolution": 60, "Value": list(found)}
        for metric, found in values.items()
    }
    AmazonCloudWatchEMFProvider(
        metric_set=metrics,
        namespace=NAMESPACE,
        service=SERVICE,
        default_dimensions={ENVIRONMENT_DIMENSION: _environment(), **dimensions},
    ).flush_metrics()


@cache
def _environment() -> str:
    return environment_name()
