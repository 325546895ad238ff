"""The synthesized templates, shared by all tests, because the first synthesis of a process takes seconds."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from cdk.app import build
from cdk.settings import Settings
from tests.infra.rendered import Template


def synthesized(settings: Settings, outdir: Path) -> Path:
    """Synthesize like `python -m cdk.app`, but without bundling and without the settings of cdk.json."""
    build({**asdict(settings), "aws:cdk:bundling-stacks": []}, outdir=str(outdir)).synth()
    return outdir / f"{settings.stack_name}.template.json"


@pytest.fixture(scope="session")
def template_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesized(Settings(), tmp_path_factory.mktemp("cdk.out"))


@pytest.fixture(scope="session")
def template(template_file: Path) -> Template:
    return Template(json.loads(template_file.read_text()))


@pytest.fixture(scope="session")
def other_settings() -> Settings:
    return Settings(
        allowed_networks="203.0.113.0/24,198.51.100.0/24",
        api_account_role=False,
        api_burst_limit=7,
        api_docs=True,
        api_rate_limit=5,
        contact="https://example.com/mirror",
        default_options={"concurrency": 8},
        environment="staging",
        glacier_object_size_greater_than=65536,
        images_point_in_time_recovery=True,
        images_prefix="pictures/",
        keep_input_bucket=False,
        log_level="DEBUG",
        log_retention_days=7,
        runbook="https://wiki.example.com/image-mirror",
        run_files_expire_after_days=90,
        run_timeout_days=2,
        workflow_log_level="ALL",
    )


@pytest.fixture(scope="session")
def other_template(tmp_path_factory: pytest.TempPathFactory, other_settings: Settings) -> Template:
    """A deployment in which every setting differs from its default, except the name of the stack and the settings of
    an existing images bucket."""
    file = synthesized(other_settings, tmp_path_factory.mktemp("cdk.out"))
    return Template(json.loads(file.read_text()))


@pytest.fixture(scope="session")
def definition(template: Template) -> dict[str, Any]:
    """The rendered state machine in the partition `aws`, with `<LogicalId>` for ARNs that CloudFormation inserts."""
    text = template.text(template.only("AWS::StepFunctions::StateMachine", "Workflow")["DefinitionString"])
    return json.loads(text.replace("<AWS::Partition>", "aws"))
