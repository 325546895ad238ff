"""Two stacks with different names in one account and Region: nothing that one owns is the other's.

Both are synthesized, and deployed and run in one local account.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cdk.settings import Settings
from local.aws.cloud import Cloud
from local.aws.deploy import WITHOUT_RESOURCE
from local.aws.stack import Stack
from tests.infra.conftest import synthesized
from tests.infra.rendered import Template
from tests.support.pipeline import mirror
from tests.support.site import Site

ROOT = Path(__file__).parents[2]
IMAGE = (ROOT / "manifests" / "demo" / "dune.jpg").read_bytes()
SECOND = "Second"
LOOPBACK = "127.0.0.0/8"

NOT_UNIQUE = {
    ("AWS::IAM::Policy", "PolicyName"): "unique in its role",
    ("AWS::ApiGateway::Stage", "StageName"): "unique in its API",
}
"""Names of the template that may occur twice in an account."""

WITHOUT_PHYSICAL_NAME = {*WITHOUT_RESOURCE, "AWS::IAM::Policy"}

ACCOUNT_WIDE_METRICS = {("AWS/States", "ApproximateOpenMapRunCount"), ("AWS/Lambda", "ClaimedAccountConcurrency")}
"""Metrics that AWS counts for the account: both stacks watch them."""


@pytest.fixture(scope="module")
def second_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesized(Settings(stack_name=SECOND), tmp_path_factory.mktemp("cdk.out"))


@pytest.fixture(scope="module")
def second_template(second_file: Path) -> Template:
    return Template(json.loads(second_file.read_text()))


@pytest.fixture(scope="module")
def cloud(template_file: Path) -> Iterator[Cloud]:
    with Cloud(assembly=template_file.parent, allow=LOOPBACK) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def second(cloud: Cloud, second_file: Path) -> Stack:
    return cloud.add_stack(second_file.parent, allow=LOOPBACK)


def names(template: Template) -> dict[tuple[str, str], str]:
    """The physical names that the template sets, by type and value; and the names of exports."""
    found = {
        (resource["Type"], template.text(value)): logical_id
        for logical_id, resource in template.body["Resources"].items()
        for name, value in resource.get("Properties", {}).items()
        if (name == "Name" or name.endswith("Name")) and (resource["Type"], name) not in NOT_UNIQUE
        if isinstance(value, str)
    }
    exports = {
        ("export", template.text(output["Export"]["Name"])): logical_id
        for logical_id, output in template.body["Outputs"].items()
        if "Export" in output
    }
    return found | exports


def test_the_names_of_the_template_differ(template: Template, second_template: Template) -> None:
    first, second = names(template), names(second_template)

    assert len(first) == len(second) > 30
    assert first.keys() & second.keys() == set()


def test_the_physical_names_of_all_resources_differ(cloud: Cloud, second: Stack) -> None:
    first_names, second_names = (
        {
            (resource.type, resource.physical_id)
            for resource in stack.resources.values()
            if resource.physical_id and resource.type not in WITHOUT_PHYSICAL_NAME
        }
        for stack in (cloud.stack, second)
    )

    assert len(first_names) == len(second_names) > 30
    assert first_names & second_names == set()


def metrics(stack: Stack) -> set[tuple[str, str, str]]:
    """The metrics of the alarms, with the values of their dimensions."""
    found = set()
    for alarm in stack.of_type("AWS::CloudWatch::Alarm"):
        queries = alarm.properties.get("Metrics", [])
        stats = [query["MetricStat"]["Metric"] for query in queries if "MetricStat" in query]
        for metric in stats or [alarm.properties]:
            # In AWS the stage is v1 in both stacks; the local CloudFormation has another reference for each.
            telling = [each for each in metric.get("Dimensions", []) if each["Name"] != "Stage"]
            dimensions = json.dumps(telling, sort_keys=True)
            found.add((metric["Namespace"], metric["MetricName"], dimensions))
    return found


def test_no_alarm_watches_the_other_stack(cloud: Cloud, second: Stack) -> None:
    common = metrics(cloud.stack) & metrics(second)

    assert {(namespace, name) for namespace, name, _ in common} == ACCOUNT_WIDE_METRICS


def test_the_second_deployment_has_replaced_nothing(cloud: Cloud, second: Stack) -> None:
    cloudwatch, logs, client = cloud.client("cloudwatch"), cloud.client("logs"), cloud.client
    listed = {
        "AWS::CloudWatch::Alarm": cloudwatch.get_paginator("describe_alarms").paginate().build_full_result(),
        "AWS::CloudWatch::Dashboard": cloudwatch.list_dashboards(),
        "AWS::Logs::QueryDefinition": logs.describe_query_definitions(),
        "AWS::Logs::LogGroup": logs.describe_log_groups(),
        "AWS::ApiGateway::RestApi": client("apigateway").get_rest_apis(),
        "AWS::Events::Rule": client("events").list_rules(),
        "AWS::IAM::Role": client("iam").list_roles(),
        "AWS::StepFunctions::StateMachine": client("stepfunctions").list_state_machines(),
    }
    counts = {
        kind: max(len(value) for value in answer.values() if isinstance(value, list)) for kind, answer in listed.items()
    }

    assert counts == {kind: len(cloud.stack.of_type(kind)) + len(second.of_type(kind)) for kind in listed}


def test_the_logging_role_of_the_account_outlives_every_stack(
    cloud: Cloud, second: Stack, template: Template, second_template: Template
) -> None:
    """API Gateway has one for the account and Region: that of the stack that was deployed last."""
    role = cloud.client("apigateway").get_account()["cloudwatchRoleArn"]

    assert role.rpartition("/")[2] in {resource.physical_id for resource in second.of_type("AWS::IAM::Role")}
    for each in (template, second_template):
        [account] = each.all("AWS::ApiGateway::Account").values()
        [name] = [name for name in each.all("AWS::IAM::Role") if name.startswith("RestApiCloudWatchRole")]
        kept = (account, each.body["Resources"][name])
        assert {resource["DeletionPolicy"] for resource in kept} == {"Retain"}


class AnotherStack:
    """The cloud as the helpers see it, with the outputs of the second stack."""

    def __init__(self, cloud: Cloud, stack: Stack) -> None:
        self._cloud = cloud
        self.outputs: Mapping[str, str] = stack.outputs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cloud, name)


def test_each_runs_its_own_manifests_and_counts_its_own_images(cloud: Cloud, second: Stack) -> None:
    other: Any = AnotherStack(cloud, second)
    with Site() as site:
        urls = [site.put(f"/{number}.jpg", IMAGE) for number in range(3)]
        in_first = mirror(cloud, "first.csv", f"url\n{urls[0]}\n")
        in_second = mirror(other, "second.csv", "url\n" + "\n".join(urls) + "\n")
    cloud.settle()

    assert [(run.status, run.summary["stored"]) for run in (in_first, in_second)] == [
        ("SUCCEEDED", 1),
        ("SUCCEEDED", 3),
    ]
    for stack, run, images in ((cloud, in_first, 1), (other, in_second, 3)):
        arn = stack.outputs["StateMachineArn"]
        assert len(cloud.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]) == 1
        listed = cloud.client("s3").list_objects_v2(Bucket=stack.outputs["ImagesBucket"])
        assert listed["KeyCount"] == images
        assert run.run_id in run_ids(cloud, stack.outputs["RunsTable"])
    assert stored_images(cloud) == {"production": 1, SECOND: 3}


def run_ids(cloud: Cloud, table: str) -> set[str]:
    return {item["run_id"]["S"] for item in cloud.client("dynamodb").scan(TableName=table)["Items"]}


def stored_images(cloud: Cloud) -> dict[str, int]:
    """The metric ImagesStored by environment."""
    cloudwatch = cloud.client("cloudwatch")
    found = {}
    for metric in cloudwatch.list_metrics(Namespace="ImageMirror", MetricName="ImagesStored")["Metrics"]:
        data = cloudwatch.get_metric_statistics(
            Namespace="ImageMirror",
            MetricName="ImagesStored",
            Dimensions=metric["Dimensions"],
            StartTime="2020-01-01T00:00:00Z",
            EndTime="2100-01-01T00:00:00Z",
            Period=86_400,
            Statistics=["Sum"],
        )["Datapoints"]
        environment = {each["Name"]: each["Value"] for each in metric["Dimensions"]}["environment"]
        found[environment] = int(sum(datum["Sum"] for datum in data))
    return found
