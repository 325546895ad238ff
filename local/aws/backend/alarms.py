"""CloudWatch alarms: kept as the template has them, and their state from the metrics of the functions.

AWS's own metrics (of Lambda, Step Functions, SQS ...) do not exist here: their alarms are INSUFFICIENT_DATA, as are
those of metric math. No alarm acts.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch.models import Dimension, Metric, MetricDataQuery, MetricStat, cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.utils import utcnow

from local.aws.backend.application import ACCOUNT, REGION

AWS_NAMESPACE = "AWS/"

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}

_PARAMETERS = {
    "name": "AlarmName",
    "namespace": "Namespace",
    "metric_name": "MetricName",
    "comparison_operator": "ComparisonOperator",
    "evaluation_periods": "EvaluationPeriods",
    "datapoints_to_alarm": "DatapointsToAlarm",
    "period": "Period",
    "threshold": "Threshold",
    "statistic": "Statistic",
    "extended_statistic": "ExtendedStatistic",
    "description": "AlarmDescription",
    "alarm_actions": "AlarmActions",
    "ok_actions": "OKActions",
    "insufficient_data_actions": "InsufficientDataActions",
    "unit": "Unit",
    "actions_enabled": "ActionsEnabled",
    "treat_missing_data": "TreatMissingData",
    "threshold_metric_id": "ThresholdMetricId",
}
"""moto's names of the properties of an alarm."""


def put_alarm(properties: Mapping[str, Any]) -> None:
    """Add an alarm of the template."""
    backend: Any = cloudwatch_backends[ACCOUNT][REGION]
    alarm = backend.put_metric_alarm(
        **{name: properties.get(field) for name, field in _PARAMETERS.items()},
        dimensions=properties.get("Dimensions", []),
        metric_data_queries=[_query(metric) for metric in properties.get("Metrics", [])],
    )
    alarm.alarm_actions = alarm.alarm_actions or []
    alarm.state_value = "INSUFFICIENT_DATA"


def _query(metric: Mapping[str, Any]) -> MetricDataQuery:
    stat = metric.get("MetricStat")
    query: Any = MetricDataQuery
    return query(  # type: ignore[no-any-return]
        metric["Id"],
        metric.get("Label"),
        metric.get("Period"),
        metric.get("ReturnData", True),
        metric.get("Expression"),
        _metric_stat(stat) if stat else None,
    )


def _metric_stat(stat: Mapping[str, Any]) -> MetricStat:
    metric = stat["Metric"]
    dimensions = [Dimension(each["Name"], each["Value"]) for each in metric.get("Dimensions", [])]
    unit: Any = stat.get("Unit")
    return MetricStat(Metric(metric["MetricName"], metric["Namespace"], dimensions), stat["Period"], stat["Stat"], unit)


def evaluate_alarms(now: datetime) -> None:
    """Update the state of each alarm with one metric of the functions. `now` is in UTC, without a time zone."""
    backend: Any = cloudwatch_backends[ACCOUNT][REGION]
    for alarm in list(backend.alarms.values()):
        stat = alarm.metric_data_queries[0].metric_stat if len(alarm.metric_data_queries) == 1 else None
        if stat is None or stat.metric.namespace.startswith(AWS_NAMESPACE):
            continue
        state, reason = _state(alarm, _values(backend, stat, alarm.evaluation_periods, now))
        if state != alarm.state_value:
            alarm.state_value, alarm.state_reason, alarm.state_updated_timestamp = state, reason, now


def _values(backend: Any, stat: MetricStat, periods: int, now: datetime) -> list[float | None]:
    """The values of the last whole or current periods, the newest first; None where there are no data."""
    seconds = int(stat.period)
    end = datetime.fromtimestamp(math.ceil(now.replace(tzinfo=UTC).timestamp() / seconds) * seconds, UTC)
    end = end.replace(tzinfo=None)  # moto's times are naive
    query = {
        "Id": "m",
        "MetricStat": {
            "Metric": {
                "Namespace": stat.metric.namespace,
                "MetricName": stat.metric.metric_name,
                "Dimensions": [{"Name": each.name, "Value": each.value} for each in stat.metric.dimensions],
            },
            "Period": seconds,
            "Stat": stat.stat,
        },
    }
    start = end - timedelta(seconds=seconds * periods)
    (result,) = backend.get_metric_data([query], start, end)
    found = dict(zip(result["timestamps"], result["values"], strict=True))
    return [found.get(end - timedelta(seconds=seconds * number)) for number in range(1, periods + 1)]


def _state(alarm: Any, values: Iterable[float | None]) -> tuple[str, str]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html, for the treatments
    breaching, notBreaching and missing."""
    breaches = COMPARISONS[alarm.comparison_operator]
    missing = {"breaching": True, "notBreaching": False}.get(alarm.treat_missing_data)
    found = [missing if value is None else breaches(value, alarm.threshold) for value in values]
    needed, count = alarm.datapoints_to_alarm or alarm.evaluation_periods, found.count(True)
    if count >= needed:
        return "ALARM", f"Threshold Crossed: {count} datapoints crossed the threshold ({alarm.threshold})."
    if all(breach is None for breach in found):
        return "INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received."
    return "OK", f"Threshold Crossed: no {needed} datapoints crossed the threshold ({alarm.threshold})."


def _evaluated(describe: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def evaluated(response: Any) -> Any:
        evaluate_alarms(utcnow())
        return describe(response)

    return evaluated


_describe_alarms: Any = CloudWatchResponse.describe_alarms
setattr(CloudWatchResponse, "describe_alarms", _evaluated(_describe_alarms))  # noqa: B010
