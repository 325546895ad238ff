"""Comparison of the stateful resources of a template with those of an earlier release.

An update of the stack must not replace or delete a resource that holds data or that others refer to. CloudFormation
does so if its logical id changes, if it is removed from the template, or if one of the properties below changes.

Record a release, from a checkout of it, before the next change of the stack:

    make synth
    .venv/bin/python -m tests.infra.upgrade cdk.out/ImageMirror.template.json VERSION

This writes `tests/infra/baseline-VERSION.json`; commit it. `test_upgrade.py` compares the stack with every baseline.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPLACEMENT_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "AWS::S3::Bucket": ("BucketName", "BucketNamePrefix", "BucketNamespace"),
    "AWS::DynamoDB::Table": (
        "TableName",
        "KeySchema",
        "KeyAttributes",
        "LocalSecondaryIndexes",
        "ImportSourceSpecification",
    ),
    "AWS::SNS::Topic": ("TopicName", "FifoTopic"),
    "AWS::KMS::Key": ("KeySpec", "KeyUsage", "MultiRegion", "Origin"),
    "AWS::KMS::Alias": ("AliasName",),
    "AWS::SQS::Queue": ("QueueName", "FifoQueue"),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", "StateMachineType"),
    "AWS::ApiGateway::RestApi": (),
}
"""The properties whose change replaces the resource, by type.

Source: "Update requires: Replacement" in the CloudFormation Template Reference
(docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference), which are the `createOnlyProperties` and
`conditionalCreateOnlyProperties` of the resource schemas. In addition:

* DynamoDB: a local secondary index can only be created with the table, and a changed AttributeDefinition replaces it.
  `KeyAttributes` are the AttributeDefinitions of the table's key.
* KMS: a change of these properties fails the update instead of replacing the key.
* API Gateway: none, but another logical id changes the URL of the API.
"""

POLICY_STRENGTH = {"Delete": 0, "Snapshot": 1, "RetainExceptOnCreate": 2, "Retain": 2}
"""RetainExceptOnCreate differs from Retain only while the resource is created."""

Resource = Mapping[str, Any]  # a resource of a template: JSON, whose fields depend on its type
Resources = Mapping[str, Resource]


def stateful_resources(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return type, policies and replacement properties of each stateful resource by logical id."""
    return {
        logical_id: {
            "Type": resource["Type"],
            "DeletionPolicy": resource.get("DeletionPolicy", "Delete"),
            "UpdateReplacePolicy": resource.get("UpdateReplacePolicy", "Delete"),
            "Properties": _replacement_properties(resource),
        }
        for logical_id, resource in sorted(template["Resources"].items())
        if resource["Type"] in REPLACEMENT_PROPERTIES
    }


def replacements(old: Resources, new: Resources) -> Iterator[str]:
    """Describe each resource that an update from `old` to `new` would replace or delete."""
    for logical_id, before in old.items():
        after = new.get(logical_id)
        if after is None or after["Type"] != before["Type"]:
            yield f"{logical_id} ({before['Type']}) has another logical id or type, or is removed"
            continue
        for name, value in before["Properties"].items():
            if after["Properties"][name] != value:
                yield f"{logical_id}: {name} was {value}, and is {after['Properties'][name]}"


def weaker_policies(old: Resources, new: Resources) -> Iterator[str]:
    """Describe each resource whose DeletionPolicy or UpdateReplacePolicy protects it less than before."""
    for logical_id in old.keys() & new.keys():
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            before, after = old[logical_id][policy], new[logical_id][policy]
            if POLICY_STRENGTH[after] < POLICY_STRENGTH[before]:
                yield f"{logical_id}: {policy} was {before}, and is {after}"


def _replacement_properties(resource: Resource) -> dict[str, Any]:
    properties = resource.get("Properties", {})
    keys = {key["AttributeName"] for key in properties.get("KeySchema", [])}
    definitions = properties.get("AttributeDefinitions", [])
    derived = {"KeyAttributes": [each for each in definitions if each["AttributeName"] in keys]}
    return {name: derived.get(name, properties.get(name)) for name in REPLACEMENT_PROPERTIES[resource["Type"]]}


def record(template: Path, release: str, folder: Path = Path(__file__).parent) -> None:
    baseline = {"release": release, "resources": stateful_resources(json.loads(template.read_text()))}
    (folder / f"baseline-{release}.json").write_text(json.dumps(baseline, indent=1) + "\n")


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2])
