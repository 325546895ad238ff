"""Faults that are put into the template by hand, and the lines of `verify` that must name them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Template = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """`line` must fail with a text that contains `says`; `others` must pass. `is_usual` are tested in
    each run of the tests."""

    name: str
    put_into: Callable[[Template], None]
    line: str
    says: str
    others: tuple[str, ...] = ()
    is_usual: bool = False


def without_grant(role: str, action: str, *, beside: str = "") -> Callable[[Template], None]:
    """Removes an action from the policies of a role, by the beginning of its logical ID. With `beside`, only from the
    statements that have that action too."""

    def edit(template: Template) -> None:
        needed = {action, beside} - {""}
        found = [statement for statement in _statements(template, role) if needed <= {*_listed(statement["Action"])}]
        assert found, f"{role} has no {action}"
        for statement in found:
            statement["Action"] = [each for each in _listed(statement["Action"]) if each != action] or "sqs:ListQueues"

    return edit


def _statements(template: Template, role: str) -> Iterator[dict[str, Any]]:
    for resource in template["Resources"].values():
        roles = json.dumps(resource.get("Properties", {}).get("Roles", []))
        if resource["Type"] == "AWS::IAM::Policy" and f'"Ref": "{role}' in roles:
            yield from resource["Properties"]["PolicyDocument"]["Statement"]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def in_definition(old: str, new: str) -> Callable[[Template], None]:
    """Replaces the first occurrence of a text in the definition of the state machine."""

    def edit(template: Template) -> None:
        machine = template["Resources"]["WorkflowStateMachine8F1B1C15"]
        parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
        index = next(index for index, part in enumerate(parts) if isinstance(part, str) and old in part)
        parts[index] = parts[index].replace(old, new, 1)

    return edit


def another_prefix(template: Template) -> None:
    rule = next(
        each
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Events::Rule" and "aws.s3" in each["Properties"]["EventPattern"]["source"]
    )
    rule["Properties"]["EventPattern"]["detail"]["object"]["key"] = [{"prefix": "manifest/"}]


def without_api_permissions(template: Template) -> None:
    names = [
        name
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Lambda::Permission" and each["Properties"]["Principal"] == "apigateway.amazonaws.com"
    ]
    assert names
    for name in names:
        del template["Resources"][name]


FAULTS = (
    Fault("an upload starts nothing", another_prefix, "csv", "No run has started", is_usual=True),
    Fault(
        "images cannot be stored",
        without_grant("DownloadBatch", "s3:PutObject", beside="s3:GetObject"),
        "csv",
        "S3 PutObject failed",
    ),
    Fault(
        "Parquet is read as JSON lines",
        in_definition('"InputType":"PARQUET"', '"InputType":"JSONL"'),
        "parquet",
        "States.ItemReaderFailed",
        ("csv",),
        is_usual=True,
    ),
    Fault(
        "semicolons are read as commas",
        in_definition('"CSVDelimiter":"SEMICOLON"', '"CSVDelimiter":"COMMA"'),
        "csv-semicolon",
        "invalid_row",
        ("csv-semicolon-headerless",),
    ),
    Fault(
        "the key cannot be used",
        without_grant("SummarizeRun", "kms:GenerateDataKey"),
        "messages",
        "run_completed",
        ("csv",),
        is_usual=True,
    ),
    Fault("the index cannot be written", without_grant("IndexRun", "s3:PutObject"), "index", "PutObject", ("csv",)),
    Fault(
        "the API cannot list the files of a run",
        without_grant("ApiRole", "s3:ListBucket"),
        "api-urls",
        "GET /runs/",
        ("csv",),
    ),
    Fault("logs are lost", without_grant("PrepareRun", "logs:PutLogEvents"), "logs", "PrepareRun", ("csv",)),
    Fault(
        "traces are lost", without_grant("DownloadBatch", "xray:PutTraceSegments"), "traces", "DownloadBatch", ("csv",)
    ),
    Fault(
        "the API cannot invoke",
        without_api_permissions,
        "api-urls",
        "POST /runs answers with 500",
        ("csv",),
        is_usual=True,
    ),
)
