"""An update from an earlier release replaces and deletes no stateful resource."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.infra.rendered import Template
from tests.infra.upgrade import REPLACEMENT_PROPERTIES, record, replacements, stateful_resources, weaker_policies

BASELINES = sorted(Path(__file__).parent.glob("baseline-*.json"))
INPUT_BUCKET = "BucketsInputDC6E7815"
IMAGES_TABLE = "TablesImages99E9C95E"
RUNS_TABLE = "TablesRunsB40D77DF"
TOPIC = "NotificationsTopicAE679CBD"
KEY = "NotificationsKeyADCFA950"
DEAD_LETTERS = "TriggerDeadLetters50E2EFBF"
WORKFLOW_LOG = "WorkflowLogD7C9FC7F"

Resources = dict[str, Any]
Change = Callable[[Resources], object]


@pytest.fixture(params=BASELINES, ids=lambda path: path.stem)
def baseline(request: pytest.FixtureRequest) -> Resources:
    """The stateful resources of an earlier release; each test runs for every release."""
    return json.loads(request.param.read_text())["resources"]


def changed(template: Template, change: Change) -> Resources:
    """Return the stateful resources of the template after a change."""
    body = copy.deepcopy(template.body)
    change(body["Resources"])
    return stateful_resources(body)


def set_property(logical_id: str, name: str, value: object) -> Change:
    return lambda resources: resources[logical_id]["Properties"].update({name: value})


def test_an_update_replaces_no_stateful_resource(template: Template, baseline: Resources) -> None:
    assert list(replacements(baseline, stateful_resources(template.body))) == []


def test_an_update_weakens_no_deletion_policy(template: Template, baseline: Resources) -> None:
    assert list(weaker_policies(baseline, stateful_resources(template.body))) == []


def test_no_setting_replaces_a_stateful_resource(other_template: Template, baseline: Resources) -> None:
    assert list(replacements(baseline, stateful_resources(other_template.body))) == []


def test_the_baseline_contains_buckets_tables_topic_key_queues_and_log_groups(baseline: Resources) -> None:
    types = [each["Type"] for each in baseline.values()]

    assert types.count("AWS::S3::Bucket") == types.count("AWS::DynamoDB::Table") == types.count("AWS::SQS::Queue") == 2
    assert types.count("AWS::SNS::Topic") == types.count("AWS::KMS::Key") == 1
    assert types.count("AWS::Logs::LogGroup") == 6


@pytest.mark.parametrize("logical_id", [INPUT_BUCKET, IMAGES_TABLE, TOPIC, KEY, DEAD_LETTERS, WORKFLOW_LOG])
def test_a_renamed_logical_id_is_found(template: Template, baseline: Resources, logical_id: str) -> None:
    new = changed(template, lambda resources: resources.update({"Renamed": resources.pop(logical_id)}))

    [problem] = replacements(baseline, new)
    assert problem.startswith(logical_id)


@pytest.mark.parametrize("logical_id", [INPUT_BUCKET, RUNS_TABLE, TOPIC, KEY, DEAD_LETTERS, WORKFLOW_LOG])
def test_a_removed_resource_is_found(template: Template, baseline: Resources, logical_id: str) -> None:
    [problem] = replacements(baseline, changed(template, lambda resources: resources.pop(logical_id)))

    assert problem.startswith(logical_id)


@pytest.mark.parametrize(
    ("logical_id", "name", "value", "replaced_by"),
    [
        (INPUT_BUCKET, "BucketName", "manifests", "BucketName"),
        (IMAGES_TABLE, "TableName", "images", "TableName"),
        (RUNS_TABLE, "LocalSecondaryIndexes", [{"IndexName": "by-end"}], "LocalSecondaryIndexes"),
        (IMAGES_TABLE, "AttributeDefinitions", [{"AttributeName": "url", "AttributeType": "B"}], "KeyAttributes"),
        (TOPIC, "TopicName", "notifications", "TopicName"),
        (TOPIC, "FifoTopic", True, "FifoTopic"),
        (KEY, "KeySpec", "RSA_2048", "KeySpec"),
        (DEAD_LETTERS, "QueueName", "events", "QueueName"),
        (WORKFLOW_LOG, "LogGroupName", "/aws/vendedlogs/states/Other", "LogGroupName"),
    ],
)
def test_a_changed_replacement_property_is_found(
    template: Template, baseline: Resources, logical_id: str, name: str, value: object, replaced_by: str
) -> None:
    [problem] = replacements(baseline, changed(template, set_property(logical_id, name, value)))

    assert problem.startswith(f"{logical_id}: {replaced_by} ")


def test_a_changed_key_of_a_table_is_found(template: Template, baseline: Resources) -> None:
    key = [{"AttributeName": "object_key", "KeyType": "HASH"}]

    problems = list(replacements(baseline, changed(template, set_property(IMAGES_TABLE, "KeySchema", key))))

    assert problems[0].startswith(f"{IMAGES_TABLE}: KeySchema ")


@pytest.mark.parametrize("policy", ["DeletionPolicy", "UpdateReplacePolicy"])
@pytest.mark.parametrize("value", ["Delete", None])
def test_a_weaker_policy_is_found(template: Template, baseline: Resources, policy: str, value: str | None) -> None:
    def weaken(resources: Resources) -> None:
        del resources[INPUT_BUCKET][policy]
        resources[INPUT_BUCKET] |= {policy: value} if value else {}

    [problem] = weaker_policies(baseline, changed(template, weaken))

    assert problem.startswith(f"{INPUT_BUCKET}: {policy} was Retain")


def test_a_new_index_a_stronger_policy_and_another_retention_are_no_replacement(
    template: Template, baseline: Resources
) -> None:
    def update(resources: Resources) -> None:
        table = resources[IMAGES_TABLE]["Properties"]
        table["AttributeDefinitions"].append({"AttributeName": "run_id", "AttributeType": "S"})
        table["GlobalSecondaryIndexes"] = [{"IndexName": "by-run"}]
        resources[IMAGES_TABLE]["DeletionPolicy"] = "Retain"
        resources[WORKFLOW_LOG]["Properties"]["RetentionInDays"] = 7

    new = changed(template, update)

    assert [*replacements(baseline, new), *weaker_policies(baseline, new)] == []


@pytest.mark.parametrize("kind", REPLACEMENT_PROPERTIES)
def test_the_table_has_every_create_only_property_of_the_resource_schema(kind: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    create_only = [
        path.removeprefix("/properties/")
        for name in ("createOnlyProperties", "conditionalCreateOnlyProperties")
        for path in schema.get(name, [])
    ]

    assert set(create_only) <= set(REPLACEMENT_PROPERTIES[kind])


def test_a_release_can_be_recorded(template_file: Path, template: Template, tmp_path: Path) -> None:
    record(template_file, "9.9.9", tmp_path)

    baseline = json.loads((tmp_path / "baseline-9.9.9.json").read_text())
    assert baseline == {"release": "9.9.9", "resources": stateful_resources(template.body)}
