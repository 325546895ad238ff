"""The metrics that the functions emit, as CDK metrics."""

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import ComparisonOperator, MathExpression
from aws_cdk.aws_cloudwatch import Metric as CdkMetric
from cdk_monitoring_constructs import CustomMetricWithAlarm, CustomThreshold

from cdk.monitoring.alarms import Alarm, AlarmProperties
from functions.core.model.reasons import Reason
from functions.telemetry.names import (
    ENVIRONMENT_DIMENSION,
    NAMESPACE,
    REASON_DIMENSION,
    SERVICE,
    SERVICE_DIMENSION,
    Metric,
)

ALARM_PERIOD = Duration.minutes(5)
GRAPH_PERIOD = Duration.minutes(1)


class FunctionMetrics:
    """Metrics of one deployment, which the value of the dimension `environment` identifies."""

    def __init__(self, environment: str) -> None:
        self._environment = environment

    def metric(self, metric: Metric, statistic: str = "Sum", label: str | None = None, **dimensions: str) -> CdkMetric:
        return CdkMetric(
            namespace=NAMESPACE,
            metric_name=metric.value,
            dimensions_map={SERVICE_DIMENSION: SERVICE, ENVIRONMENT_DIMENSION: self._environment, **dimensions},
            statistic=statistic,
            label=label or metric.value,
            period=GRAPH_PERIOD,
        )

    def failures(self, reason: Reason) -> CdkMetric:
        return self.metric(Metric.FAILED_BY_REASON, label=reason.value, **{REASON_DIMENSION: reason.value})

    def percentiles(self, metric: Metric) -> list[CdkMetric]:
        return [self.metric(metric, percentile, percentile) for percentile in ("p50", "p95", "p99")]


def with_alarm(
    metric: CdkMetric | MathExpression, alarm: Alarm, properties: AlarmProperties, threshold: float = 1
) -> CustomMetricWithAlarm:
    """Add an alarm that is raised when the metric reaches the threshold within five minutes."""
    limit = CustomThreshold(
        threshold=threshold,
        comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        **properties,
    )
    return CustomMetricWithAlarm(
        metric=metric.with_(period=ALARM_PERIOD), alarm_friendly_name=alarm.kind, add_alarm={"Warning": limit}
    )
