"""Grants that no call in the local AWS needs, each with the reason why the template has it."""

from __future__ import annotations

import re
from collections.abc import Iterable

TRACING = "CDK adds it with active tracing. The X-Ray daemon of Lambda sends telemetry; the local one does not."
STATES_TRACING = "CDK adds it with tracing. Step Functions sends segments in AWS; the local one sends none."
CHILDREN = (
    "Step Functions documents it for every Distributed Map (IAM policies for using Distributed Map states). The local"
    " one follows and stops child executions without a call."
)
RESULT_WRITER = (
    "Step Functions documents it for every ResultWriter, which uploads large result files in parts and reads them to"
    " join them. The local one writes each file by one PUT."
)
ALARMS = "CloudWatch publishes to the topic when an alarm changes its state. The local AWS evaluates no alarms."

EXPLAINED: tuple[tuple[str, str], ...] = (
    (r"(PrepareRun|DownloadBatch|PlanPass|SummarizeRun|IndexRun|Api)Role\w+ xray:PutTelemetryRecords .*", TRACING),
    (r"(Workflow|Index)StateMachineRole\w+ xray:.*", STATES_TRACING),
    (r"WorkflowStateMachineRole\w+ states:(DescribeExecution|StopExecution) .*", CHILDREN),
    (r"WorkflowStateMachineRole\w+ s3:(AbortMultipartUpload|ListMultipartUploadParts) .*", RESULT_WRITER),
    (r"cloudwatch\.amazonaws\.com .*", ALARMS),
    (
        r"apigateway\.amazonaws\.com sts:AssumeRole .*RestApiCloudWatchRole.*",
        "API Gateway writes its access log with this role. The local one writes no logs.",
    ),
)
"""A regular expression for the keys of grants, and the reason."""


def reason_of(grant: str) -> str:
    """Empty for a grant that must be needed by a test."""
    return next((reason for expression, reason in EXPLAINED if re.fullmatch(expression, grant)), "")


def unused(grants: Iterable[str]) -> list[str]:
    """The expressions that explain no grant."""
    known = list(grants)
    return [expression for expression, _ in EXPLAINED if not any(re.fullmatch(expression, each) for each in known)]
