"""Statistics of metrics, the state of alarms, and saved queries, by boto3 and moto's CloudWatch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import backend
from local.aws.backend.alarms import put_alarm
from local.aws.backend.statistics import extended_statistic
from local.aws.telemetry.metrics import MetricValues

MINUTE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HUNDRED = dict.fromkeys(map(float, range(1, 101)), 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("p0", 1),
        ("p50", 50),
        ("p99", 99),
        ("p99.9", 100),
        ("p100", 100),
        ("tm90", 45.5),
        ("TM(10%:90%)", 50.5),
        ("IQM", 50.5),
    ],
)
def test_percentiles_and_trimmed_means(name: str, value: float) -> None:
    assert extended_statistic(name, HUNDRED) == value


def test_a_value_counts_as_often_as_it_occurred() -> None:
    assert extended_statistic("p50", {1.0: 9, 100.0: 1}) == 1
    assert extended_statistic("tm95", {1.0: 9, 100.0: 1}) == pytest.approx((9 * 1 + 0.5 * 100) / 9.5)


@pytest.mark.parametrize("name", ["p101", "P50", "tm", "TM(1:2)", "median"])
def test_another_statistic_is_not_implemented(name: str) -> None:
    with pytest.raises(NotImplementedError, match="has no statistic"):
        extended_statistic(name, HUNDRED)


def add(*values: float, minute: datetime = MINUTE, name: str = "Milliseconds") -> None:
    backend.add_to_metric(MetricValues("N", name, "Milliseconds", (("service", "s"),), minute, values))


def test_get_metric_statistics_answers_percentiles(client: Any) -> None:
    add(*range(1, 51))
    add(*range(51, 101))

    (point,) = client("cloudwatch").get_metric_statistics(
        Namespace="N",
        MetricName="Milliseconds",
        StartTime=MINUTE,
        EndTime=MINUTE + timedelta(hours=1),
        Period=60,
        Statistics=["Sum"],
        ExtendedStatistics=["p50", "p99.9", "tm90"],
    )["Datapoints"]

    assert point["Sum"] == 5050
    assert point["ExtendedStatistics"] == {"p50": 50, "p99.9": 100, "tm90": 45.5}


@pytest.mark.parametrize(("statistic", "value"), [("p50", 50), ("p99", 99), ("tm90", 45.5), ("Maximum", 100)])
def test_get_metric_data_answers_percentiles(client: Any, statistic: str, value: float) -> None:
    add(*range(1, 101))
    dimensions = [{"Name": "service", "Value": "s"}]
    metric = {"Namespace": "N", "MetricName": "Milliseconds", "Dimensions": dimensions}

    (result,) = client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}],
        StartTime=MINUTE,
        EndTime=MINUTE + timedelta(minutes=1),
    )["MetricDataResults"]

    assert result["Values"] == [value]


def alarm(name: str, metric: str, namespace: str = "N", **properties: Any) -> None:
    dimensions = [{"Name": "service", "Value": "s"}]
    stat = {
        "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions},
        "Period": 300,
        "Stat": "Sum",
    }
    put_alarm(
        {
            "AlarmName": name,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 1,
            "EvaluationPeriods": 1,
            "TreatMissingData": "notBreaching",
            "Metrics": [{"Id": "m1", "MetricStat": stat, "ReturnData": True}],
            **properties,
        }
    )


def states(client: Any) -> dict[str, str]:
    found = client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {each["AlarmName"]: each["StateValue"] for each in found}


def test_the_state_of_an_alarm_follows_the_metrics_of_the_functions(client: Any) -> None:
    alarm("lost", "Lost")
    alarm("failed", "Failed")
    alarm("missing", "Missing", TreatMissingData="missing")
    before = states(client)
    add(2, minute=datetime.now(UTC).replace(second=0, microsecond=0), name="Lost")

    assert before == {"lost": "OK", "failed": "OK", "missing": "INSUFFICIENT_DATA"}
    assert states(client) == {"lost": "ALARM", "failed": "OK", "missing": "INSUFFICIENT_DATA"}


def test_an_old_value_is_no_alarm(client: Any) -> None:
    alarm("lost", "Lost")
    add(2, minute=datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=15), name="Lost")

    assert states(client) == {"lost": "OK"}


def test_several_periods_have_to_breach_where_the_alarm_says_so(client: Any) -> None:
    alarm("lost", "Lost", EvaluationPeriods=3, DatapointsToAlarm=2)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    add(2, minute=now, name="Lost")
    once = states(client)
    add(2, minute=now - timedelta(minutes=5), name="Lost")

    assert (once, states(client)) == ({"lost": "OK"}, {"lost": "ALARM"})


def test_an_alarm_on_a_metric_of_aws_has_no_data(client: Any) -> None:
    alarm("throttled", "Throttles", "AWS/Lambda")

    assert states(client) == {"throttled": "INSUFFICIENT_DATA"}


def test_a_saved_query_can_be_added_changed_and_deleted(client: Any) -> None:
    logs = client("logs")
    made = logs.put_query_definition(name="mine/errors", queryString="filter x", logGroupNames=["g"])
    identifier = made["queryDefinitionId"]
    logs.put_query_definition(name="mine/errors", queryString="filter y", queryDefinitionId=identifier)

    (found,) = logs.describe_query_definitions(queryDefinitionNamePrefix="mine/")["queryDefinitions"]
    assert (found["name"], found["queryString"], found["queryDefinitionId"]) == ("mine/errors", "filter y", identifier)
    assert logs.describe_query_definitions(queryDefinitionNamePrefix="other")["queryDefinitions"] == []
    assert logs.delete_query_definition(queryDefinitionId=identifier)["success"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.delete_query_definition(queryDefinitionId=identifier)
