"""What the template says can be read back from the services of the local AWS."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.aws.cloud import Cloud
from local.aws.stack import Resource
from tests.support.read_back import READERS

ROOT = Path(__file__).parents[2]

NOT_KEPT = {
    ("AWS::IAM::Role", "ManagedPolicyArns"),
    ("AWS::Lambda::Function", "Code"),
}
"""What cannot be read back; docs/local.md names each of them."""


@pytest.mark.parametrize("resource_type", READERS)
def test_every_property_of_the_template_can_be_read_back(cloud: Cloud, resource_type: str) -> None:
    resources = cloud.stack.of_type(resource_type)

    assert resources
    for resource in resources:
        expected = kept(resource)
        read = READERS[resource_type](cloud, resource)
        assert {name: read.get(name) for name in expected} == expected, resource.logical_id


def kept(resource: Resource) -> Mapping[str, Any]:
    return {name: value for name, value in resource.properties.items() if (resource.type, name) not in NOT_KEPT}


def test_every_type_of_the_template_is_read_back(cloud: Cloud) -> None:
    assert {resource.type for resource in cloud.stack.resources.values()} - {"AWS::CDK::Metadata"} == set(READERS)


def test_what_is_not_kept_is_documented(cloud: Cloud) -> None:
    text = (ROOT / "docs" / "local.md").read_text()
    found = {(resource.type, name) for resource in cloud.stack.resources.values() for name in resource.properties}

    assert found >= NOT_KEPT
    for resource_type, name in NOT_KEPT:
        assert f"`{name}` of `{resource_type}`" in text


@pytest.mark.parametrize(
    ("command", "query", "expected"),
    [
        (
            ("s3api", "get-bucket-lifecycle-configuration", "--bucket", "IMAGES_BUCKET"),
            "Rules[].ID",
            ["glacier-instant-retrieval", "unfinished-uploads"],
        ),
        (("cloudwatch", "describe-alarms"), "length(MetricAlarms)", 36),
        (("logs", "describe-query-definitions"), "length(queryDefinitions)", 4),
    ],
    ids=["lifecycle", "alarms", "queries"],
)
def test_the_aws_command_reads_them(cloud: Cloud, command: tuple[str, ...], query: str, expected: object) -> None:
    environment = cloud.environment()
    arguments = [environment.get(argument, argument) for argument in command]
    aws = str(Path(sys.executable).parent / "aws")
    done = subprocess.run(
        [aws, *arguments, "--query", query, "--output", "json"],
        env={"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": os.devnull, **environment},
        capture_output=True,
        check=True,
    )

    assert json.loads(done.stdout) == expected
