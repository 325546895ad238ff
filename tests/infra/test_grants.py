"""The complete permissions of each role."""

import re

import pytest

from tests.infra.rendered import Template

TRACES = {("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*")}
KMS = {("kms:Decrypt", "Key"), ("kms:GenerateDataKey", "Key")}


def may(resource: str, *actions: str) -> set[tuple[str, str]]:
    return {(action, resource) for action in actions}


def log(group: str) -> set[tuple[str, str]]:
    return may(group, "logs:CreateLogStream", "logs:PutLogEvents")


SHARES = (
    may("*", "lambda:GetAccountSettings")
    | may("Runs/index/newest", "dynamodb:Query")
    | may("execution of StateMachine:*", "states:ListMapRuns")
    | may("mapRun of StateMachine/*:*", "states:UpdateMapRun")
)
MANIFESTS = {
    (action, f"Input/{path}")
    for action in ("s3:GetObject", "s3:GetObjectVersion")
    for path in ("manifests/*", "submitted/*", "runs/*/retry.*")
}
VERSIONS = {(action, path) for action, path in MANIFESTS if action == "s3:GetObjectVersion"} | may(
    "Input/runs/*/rows.jsonl.gz", "s3:GetObjectVersion"
)
STATE_MACHINE = {
    *TRACES,
    *may("*", "xray:GetSamplingRules", "xray:GetSamplingTargets"),
    *may(
        "*",
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    ),
}
EXPECTED = {
    "PrepareRunRole": {
        *log("PrepareRunLog"),
        *TRACES,
        *MANIFESTS,
        *may("Input/runs/*/rows.jsonl.gz", "s3:PutObject"),
        *may("Input/runs/*/hosts.json", "s3:PutObject"),
        *may("Input/runs/*/known_bad.json", "s3:PutObject"),
        *may("Input/runs/*/sample.json", "s3:PutObject"),
        *may("Input/runs/*/check/*", "s3:PutObject", "s3:GetObject"),
        *may("Input/runs/*/suspects.csv", "s3:GetObject"),
        *may("Input/lists/*", "s3:GetObject"),
        *may("Input", "s3:ListBucket"),
        *may("Runs", "dynamodb:UpdateItem"),
        *SHARES,
    },
    "DownloadBatchRole": {
        *log("DownloadBatchLog"),
        *TRACES,
        *may("Images/images/*", "s3:PutObject", "s3:GetObject"),
        *may("Input/runs/*", "s3:PutObject"),
        *may("Input/runs/*/closed", "s3:GetObject"),
        *may("Input/runs/*/hosts.json", "s3:GetObject"),
        *may("Input/runs/*/known_bad.json", "s3:GetObject"),
        *may("ImagesTable", "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:PutItem"),
        *may("TablesHosts", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
        *may("Topic", "sns:Publish"),
        *KMS,
    },
    "PlanPassRole": {
        *log("PlanPassLog"),
        *TRACES,
        *may("Input", "s3:ListBucket"),
        *may("Input/runs/*/passes/*", "s3:GetObject"),
        *may("Input/runs/*/passes/plan-*", "s3:PutObject"),
        *may("Runs", "dynamodb:GetItem", "dynamodb:UpdateItem"),
    },
    "SummarizeRunRole": {
        *log("SummarizeRunLog"),
        *TRACES,
        *VERSIONS,
        *may("Input", "s3:ListBucket"),
        *may("Input/runs/*", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"),
        *may("Input/runs/*/fold/*", "s3:DeleteObject"),
        *may("Runs", "dynamodb:GetItem", "dynamodb:UpdateItem"),
        *may("execution of StateMachine:*", "states:DescribeExecution"),
        *SHARES,
        *may("IndexMachine", "states:StartExecution"),
        *may("StatusChangeDeadLetters", "sqs:SendMessage"),
        *may("Topic", "sns:Publish"),
        *KMS,
    },
    "IndexRunRole": {
        *log("IndexRunLog"),
        *TRACES,
        *VERSIONS,
        *may("Input", "s3:ListBucket"),
        *may("Input/runs/*", "s3:GetObject", "s3:PutObject"),
        *may("Input/runs/*/index/*", "s3:DeleteObject"),
        *may("Input/runs/*/fold/index/*", "s3:DeleteObject"),
        *may("Runs", "dynamodb:GetItem"),
    },
    "IndexStateMachineRole": {
        *STATE_MACHINE,
        *may("IndexRun:*", "lambda:InvokeFunction"),
        *may("SummarizeRun", "lambda:InvokeFunction"),
    },
    "ApiRole": {
        *log("ApiLog"),
        *TRACES,
        *may("Runs", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
        *may("Runs/index/newest", "dynamodb:Query"),
        *may("ImagesTable", "dynamodb:BatchGetItem"),
        *may("Input/manifests/*", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
        *may("Input/submitted/*", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
        *may("Input", "s3:ListBucket"),
        *may("Input/runs/*", "s3:GetObject"),
        *may("Images/images/*", "s3:GetObject"),
        *may("StateMachine", "states:StartExecution"),
        *may("execution of StateMachine:*", "states:StopExecution", "states:ListMapRuns"),
        *may("mapRun of StateMachine/*:*", "states:DescribeMapRun", "states:UpdateMapRun"),
    },
    "RestApiCloudWatchRole": set(),
    "WorkflowStateMachineRole": {
        *STATE_MACHINE,
        *VERSIONS,
        *may("Input/manifests/*", "s3:GetObject"),
        *may("Input/submitted/*", "s3:GetObject"),
        *may("Input", "s3:ListBucket"),
        *may(
            "Input/runs/*",
            "s3:GetObject",
            "s3:PutObject",
            "s3:ListMultipartUploadParts",
            "s3:AbortMultipartUpload",
        ),
        *may("PrepareRun", "lambda:InvokeFunction"),
        *may("PrepareRun:*", "lambda:InvokeFunction"),
        *may("DownloadBatch", "lambda:InvokeFunction"),
        *may("DownloadBatch:*", "lambda:InvokeFunction"),
        *may("PlanPass:*", "lambda:InvokeFunction"),
        *may("SummarizeRun", "lambda:InvokeFunction"),
        *may("SummarizeRun:*", "lambda:InvokeFunction"),
        *may("StateMachine", "states:StartExecution"),
        *(
            (action, f"execution of StateMachine{label}:*")
            for label in ("", "/*")
            for action in ("states:DescribeExecution", "states:StopExecution")
        ),
    },
    "WorkflowStateMachineEventsRole": may("StateMachine", "states:StartExecution"),
}
# Short names for logical ids without their hashes.
SHORT_NAMES = {
    "PlanPassFunction": "PlanPass",
    "BucketsImages": "Images",
    "BucketsInput": "Input",
    "TablesImages": "ImagesTable",
    "TablesRuns": "Runs",
    "NotificationsKey": "Key",
    "NotificationsTopic": "Topic",
    "WorkflowStateMachine": "StateMachine",
    "IndexStateMachine": "IndexMachine",
    "IndexRunFunction": "IndexRun",
    "PrepareRunFunction": "PrepareRun",
    "DownloadBatchFunction": "DownloadBatch",
    "SummarizeRunFunction": "SummarizeRun",
}


def short_name(resource: str) -> str:
    prefix = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:"
    for kind in ("execution", "mapRun"):
        resource = resource.replace(f"{prefix}{kind}:", f"{kind} of ")
    return re.sub(r"<(\w+?)[0-9A-F]{8}(\.\w+)?>", lambda match: SHORT_NAMES.get(match[1], match[1]), resource)


@pytest.mark.parametrize("role", EXPECTED)
def test_a_role_has_these_permissions_and_no_others(template: Template, role: str) -> None:
    assert {(action, short_name(resource)) for action, resource in template.rights(role)} == EXPECTED[role]


def test_every_role_is_checked(template: Template) -> None:
    assert {re.sub(r"[0-9A-F]{8}$", "", name) for name in template.all("AWS::IAM::Role")} == EXPECTED.keys()


def test_no_role_has_an_aws_managed_policy(template: Template) -> None:
    """Except the logging role of API Gateway, which belongs to the account."""
    [name] = [
        name
        for name, role in template.all("AWS::IAM::Role").items()
        if {"ManagedPolicyArns", "Policies"} & role["Properties"].keys()
    ]

    assert name.startswith("RestApiCloudWatchRole")
