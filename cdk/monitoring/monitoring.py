"""The dashboard and the alarms: AWS's metrics through cdk-monitoring-constructs, and the metrics of the functions.

The alarm friendly names below are part of the logical ids of the deployed alarms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk.aws_apigateway import RestApi
from aws_cdk.aws_cloudwatch import MathExpression
from aws_cdk.aws_cloudwatch import Metric as CdkMetric
from aws_cdk.aws_stepfunctions import IStateMachine
from cdk_monitoring_constructs import (
    AlarmFactoryDefaults,
    CustomMetricGroup,
    CustomMetricWithAlarm,
    DefaultDashboardFactory,
    ErrorCountThreshold,
    GraphWidgetType,
    LatencyTimeoutPercentageThreshold,
    MaxMessageCountThreshold,
    MonitoringFacade,
    NotificationsFailedThreshold,
    SnsAlarmActionStrategy,
    ThrottledEventsThreshold,
)
from constructs import Construct

from cdk.monitoring import alarms
from cdk.monitoring.alarms import Alarm, AlarmProperties
from cdk.monitoring.metrics import ALARM_PERIOD, FunctionMetrics, with_alarm
from cdk.resources.dead_letter_queue import DeadLetterQueue
from cdk.resources.functions import Function
from cdk.resources.status_change import StatusChange
from cdk.resources.tables import Tables
from cdk.resources.topic import Notifications
from cdk.resources.trigger import Trigger
from cdk.settings import Settings
from functions.core.model.reasons import Reason
from functions.telemetry.names import Metric

MAX_PERCENTAGE_OF_TIMEOUT = 90
MAX_PERCENTAGE_OF_CONCURRENCY = 95
"""Of the concurrent executions of the account. The batches of the runs use at most 90 %."""

MAX_OPEN_MAP_RUNS = 900
"""Of the quota of 1,000: the threshold that AWS recommends."""

MAX_ERRORS = {"prepare_run": 5, "download_batch": 5}
"""Errors of a function in five minutes that raise no alarm (default 0). Step Functions retries these functions, and an
invalid manifest is an error of PrepareRun too, which has an alarm of its own."""


@dataclass(frozen=True, kw_only=True)
class MonitoredResources:
    functions: Mapping[str, Function]
    state_machine: IStateMachine
    tables: Tables
    notifications: Notifications
    trigger: Trigger
    status_change: StatusChange
    rest_api: RestApi


class Monitoring(Construct):
    """One dashboard, and the alarms of `cdk.monitoring.alarms`. They notify the topic when they change state."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        resources: MonitoredResources,
        settings: Settings,
    ) -> None:
        super().__init__(scope, id)
        self._stack = Stack.of(self).stack_name
        self._settings = settings
        self._metrics = FunctionMetrics(settings.environment_name)
        self._facade = self._create_facade(resources.notifications)
        self._monitor_runs(resources.state_machine)
        self._monitor_images()
        for function in resources.functions.values():
            self._monitor_function(function)
        self._monitor_concurrency()
        self._monitor_tables(resources.tables)
        self._monitor_trigger(resources.trigger)
        self._monitor_dead_letters("Dead letters", resources.trigger.dead_letters, alarms.EVENTS_LOST)
        self._monitor_dead_letters("Endings", resources.status_change.dead_letters, alarms.ENDINGS_LOST)
        self._monitor_api(resources.rest_api)
        self._monitor_topic(resources.notifications)
        self._monitor_map_runs()

    def _create_facade(self, notifications: Notifications) -> MonitoringFacade:
        topic = notifications.topic
        return MonitoringFacade(
            self,
            "Facade",
            alarm_factory_defaults=AlarmFactoryDefaults(
                actions_enabled=True,
                alarm_name_prefix=self._stack,
                action=SnsAlarmActionStrategy(on_alarm_topic=topic, on_ok_topic=topic),
            ),
            dashboard_factory=DefaultDashboardFactory(self, "Dashboard", dashboard_name_prefix=self._stack),
        )

    def _properties(self, alarm: Alarm, resource: str = "") -> AlarmProperties:
        return alarm.properties(stack=self._stack, runbook=self._settings.runbook, resource=resource)

    def _with_alarm(
        self, metric: CdkMetric | MathExpression, alarm: Alarm, threshold: float = 1
    ) -> CustomMetricWithAlarm:
        return with_alarm(metric, alarm, self._properties(alarm), threshold)

    def _monitor_runs(self, state_machine: IStateMachine) -> None:
        runs = (Metric.RUNS_STARTED, Metric.RUNS_SUCCEEDED, Metric.RUNS_FAILED, Metric.RUNS_CANCELLED)
        rounds = [self._metrics.metric(Metric.ROUNDS, "Average"), self._metrics.metric(Metric.DEFERRED)]
        self._facade.add_large_header("Runs").monitor_custom(
            human_readable_name="Runs",
            alarm_friendly_name="Runs",
            metric_groups=[
                _group("Runs by status", [self._metrics.metric(each) for each in runs]),
                _group("Rounds and deferred rows", rounds),
            ],
        ).monitor_step_function(
            state_machine=state_machine,
            add_failed_execution_count_alarm={
                "Critical": ErrorCountThreshold(max_error_count=0, **self._properties(alarms.RUN_FAILED))
            },
            add_timed_out_execution_count_alarm={
                "Critical": ErrorCountThreshold(max_error_count=0, **self._properties(alarms.RUN_TIMED_OUT))
            },
        )

    def _monitor_images(self) -> None:
        outcomes = (Metric.STORED, Metric.UNCHANGED, Metric.SKIPPED, Metric.DUPLICATE, Metric.FAILED)
        with_alarms = {Reason.BATCH_CRASHED: alarms.BATCHES_LOST, Reason.STORAGE: alarms.STORAGE_FAILED}
        failures: list[CdkMetric | CustomMetricWithAlarm] = [
            *(self._with_alarm(self._metrics.failures(reason), alarm) for reason, alarm in with_alarms.items()),
            *(self._metrics.failures(reason) for reason in Reason if reason not in with_alarms),
        ]
        self._facade.add_large_header("Images").monitor_custom(
            human_readable_name="Images",
            alarm_friendly_name="Images",
            metric_groups=[
                _group("Images per minute", [self._metrics.metric(each) for each in outcomes]),
                _group("Failures by reason", failures, GraphWidgetType.STACKED_AREA),
                _group("Bytes per minute", [self._metrics.metric(Metric.BYTES)]),
                _group("Download time (ms)", self._metrics.percentiles(Metric.DOWNLOAD_TIME)),
                _group("Upload time (ms)", self._metrics.percentiles(Metric.UPLOAD_TIME)),
                _group("Batch time per image (ms)", self._metrics.percentiles(Metric.TIME_PER_IMAGE)),
            ],
        )

    def _monitor_function(self, function: Function) -> None:
        title, max_errors = function.node.id, MAX_ERRORS.get(function.module, 0)
        errors, throttles, duration = (
            self._properties(alarm, title)
            for alarm in (alarms.FUNCTION_ERRORS, alarms.FUNCTION_THROTTLES, alarms.FUNCTION_DURATION)
        )
        self._facade.monitor_lambda_function(
            lambda_function=function.function,
            human_readable_name=title,
            alarm_friendly_name=title,
            add_fault_count_alarm={"Warning": ErrorCountThreshold(max_error_count=max_errors, **errors)},
            add_throttles_count_alarm={"Warning": ErrorCountThreshold(max_error_count=0, **throttles)},
            add_max_latency_alarm={
                "Warning": LatencyTimeoutPercentageThreshold(
                    max_latency_percentage_of_timeout=MAX_PERCENTAGE_OF_TIMEOUT, **duration
                )
            },
        )

    def _monitor_concurrency(self) -> None:
        """The limit is a metric of DownloadBatch: CloudWatch has no metric of it. Lambda counts all functions of the
        account, with the executions that are reserved."""
        claimed = CdkMetric(namespace="AWS/Lambda", metric_name="ClaimedAccountConcurrency", statistic="Maximum")
        metrics = {"claimed": claimed, "allowed": self._metrics.metric(Metric.LAMBDA_CONCURRENCY, "Maximum")}
        percentage = MathExpression(
            expression="100 * claimed / allowed",
            using_metrics={name: metric.with_(period=ALARM_PERIOD) for name, metric in metrics.items()},
            label="Percentage of the limit",
        )
        watched = self._with_alarm(percentage, alarms.CONCURRENCY, MAX_PERCENTAGE_OF_CONCURRENCY)
        self._facade.monitor_custom(
            human_readable_name="Concurrency of the account",
            alarm_friendly_name="Concurrency",
            metric_groups=[_group("Concurrent Lambda executions", [watched])],
        )

    def _monitor_tables(self, tables: Tables) -> None:
        for name, table in (("images", tables.images), ("runs", tables.runs), ("hosts", tables.hosts)):
            reads, writes = (
                ThrottledEventsThreshold(
                    max_throttled_events_threshold=0, **self._properties(alarms.TABLE_THROTTLES, f"{name} {operation}")
                )
                for operation in ("reads", "writes")
            )
            self._facade.monitor_dynamo_table(
                table=table,
                human_readable_name=f"Table {name}",
                alarm_friendly_name=f"Table-{name}",
                add_read_throttled_events_count_alarm={"Warning": reads},
                add_write_throttled_events_count_alarm={"Warning": writes},
            )

    def _monitor_trigger(self, trigger: Trigger) -> None:
        failed = CdkMetric(
            namespace="AWS/Events",
            metric_name="FailedInvocations",
            dimensions_map={"RuleName": trigger.rule.rule_name},
            statistic="Sum",
            label="Failed",
        )
        self._facade.add_large_header("Trigger and topic").monitor_custom(
            human_readable_name="Rule",
            alarm_friendly_name="Rule",
            metric_groups=[_group("Events that started no run", [self._with_alarm(failed, alarms.RULE_FAILED)])],
        )

    def _monitor_dead_letters(self, title: str, queue: DeadLetterQueue, alarm: Alarm) -> None:
        not_empty = MaxMessageCountThreshold(max_message_count=0, **self._properties(alarm))
        self._facade.monitor_sqs_queue(
            queue=queue,
            human_readable_name=title,
            alarm_friendly_name=title.title().replace(" ", ""),
            add_queue_max_size_alarm={"Critical": not_empty},
        )

    def _monitor_api(self, rest_api: RestApi) -> None:
        """Watch API Gateway: Lambda does not count a 5xx response as an error, and some errors never reach it."""
        errors = rest_api.deployment_stage.metric_server_error(statistic="Sum", label="5xx")
        self._facade.monitor_custom(
            human_readable_name="API",
            alarm_friendly_name="API",
            metric_groups=[_group("Responses with status 5xx", [self._with_alarm(errors, alarms.API_FAULTS)])],
        )

    def _monitor_topic(self, notifications: Notifications) -> None:
        undelivered = NotificationsFailedThreshold(
            max_notifications_failed_count=0, **self._properties(alarms.NOTIFICATIONS_FAILED)
        )
        unpublished = self._with_alarm(self._metrics.metric(Metric.NOT_NOTIFIED), alarms.NOTICES_LOST)
        self._facade.monitor_sns_topic(
            topic=notifications.topic,
            human_readable_name="Topic",
            alarm_friendly_name="Topic",
            add_message_notifications_failed_alarm={"Warning": undelivered},
        ).monitor_custom(
            human_readable_name="Notices",
            alarm_friendly_name="Notices",
            metric_groups=[_group("Messages that could not be published", [unpublished])],
        )

    def _monitor_map_runs(self) -> None:
        """The metric has no dimension: AWS counts the open Map Runs of the account."""
        open_map_runs = CdkMetric(
            namespace="AWS/States", metric_name="ApproximateOpenMapRunCount", statistic="Maximum", label="Open Map Runs"
        )
        watched = self._with_alarm(open_map_runs, alarms.OPEN_MAP_RUNS, MAX_OPEN_MAP_RUNS)
        self._facade.monitor_custom(
            human_readable_name="Map Runs",
            alarm_friendly_name="MapRuns",
            metric_groups=[_group("Open Map Runs", [watched])],
        )


def _group(
    title: str,
    metrics: Sequence[CdkMetric | CustomMetricWithAlarm],
    graph: GraphWidgetType = GraphWidgetType.LINE,
) -> CustomMetricGroup:
    return CustomMetricGroup(title=title, metrics=list(metrics), graph_widget_type=graph)
