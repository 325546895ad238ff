"""Percentiles and trimmed means of CloudWatch metrics, which moto leaves out or answers with null values.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html. The values of a minute are
kept with three significant digits, so that their number has a bound.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.cloudwatch.models import MetricDatum, Statistics
from moto.cloudwatch.responses import CloudWatchResponse

STATISTICS = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")
"""The statistics that moto has."""

Values = Mapping[float, int]
"""How often each value occurred."""

_NUMBER = r"(\d{1,2}(?:\.\d{1,10})?|100)"


def rounded(value: float) -> float:
    return float(f"{value:.3g}")


def extended_statistic(name: str, values: Values) -> float:
    """A percentile or a trimmed mean. Raises NotImplementedError for another name."""
    compute, parts = _find(name)
    return compute(values, *parts)


def _find(name: str) -> tuple[Callable[..., float], list[float]]:
    for pattern, compute in _STATISTICS:
        found = pattern.fullmatch(name)
        if found:
            return compute, [float(number) / 100 for number in found.groups()]
    known = f"{', '.join(STATISTICS)}, p99, tm99, TM(10%:90%) and IQM"
    raise NotImplementedError(f"The local AWS has no statistic {name}, only {known}.")


def _check(names: Iterable[str]) -> None:
    """Raises NotImplementedError, also where there are no data."""
    for name in names:
        if name not in STATISTICS:
            _find(name)


def _percentile(values: Values, part: float) -> float:
    """The smallest value that is not less than this part of all."""
    needed, seen = part * sum(values.values()), 0
    for value, count in sorted(values.items()):
        seen += count
        if seen >= needed:
            return value
    return max(values)


def _trimmed_mean(values: Values, low: float, high: float) -> float:
    """The mean of the values between two percentiles."""
    total = sum(values.values())
    start, end, seen, weights = low * total, high * total, 0, Counter[float]()
    for value, count in sorted(values.items()):
        weights[value] = max(0, min(seen + count, end) - max(seen, start))  # type: ignore[assignment]
        seen += count
    return sum(value * weight for value, weight in weights.items()) / sum(weights.values())


_STATISTICS: tuple[tuple[re.Pattern[str], Callable[..., float]], ...] = (
    (re.compile(rf"p{_NUMBER}"), _percentile),
    (re.compile(rf"tm{_NUMBER}"), lambda values, high: _trimmed_mean(values, 0, high)),
    (re.compile(rf"TM\({_NUMBER}%:{_NUMBER}%\)"), _trimmed_mean),
    (re.compile("IQM"), lambda values: _trimmed_mean(values, 0.25, 0.75)),
)


def _values_of(data: Iterable[Any]) -> Values:
    values: Counter[float] = Counter()
    for datum in data:
        if isinstance(datum, MetricDatum):
            values[rounded(datum.value)] += 1
        elif hasattr(datum, "values"):
            values.update(datum.values)
        else:
            raise NotImplementedError("The local AWS has no percentiles of statistic sets.")
    return values


def _statistic(statistics: Any, name: str) -> float | None:
    if name in STATISTICS:
        return _moto_statistic(statistics, name)  # type: ignore[no-any-return]
    return extended_statistic(name, _values_of(statistics.metric_data))


def _get_metric_statistics(response: Any) -> Any:
    """Add the extended statistics to the data points of moto."""
    names = response._get_params().get("ExtendedStatistics", [])
    _check((*response._get_params().get("Statistics", []), *names))
    answer = _moto_get_metric_statistics(response)
    for point in answer.result["Datapoints"]:
        point.extended_statistics = {name: _statistic(point, name) for name in names}
    return answer


def _get_metric_data(response: Any) -> Any:
    queries = response._get_params().get("MetricDataQueries", [])
    _check(query["MetricStat"]["Stat"] for query in queries if "MetricStat" in query)
    known = {query["Id"] for query in queries}
    for query in queries:
        if query.get("Expression", query["Id"]) not in known:
            raise NotImplementedError(f"The local AWS has no metric math: {query['Expression']}")
    return _moto_get_metric_data(response)


_moto_statistic: Any = Statistics.get_statistics_for_type
_moto_get_metric_statistics: Any = CloudWatchResponse.get_metric_statistics
_moto_get_metric_data: Any = CloudWatchResponse.get_metric_data
setattr(Statistics, "get_statistics_for_type", _statistic)  # noqa: B010
setattr(CloudWatchResponse, "get_metric_statistics", _get_metric_statistics)  # noqa: B010
setattr(CloudWatchResponse, "get_metric_data", _get_metric_data)  # noqa: B010
