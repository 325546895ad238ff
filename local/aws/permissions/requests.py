"""HTTP requests to actions and resources, for all services but the objects of S3.

A row for each operation that the functions call, or that the documentation of a service names for a permission of the
template. An operation without a row is refused to all roles, by name.

https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from local.aws.backend import ACCOUNT, PARSED_BODY, REGION
from local.aws.http.service_errors import Signature
from local.aws.permissions.evaluator import Call
from local.aws.permissions.sources import function_arn

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Members = Mapping[str, Any]
"""The members of a request. Any: they differ by operation; AWS's services validate them later."""

CallsOf = Callable[[Members], list[Call]]

TARGETS = {
    "DynamoDB_20120810": "dynamodb",
    "AWSStepFunctions": "states",
    "AmazonSQS": "sqs",
    "AWSEvents": "events",
    "Logs_20140328": "logs",
    "GraniteServiceVersion20100801": "monitoring",
}
"""The service of a request by the beginning of its X-Amz-Target."""

ACCOUNT_SETTINGS_PATH = "/2016-08-19/account-settings"
INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
XRAY_PATHS = {
    "/TraceSegments": "PutTraceSegments",
    "/TelemetryRecords": "PutTelemetryRecords",
    "/GetSamplingRules": "GetSamplingRules",
    "/SamplingTargets": "GetSamplingTargets",
}
RPC_PATH = re.compile(r"/service/(\w+)/operation/(\w+)/?")
"""Path of the protocol `rpc-v2-cbor`."""


class Operation(NamedTuple):
    """An operation of a service, by its name in a signature, and the members of the request."""

    service: str
    name: str
    members: Members


def operation(environ: WSGIEnvironment, signature: Signature) -> Operation:
    """Reads the body, and replaces it in the environment so that the service can read it again."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        prefix, _, name = target.partition(".")
        return Operation(TARGETS.get(prefix, signature.service), name, _json_members(environ))
    path = environ["PATH_INFO"]
    if match := RPC_PATH.fullmatch(path):
        return Operation(TARGETS.get(match[1], signature.service), match[2], {})
    if match := INVOKE.fullmatch(path):
        qualifier = dict(parse_qsl(environ.get("QUERY_STRING", ""))).get("Qualifier")
        name = f"{unquote(match[1])}:{qualifier}" if qualifier else unquote(match[1])
        return Operation("lambda", "Invoke", {"FunctionName": name})
    if path.rstrip("/") == ACCOUNT_SETTINGS_PATH:
        return Operation("lambda", "GetAccountSettings", {})
    if signature.service == "xray":
        return Operation("xray", XRAY_PATHS.get(path, f"{environ['REQUEST_METHOD']} {path}"), {})
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        members = dict(parse_qsl(_content(environ).decode()))
        return Operation(signature.service, members.get("Action", ""), members)
    return Operation(signature.service, f"{environ['REQUEST_METHOD']} {path}", {})


def calls(found: Operation) -> list[Call] | None:
    """The actions that an operation needs; None for an operation without a row."""
    row = CALLS.get(found.service, {}).get(found.name)
    return None if row is None else row(found.members)


def _content(environ: WSGIEnvironment) -> bytes:
    content: bytes = environ["wsgi.input"].read()
    environ["wsgi.input"] = BytesIO(content)
    return content


def _json_members(environ: WSGIEnvironment) -> Members:
    try:
        members = json.loads(_content(environ) or b"{}")
    except ValueError:
        return {}
    environ[PARSED_BODY] = members
    return members if isinstance(members, dict) else {}


def _on(action: str, resource: Callable[[Members], str]) -> CallsOf:
    return lambda members: [Call(action, resource(members))]


def _on_all(action: str) -> CallsOf:
    return lambda members: [Call(action, "*")]


def _member(name: str, *others: str) -> Callable[[Members], str]:
    """The ARN that is the value of the first member that the request has."""
    return lambda members: next((str(members[each]) for each in (name, *others) if each in members), "*")


# ---- DynamoDB ----


def _table_arn(name_or_arn: str) -> str:
    return name_or_arn if name_or_arn.startswith("arn:") else f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name_or_arn}"


def _table(members: Members) -> str:
    return _table_arn(str(members.get("TableName", "*")))


def _table_or_index(members: Members) -> str:
    return f"{_table(members)}/index/{members['IndexName']}" if "IndexName" in members else _table(members)


def _each_table(action: str) -> CallsOf:
    return lambda members: [Call(action, _table_arn(name)) for name in members.get("RequestItems", {})]


TRANSACTION_ACTIONS = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}


def _transaction(members: Members) -> list[Call]:
    return [
        Call(TRANSACTION_ACTIONS[kind], _table(parameters))
        for item in members.get("TransactItems", [])
        for kind, parameters in item.items()
        if kind in TRANSACTION_ACTIONS
    ]


# ---- logs, SQS, Step Functions ----


def log_group_arn(name: str) -> str:
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"


def _log_group(members: Members) -> str:
    return f"{log_group_arn(str(members.get('logGroupName', '*')))}:*"


def _log_stream(members: Members) -> str:
    return f"{log_group_arn(str(members.get('logGroupName', '*')))}:log-stream:{members.get('logStreamName', '*')}"


def _queue(members: Members) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{str(members.get('QueueUrl', '*')).rpartition('/')[2]}"


_MACHINE = _member("stateMachineArn")
_EXECUTION = _member("executionArn")
_MAP_RUN = _member("mapRunArn")

CALLS: Mapping[str, Mapping[str, CallsOf]] = {
    "dynamodb": {
        **{
            name: _on(f"dynamodb:{name}", _table)
            for name in ("DeleteItem", "DescribeTable", "GetItem", "PutItem", "UpdateItem")
        },
        **{name: _on(f"dynamodb:{name}", _table_or_index) for name in ("Query", "Scan")},
        **{name: _each_table(f"dynamodb:{name}") for name in ("BatchGetItem", "BatchWriteItem")},
        "TransactGetItems": _transaction,
        "TransactWriteItems": _transaction,
    },
    "lambda": {
        "GetAccountSettings": _on_all("lambda:GetAccountSettings"),
        "Invoke": _on("lambda:InvokeFunction", lambda members: function_arn(members["FunctionName"])),
    },
    "logs": {
        "CreateLogStream": _on("logs:CreateLogStream", _log_group),
        "PutLogEvents": _on("logs:PutLogEvents", _log_stream),
    },
    "monitoring": {
        name: _on_all(f"cloudwatch:{name}")
        for name in ("GetMetricData", "GetMetricStatistics", "ListMetrics", "PutMetricData")
    },
    "sns": {
        "Publish": _on("sns:Publish", _member("TopicArn", "TargetArn")),
        "PublishBatch": _on("sns:Publish", _member("TopicArn")),
    },
    "sqs": {
        name: _on(f"sqs:{name}", _queue)
        for name in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage", "SendMessage")
    },
    "states": {
        **{name: _on(f"states:{name}", _MACHINE) for name in ("DescribeStateMachine", "StartExecution")},
        **{
            name: _on(f"states:{name}", _EXECUTION)
            for name in (
                *("DescribeExecution", "DescribeStateMachineForExecution", "GetExecutionHistory", "ListMapRuns"),
                *("RedriveExecution", "StopExecution"),
            )
        },
        **{name: _on(f"states:{name}", _MAP_RUN) for name in ("DescribeMapRun", "UpdateMapRun")},
        "ListExecutions": _on("states:ListExecutions", _member("stateMachineArn", "mapRunArn")),
    },
    "sts": {
        "AssumeRole": _on("sts:AssumeRole", _member("RoleArn")),
        "GetCallerIdentity": lambda members: [],
    },
    "xray": {name: _on_all(f"xray:{name}") for name in XRAY_PATHS.values()},
}
"""By service and operation."""
