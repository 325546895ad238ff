"""CloudWatch metrics in the Embedded Metric Format, written to standard output."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from functions.config import environment_name
from functions.telemetry.names import ENVIRONMENT_DIMENSION, NAMESPACE, REASON_DIMENSION, SERVICE, Metric

MAX_VALUES = 100
"""Maximum number of values of a metric in a line. CloudWatch drops the values after them."""

Values = Mapping[Metric, Sequence[float]]


def emit(values: Values, failed_by_reason: Mapping[str, int] | None = None) -> None:
    """Writes all measured values, so that CloudWatch can compute percentiles. Metrics without values are left out."""
    for chunk in _chunks(values):
        _write_line(chunk, {})
    for reason, count in (failed_by_reason or {}).items():
        _write_line({Metric.FAILED_BY_REASON: [count]}, {REASON_DIMENSION: reason})


def counted(counts: Mapping[Metric, int]) -> dict[Metric, Sequence[float]]:
    """Counts as values. Zeros are left out: they would cost log bytes and change no sum."""
    return {metric: [count] for metric, count in counts.items() if count}


def _chunks(values: Values) -> Iterator[Values]:
    """Parts with at most MAX_VALUES values of each metric."""
    for start in range(0, max(map(len, values.values()), default=0), MAX_VALUES):
        chunks = {metric: measured[start : start + MAX_VALUES] for metric, measured in values.items()}
        yield {metric: chunk for metric, chunk in chunks.items() if chunk}


def _write_line(values: Values, dimensions: Mapping[str, str]) -> None:
    """Sets all metrics at once: `add_metric` formats all values of a metric again for each value that is added."""
    metrics: dict[str, Any] = {  # as powertools declares it
        metric.value: {"Unit": metric.unit, "StorageResolution": 60, "Value": list(measured)}
        for metric, measured in values.items()
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
