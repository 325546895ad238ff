"""The template in the partitions of AWS: a Region in China or GovCloud has ARNs of its own."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stage
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from cdk.app import CDK_JSON
from cdk.settings import Settings
from cdk.stack import ImageMirror
from tests.infra.rendered import Template

PARTITIONS = {"us-east-1": "aws", "eu-central-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"}
LITERAL = re.compile(r"arn:(aws[a-z-]*):")


def literal_partitions(value: object) -> set[str]:
    """The partitions that are written out in any text of a template."""
    return set(LITERAL.findall(json.dumps(value)))


@pytest.fixture(scope="module")
def regional(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The stack as an app synthesizes it that names its account and Region."""
    context = json.loads(CDK_JSON.read_text())["context"]
    app = App(
        context={**context, **asdict(Settings()), "aws:cdk:bundling-stacks": []},
        outdir=str(tmp_path_factory.mktemp("cdk.out")),
        analytics_reporting=False,
    )
    stage = Stage(app, "Regional", env=Environment(account="123456789012", region=request.param))
    ImageMirror(stage, "ImageMirror", settings=Settings())
    [file] = Path(stage.synth().directory).glob("*.template.json")
    return Template(json.loads(file.read_text()))


def test_the_deployed_template_writes_out_no_partition(template: Template, other_template: Template) -> None:
    assert literal_partitions(template.body) == literal_partitions(other_template.body) == set()


@pytest.mark.parametrize(("regional", "partition"), PARTITIONS.items(), indirect=["regional"])
def test_a_template_of_one_region_has_the_arns_of_its_partition_alone(regional: Template, partition: str) -> None:
    """The CDK writes the partition out where it knows the Region."""
    assert literal_partitions(regional.body) <= {partition}
    machine = regional.only("AWS::StepFunctions::StateMachine", "Workflow")
    assert literal_partitions(machine["DefinitionString"]) == set()


@pytest.mark.parametrize("partition", sorted(set(PARTITIONS.values())))
def test_every_resource_of_the_state_machine_is_of_the_partition_in_which_it_is_deployed(
    template: Template, partition: str
) -> None:
    text = template.text(template.only("AWS::StepFunctions::StateMachine", "Workflow")["DefinitionString"])
    definition = json.loads(text.replace("<AWS::Partition>", partition))

    assert set(resources(definition)) == {
        f"arn:{partition}:states:::{name}"
        for name in ("lambda:invoke", "s3:getObject", "s3:listObjectsV2", "s3:putObject")
    }


def resources(value: Any) -> list[str]:
    """The `Resource` of every state, reader and writer."""
    if isinstance(value, Mapping):
        own = [value["Resource"]] if "Resource" in value else []
        return own + [name for inner in value.values() for name in resources(inner)]
    return [name for inner in value for name in resources(inner)] if isinstance(value, list) else []


def test_every_resource_type_exists_in_every_region(template: Template) -> None:
    """cfn-lint has the resource types of each Region, and names the Regions in its messages."""
    found = lint(json.dumps(template.body), config=ManualArgs(regions=[*PARTITIONS], ignore_checks=["W"]))

    assert [f"{match.rule.id} {match.message}" for match in found] == []
