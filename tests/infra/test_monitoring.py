"""Alarms and dashboard: their metrics exist, and the runbook has a section for every alarm."""

import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from cdk.monitoring.alarms import ALARMS
from cdk.monitoring.queries import QUERIES
from functions.core.model.reasons import Reason
from functions.telemetry.metrics import emit
from functions.telemetry.names import Metric
from tests.infra.rendered import Template

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
# Metrics of AWS services, by the names and dimensions of the AWS documentation.
AWS_METRICS = {
    ("AWS/ApiGateway", "5XXError"): {"ApiName", "Stage"},
    ("AWS/DynamoDB", "ReadThrottleEvents"): {"TableName"},
    ("AWS/DynamoDB", "WriteThrottleEvents"): {"TableName"},
    ("AWS/Events", "FailedInvocations"): {"RuleName"},
    ("AWS/Lambda", "ClaimedAccountConcurrency"): set(),
    ("AWS/Lambda", "Duration"): {"FunctionName"},
    ("AWS/Lambda", "Errors"): {"FunctionName"},
    ("AWS/Lambda", "Throttles"): {"FunctionName"},
    ("AWS/SNS", "NumberOfNotificationsFailed"): {"TopicName"},
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName"},
    ("AWS/States", "ApproximateOpenMapRunCount"): set(),
    ("AWS/States", "ExecutionsFailed"): {"StateMachineArn"},
    ("AWS/States", "ExecutionsTimedOut"): {"StateMachineArn"},
}
TYPES = {
    "TableName": "AWS::DynamoDB::Table",
    "RuleName": "AWS::Events::Rule",
    "FunctionName": "AWS::Lambda::Function",
    "TopicName": "AWS::SNS::Topic",
    "QueueName": "AWS::SQS::Queue",
    "Stage": "AWS::ApiGateway::Stage",
    "StateMachineArn": "AWS::StepFunctions::StateMachine",
}


@pytest.fixture
def alarms(template: Template) -> dict[str, dict[str, Any]]:
    """The properties of each alarm by name."""
    properties = [each["Properties"] for each in template.all("AWS::CloudWatch::Alarm").values()]
    return {each["AlarmName"]: each for each in properties}


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    return [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]


def emitted(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
    """Return namespace, name and dimensions of every metric that the functions can emit."""
    monkeypatch.setattr("functions.telemetry.metrics._environment", lambda: "production")
    with redirect_stdout(io.StringIO()) as output:
        emit({metric: [1] for metric in Metric if metric is not Metric.FAILED_BY_REASON}, dict.fromkeys(Reason, 1))
    metrics = set()
    for line in map(json.loads, output.getvalue().splitlines()):
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, line[name]) for name in names)
            metrics |= {(directive["Namespace"], metric["Name"], dimensions) for metric in directive["Metrics"]}
    return metrics


def test_every_alarm_watches_a_metric_that_aws_or_a_function_emits(
    template: Template, alarms: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = emitted(monkeypatch)
    for name, alarm in alarms.items():
        metrics = metrics_of(alarm)
        assert metrics, name
        for metric in metrics:
            dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
            key = (metric["Namespace"], metric["MetricName"])
            if key in AWS_METRICS:
                assert dimensions.keys() == AWS_METRICS[key], name
                for dimension, value in dimensions.items():
                    if dimension == "ApiName":  # a name instead of a reference
                        assert value == template.only("AWS::ApiGateway::RestApi")["Name"]
                        continue
                    target = value.get("Ref") or value["Fn::GetAtt"][0]
                    assert template.body["Resources"][target]["Type"] == TYPES[dimension], name
            else:
                assert (*key, frozenset(dimensions.items())) in ours, name


def test_our_alarms_watch_the_environment_that_the_functions_name(template: Template) -> None:
    assert template.environment("download_batch")["ENVIRONMENT"] == "production"


def test_another_environment_is_watched_under_its_name(other_template: Template) -> None:
    values = {
        dimension["Value"]
        for each in other_template.all("AWS::CloudWatch::Alarm").values()
        for metric in metrics_of(each["Properties"])
        for dimension in metric.get("Dimensions", [])
        if dimension["Name"] == "environment"
    }

    assert values == {other_template.environment("download_batch")["ENVIRONMENT"]} == {"staging"}


def test_every_alarm_says_what_happened_where_to_look_and_what_to_do_and_links_its_section(
    alarms: dict[str, Any],
) -> None:
    sections = {_anchor(heading) for heading in re.findall(r"^### (.+)$", OPERATIONS.read_text(), re.M)}
    kinds = {alarm.anchor for alarm in ALARMS}
    linked = set()
    for alarm in alarms.values():
        description, _, link = alarm["AlarmDescription"].partition("\r\nRunbook: docs/operations.md#")
        assert description.strip().endswith("."), alarm
        assert len(re.findall(r"\.(?= |$)", description.strip())) >= 3, alarm
        linked.add(link)

    assert linked == kinds
    assert kinds <= sections


def test_a_setting_changes_the_url_of_the_runbook(other_template: Template) -> None:
    texts = [each["Properties"]["AlarmDescription"] for each in other_template.all("AWS::CloudWatch::Alarm").values()]

    assert all("Runbook: https://wiki.example.com/image-mirror#" in text for text in texts)


def test_every_alarm_notifies_the_topic_when_it_is_raised_and_when_it_is_cleared(
    template: Template, alarms: dict[str, Any]
) -> None:
    [topic] = template.all("AWS::SNS::Topic")
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": topic}]
        assert alarm["TreatMissingData"] == "notBreaching"


def test_every_function_is_watched_for_errors_throttles_and_its_timeout(
    template: Template, alarms: dict[str, Any]
) -> None:
    functions = template.all("AWS::Lambda::Function")
    for name, function in functions.items():
        by_metric = {
            metric["MetricName"]: alarm
            for alarm in alarms.values()
            for metric in metrics_of(alarm)
            if metric.get("Dimensions") == [{"Name": "FunctionName", "Value": {"Ref": name}}]
        }
        assert {"Errors", "Throttles", "Duration"} <= by_metric.keys()
        assert by_metric["Duration"]["Threshold"] == function["Properties"]["Timeout"] * 1000 * 0.9


def test_the_alarm_on_concurrency_compares_with_the_limit_of_the_account(alarms: dict[str, Any]) -> None:
    [alarm] = [each for name, each in alarms.items() if name.endswith("-Concurrency")]
    values = {
        each["Id"]: each.get("Expression") or each["MetricStat"]["Metric"]["MetricName"] for each in alarm["Metrics"]
    }

    assert set(values.values()) == {
        "100 * claimed / allowed",
        "ClaimedAccountConcurrency",
        Metric.LAMBDA_CONCURRENCY.value,
    }
    assert (values["claimed"], values["allowed"]) == ("ClaimedAccountConcurrency", "LambdaConcurrency")
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (95, "GreaterThanOrEqualToThreshold")


def test_the_dashboard_shows_every_metric_of_the_functions_and_every_reason(template: Template) -> None:
    body = template.text(template.only("AWS::CloudWatch::Dashboard")["DashboardBody"])

    assert [metric for metric in Metric if metric is not Metric.FAILED_BY_REASON and metric not in body] == []
    assert [reason for reason in Reason if f'"reason","{reason}"' not in body] == []


def test_every_dead_letter_queue_has_an_alarm(template: Template, alarms: dict[str, Any]) -> None:
    queues = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in alarms.values()
        for metric in metrics_of(alarm)
        for dimension in metric.get("Dimensions", [])
        if dimension["Name"] == "QueueName"
    }

    assert queues == set(template.all("AWS::SQS::Queue"))


def test_the_operations_page_has_the_number_of_alarms(alarms: dict[str, Any]) -> None:
    assert f"| alarms | {len(alarms)}, " in OPERATIONS.read_text()


def test_a_saved_query_reads_the_logs_of_all_functions(template: Template) -> None:
    functions = [each["Properties"] for each in template.all("AWS::Lambda::Function").values()]
    groups = {function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions}
    queries = [each["Properties"] for each in template.all("AWS::Logs::QueryDefinition").values()]

    assert {query["Name"] for query in queries} == {f"ImageMirror/{name}" for name in QUERIES}
    assert all({each["Ref"] for each in query["LogGroupNames"]} == groups for query in queries)


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")
