"""Dashboard and alarms: AWS's metrics as cdk-monitoring-constructs knows them, ours as `functions.telemetry` does."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk.aws_apigateway import RestApi
from aws_cdk.aws_cloudwatch import ComparisonOperator, Metric
from aws_cdk.aws_stepfunctions import IStateMachine
from cdk_monitoring_constructs import (
    AlarmFactoryDefaults,
    CustomMetricGroup,
    CustomMetricWithAlarm,
    CustomThreshold,
    DefaultDashboardFactory,
    ErrorCountThreshold,
    GraphWidgetType,
    LatencyTimeoutPercentageThreshold,
    MaxMessageCountThreshold,
    MonitoringFacade,
    NotificationsFailedThreshold,
    RunningTaskCountThreshold,
    SnsAlarmActionStrategy,
    ThrottledEventsThreshold,
)
from constructs import Construct

from cdk.monitoring import alarms
from cdk.monitoring.alarms import Alarm
from cdk.resources.dead_letter_queue import DeadLetters
from cdk.resources.functions import Function
from cdk.resources.status_change import StatusChange
from cdk.resources.tables import Tables
from cdk.resources.topic import Notifications
from cdk.resources.trigger import Trigger
from cdk.settings import Settings
from functions.core.model.reasons import Reason
from functions.telemetry.names import (
    ENVIRONMENT_DIMENSION,
    NAMESPACE,
    REASON_DIMENSION,
    SERVICE,
    SERVICE_DIMENSION,
)
from functions.telemetry.names import Metric as Ours

PERIOD = Duration.minutes(5)
MINUTE = Duration.minutes(1)
PERCENTAGE_OF_TIMEOUT = 90
ENVIRONMENTS = 900  # of the 1,000 that an account may run at once, before it asks for more
MAP_RUNS = 900  # of 1,000; AWS advises this threshold
# Each error is tried again. A refused manifest is an error of PrepareRun, too, and has its own alarm.
ERRORS = {"prepare_run": 5, "download_batch": 5}


class Monitoring(Construct):
    """One dashboard, and the alarms of `cdk/monitoring/alarms.py`, which tell the topic when they begin and when they end."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        functions: Mapping[str, Function],
        state_machine: IStateMachine,
        tables: Tables,
        notifications: Notifications,
        trigger: Trigger,
        status_change: StatusChange,
        rest_api: RestApi,
        settings: Settings,
    ) -> None:
        super().__init__(scope, id)
        self._stack = Stack.of(self).stack_name
        self._settings = settings
        self._facade = self._new_facade(notifications)
        self._runs(state_machine)
        self._images()
        for function in functions.values():
            self._function(function)
        self._tables(tables)
        self._trigger(trigger)
        self._waiting("Dead letters", trigger.dead_letters, alarms.EVENTS_LOST)
        self._waiting("Endings", status_change.dead_letters, alarms.ENDINGS_LOST)
        self._api(rest_api)
        self._topic(notifications)
        self._account()

    def _new_facade(self, notifications: Notifications) -> MonitoringFacade:
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

    def _said(self, alarm: Alarm, of: str = "") -> dict[str, Any]:
        return alarm.properties(stack=self._stack, runbook=self._settings.runbook, of=of)

    def _ours(self, metric: Ours, statistic: str = "Sum", label: str | None = None, **dimensions: str) -> Metric:
        return Metric(
            namespace=NAMESPACE,
            metric_name=metric.value,
            dimensions_map={
                SERVICE_DIMENSION: SERVICE,
                ENVIRONMENT_DIMENSION: self._settings.environment,
                **dimensions,
            },
            statistic=statistic,
            label=label or metric.value,
            period=MINUTE,
        )

    def _watched(self, metric: Metric, alarm: Alarm, threshold: float = 1) -> CustomMetricWithAlarm:
        """It alarms at the threshold, in five minutes."""
        limit = CustomThreshold(
            threshold=threshold,
            comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            **self._said(alarm),
        )
        return CustomMetricWithAlarm(
            metric=metric.with_(period=PERIOD), alarm_friendly_name=alarm.kind, add_alarm={"Warning": limit}
        )

    def _runs(self, state_machine: IStateMachine) -> None:
        runs = (Ours.RUNS_STARTED, Ours.RUNS_SUCCEEDED, Ours.RUNS_FAILED, Ours.RUNS_CANCELLED)
        self._facade.add_large_header("Runs").monitor_custom(
            human_readable_name="Runs",
            alarm_friendly_name="Runs",
            metric_groups=[
                _group("How runs end", [self._ours(each) for each in runs]),
                _group("Rounds and deferred rows", [self._ours(Ours.ROUNDS, "Average"), self._ours(Ours.DEFERRED)]),
            ],
        ).monitor_step_function(
            state_machine=state_machine,
            add_failed_execution_count_alarm={
                "Critical": ErrorCountThreshold(max_error_count=0, **self._said(alarms.RUN_FAILED))
            },
            add_timed_out_execution_count_alarm={
                "Critical": ErrorCountThreshold(max_error_count=0, **self._said(alarms.RUN_TIMED_OUT))
            },
        )

    def _images(self) -> None:
        endings = (Ours.STORED, Ours.UNCHANGED, Ours.SKIPPED, Ours.DUPLICATE, Ours.FAILED)
        lost, unstored = (self._failed(reason) for reason in (Reason.BATCH_CRASHED, Reason.STORAGE))
        watched = [
            self._watched(lost, alarms.BATCHES_LOST),
            self._watched(unstored, alarms.STORAGE_FAILED),
        ]
        others = [self._failed(each) for each in Reason if each not in (Reason.BATCH_CRASHED, Reason.STORAGE)]
        self._facade.add_large_header("Images").monitor_custom(
            human_readable_name="Images",
            alarm_friendly_name="Images",
            metric_groups=[
                _group("Images a minute", [self._ours(each) for each in endings]),
                _group("Failures by reason", [*watched, *others], GraphWidgetType.STACKED_AREA),
                _group("Bytes a minute", [self._ours(Ours.BYTES)]),
                _group("Download, milliseconds", self._percentiles(Ours.DOWNLOAD_TIME)),
                _group("Upload, milliseconds", self._percentiles(Ours.UPLOAD_TIME)),
                _group("A batch's milliseconds an image", self._percentiles(Ours.TIME_PER_IMAGE)),
            ],
        )

    def _failed(self, reason: Reason) -> Metric:
        return self._ours(Ours.FAILED_BY_REASON, label=reason.value, **{REASON_DIMENSION: reason.value})

    def _percentiles(self, metric: Ours) -> list[Metric]:
        return [self._ours(metric, each, each) for each in ("p50", "p95", "p99")]

    def _function(self, function: Function) -> None:
        title, most = function.node.id, ERRORS.get(function.module, 0)
        concurrency = RunningTaskCountThreshold(max_running_tasks=ENVIRONMENTS, **self._said(alarms.CONCURRENCY))
        self._facade.monitor_lambda_function(
            lambda_function=function.function,
            human_readable_name=title,
            alarm_friendly_name=title,
            add_fault_count_alarm={
                "Warning": ErrorCountThreshold(max_error_count=most, **self._said(alarms.FUNCTION_ERRORS, title))
            },
            add_throttles_count_alarm={
                "Warning": ErrorCountThreshold(max_error_count=0, **self._said(alarms.FUNCTION_THROTTLES, title))
            },
            add_max_latency_alarm={
                "Warning": LatencyTimeoutPercentageThreshold(
                    max_latency_percentage_of_timeout=PERCENTAGE_OF_TIMEOUT,
                    **self._said(alarms.FUNCTION_DURATION, title),
                )
            },
            add_concurrent_executions_count_alarm=(
                {"Warning": concurrency} if function.module == "download_batch" else None
            ),
        )

    def _tables(self, tables: Tables) -> None:
        for of, table in (("images", tables.images), ("runs", tables.runs)):
            reads, writes = (
                ThrottledEventsThreshold(
                    max_throttled_events_threshold=0, **self._said(alarms.TABLE_THROTTLES, f"{of} {kind}")
                )
                for kind in ("reads", "writes")
            )
            self._facade.monitor_dynamo_table(
                table=table,
                human_readable_name=f"Table {of}",
                alarm_friendly_name=f"Table-{of}",
                add_read_throttled_events_count_alarm={"Warning": reads},
                add_write_throttled_events_count_alarm={"Warning": writes},
            )

    def _trigger(self, trigger: Trigger) -> None:
        failed = Metric(
            namespace="AWS/Events",
            metric_name="FailedInvocations",
            dimensions_map={"RuleName": trigger.rule.rule_name},
            statistic="Sum",
            label="Failed",
        )
        self._facade.add_large_header("Trigger and topic").monitor_custom(
            human_readable_name="Rule",
            alarm_friendly_name="Rule",
            metric_groups=[_group("Events that started no run", [self._watched(failed, alarms.RULE_FAILED)])],
        )

    def _waiting(self, title: str, dead_letters: DeadLetters, alarm: Alarm) -> None:
        waiting = MaxMessageCountThreshold(max_message_count=0, **self._said(alarm))
        self._facade.monitor_sqs_queue(
            queue=dead_letters,
            human_readable_name=title,
            alarm_friendly_name=title.title().replace(" ", ""),
            add_queue_max_size_alarm={"Critical": waiting},
        )

    def _api(self, rest_api: RestApi) -> None:
        """Errors of the function are answers to API Gateway, and of some it never hears."""
        faults = rest_api.deployment_stage.metric_server_error(statistic="Sum", label="5xx")
        self._facade.monitor_custom(
            human_readable_name="API",
            alarm_friendly_name="API",
            metric_groups=[_group("Answers with 5xx", [self._watched(faults, alarms.API_FAULTS)])],
        )

    def _topic(self, notifications: Notifications) -> None:
        undelivered = NotificationsFailedThreshold(
            max_notifications_failed_count=0, **self._said(alarms.NOTIFICATIONS_FAILED)
        )
        lost = self._watched(self._ours(Ours.NOT_NOTIFIED), alarms.NOTICES_LOST)
        self._facade.monitor_sns_topic(
            topic=notifications.topic,
            human_readable_name="Topic",
            alarm_friendly_name="Topic",
            add_message_notifications_failed_alarm={"Warning": undelivered},
        ).monitor_custom(
            human_readable_name="Notices",
            alarm_friendly_name="Notices",
            metric_groups=[_group("Notices that were not published", [lost])],
        )

    def _account(self) -> None:
        """Without a dimension: Map Runs are counted for the account."""
        runs = Metric(
            namespace="AWS/States", metric_name="ApproximateOpenMapRunCount", statistic="Maximum", label="Open Map Runs"
        )
        self._facade.monitor_custom(
            human_readable_name="Map Runs",
            alarm_friendly_name="MapRuns",
            metric_groups=[_group("Open Map Runs", [self._watched(runs, alarms.OPEN_MAP_RUNS, MAP_RUNS)])],
        )


def _group(
    title: str,
    metrics: list[Any],
    kind: GraphWidgetType = GraphWidgetType.LINE,
) -> CustomMetricGroup:
    return CustomMetricGroup(title=title, metrics=metrics, graph_widget_type=kind)
