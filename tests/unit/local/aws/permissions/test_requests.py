"""The actions and resources of requests, by service; real requests of boto3 on a socket, and the refusals they get."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.wrappers import Response

from local.aws.clients import Credentials
from local.aws.http.guard import Guard
from local.aws.http.server import Server
from local.aws.permissions.conditions import REQUEST, Context
from local.aws.permissions.evaluator import AccessDeniedError, Permissions
from local.aws.permissions.identities import ADMINISTRATOR, Identities, Principal
from local.aws.permissions.layer import PermissionLayer
from tests.unit.local.aws.permissions.policies import WORKER, of_resource, statement

ACCOUNT = "us-east-1:123456789012"
TABLE = f"arn:aws:dynamodb:{ACCOUNT}:table/t"
TOPIC = f"arn:aws:sns:{ACCOUNT}:topic"
ENCRYPTED = f"arn:aws:sns:{ACCOUNT}:encrypted"
KEY = f"arn:aws:kms:{ACCOUNT}:key/k"
QUEUE = f"arn:aws:sqs:{ACCOUNT}:q"
MACHINE = f"arn:aws:states:{ACCOUNT}:stateMachine:m"
RUN = f"arn:aws:states:{ACCOUNT}:execution:m:run"
MAP_RUN = f"arn:aws:states:{ACCOUNT}:mapRun:m/Map:run"
GROUP = f"arn:aws:logs:{ACCOUNT}:log-group:g"
FUNCTION = f"arn:aws:lambda:{ACCOUNT}:function:f"
ITEM: Mapping[str, Any] = {"id": {"S": "1"}}

Members = Mapping[str, Any]


class NoPermissions(Permissions):
    """Refuses every call but those in `allowed`, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.checked: list[tuple[str, str]] = []
        self.allowed: set[str] = set()

    def check(self, principal: Principal, action: str, resource: str, context: Context = REQUEST) -> None:
        self.checked.append((action, resource))
        if action not in self.allowed:
            super().check(principal, action, resource, context)


class Endpoint:
    def __init__(self) -> None:
        self.permissions: Permissions = NoPermissions()
        self.identities = Identities()
        self.administrator = Credentials.random()
        self.server = Server()
        layer = PermissionLayer(
            Response("{}"), lambda: self.permissions, self.identities.principal_of, lambda: {ENCRYPTED: KEY}
        )
        self.server.start(Guard(layer, self.server.endpoint, self._secret_of))

    def _secret_of(self, access_key: str) -> str | None:
        return self.administrator.secret_key

    def refusal(self, service: str, operation: str, members: Members, principal: Principal = WORKER) -> ClientError:
        with pytest.raises(ClientError) as caught:
            self.call(service, operation, members, principal)
        return caught.value

    def call(self, service: str, operation: str, members: Members, principal: Principal = WORKER) -> object:
        own = principal == ADMINISTRATOR
        credentials = self.administrator if own else self.identities.credentials(principal)
        create: Callable[..., Any] = boto3.Session(region_name="us-east-1").client
        client = create(
            service,
            endpoint_url=self.server.endpoint,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            config=Config(retries={"max_attempts": 0}, proxies={}),
        )
        try:
            return getattr(client, operation)(**members)
        finally:
            client.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.server.stop()


@pytest.fixture
def endpoint(server: Endpoint) -> Endpoint:
    server.permissions = NoPermissions()
    return server


CALLS = [
    ("dynamodb", "get_item", {"TableName": "t", "Key": ITEM}, "dynamodb:GetItem", TABLE),
    ("dynamodb", "get_item", {"TableName": TABLE, "Key": ITEM}, "dynamodb:GetItem", TABLE),
    ("dynamodb", "put_item", {"TableName": "t", "Item": ITEM}, "dynamodb:PutItem", TABLE),
    ("dynamodb", "update_item", {"TableName": "t", "Key": ITEM}, "dynamodb:UpdateItem", TABLE),
    ("dynamodb", "delete_item", {"TableName": "t", "Key": ITEM}, "dynamodb:DeleteItem", TABLE),
    ("dynamodb", "query", {"TableName": "t"}, "dynamodb:Query", TABLE),
    ("dynamodb", "query", {"TableName": "t", "IndexName": "newest"}, "dynamodb:Query", f"{TABLE}/index/newest"),
    ("dynamodb", "scan", {"TableName": "t"}, "dynamodb:Scan", TABLE),
    ("dynamodb", "batch_get_item", {"RequestItems": {"t": {"Keys": [ITEM]}}}, "dynamodb:BatchGetItem", TABLE),
    (
        "dynamodb",
        "batch_write_item",
        {"RequestItems": {"t": [{"PutRequest": {"Item": ITEM}}]}},
        "dynamodb:BatchWriteItem",
        TABLE,
    ),
    (
        "dynamodb",
        "transact_write_items",
        {"TransactItems": [{"Put": {"TableName": "t", "Item": ITEM}}]},
        "dynamodb:PutItem",
        TABLE,
    ),
    ("sns", "publish", {"TopicArn": TOPIC, "Message": "m"}, "sns:Publish", TOPIC),
    (
        "sns",
        "publish_batch",
        {"TopicArn": TOPIC, "PublishBatchRequestEntries": [{"Id": "1", "Message": "m"}]},
        "sns:Publish",
        TOPIC,
    ),
    ("sqs", "send_message", {"QueueUrl": "http://sqs/123456789012/q", "MessageBody": "m"}, "sqs:SendMessage", QUEUE),
    ("lambda", "get_account_settings", {}, "lambda:GetAccountSettings", "*"),
    ("lambda", "invoke", {"FunctionName": "f"}, "lambda:InvokeFunction", FUNCTION),
    ("lambda", "invoke", {"FunctionName": f"{FUNCTION}:1"}, "lambda:InvokeFunction", f"{FUNCTION}:1"),
    ("lambda", "invoke", {"FunctionName": "f", "Qualifier": "1"}, "lambda:InvokeFunction", f"{FUNCTION}:1"),
    ("stepfunctions", "start_execution", {"stateMachineArn": MACHINE}, "states:StartExecution", MACHINE),
    ("stepfunctions", "describe_execution", {"executionArn": RUN}, "states:DescribeExecution", RUN),
    ("stepfunctions", "stop_execution", {"executionArn": RUN}, "states:StopExecution", RUN),
    ("stepfunctions", "redrive_execution", {"executionArn": RUN}, "states:RedriveExecution", RUN),
    ("stepfunctions", "list_map_runs", {"executionArn": RUN}, "states:ListMapRuns", RUN),
    ("stepfunctions", "describe_map_run", {"mapRunArn": MAP_RUN}, "states:DescribeMapRun", MAP_RUN),
    ("stepfunctions", "update_map_run", {"mapRunArn": MAP_RUN}, "states:UpdateMapRun", MAP_RUN),
    ("stepfunctions", "list_executions", {"mapRunArn": MAP_RUN}, "states:ListExecutions", MAP_RUN),
    ("logs", "create_log_stream", {"logGroupName": "g", "logStreamName": "s"}, "logs:CreateLogStream", f"{GROUP}:*"),
    (
        "logs",
        "put_log_events",
        {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]},
        "logs:PutLogEvents",
        f"{GROUP}:log-stream:s",
    ),
    ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": []}, "cloudwatch:PutMetricData", "*"),
    ("xray", "put_trace_segments", {"TraceSegmentDocuments": ["{}"]}, "xray:PutTraceSegments", "*"),
    ("xray", "get_sampling_rules", {}, "xray:GetSamplingRules", "*"),
    (
        "sts",
        "assume_role",
        {"RoleArn": "arn:aws:iam::123456789012:role/other", "RoleSessionName": "session"},
        "sts:AssumeRole",
        "arn:aws:iam::123456789012:role/other",
    ),
]
CODES = {
    "cloudwatch": ("AccessDenied", 400),
    "dynamodb": ("AccessDeniedException", 400),
    "lambda": ("AccessDeniedException", 403),
    "logs": ("AccessDeniedException", 400),
    "sns": ("AuthorizationError", 403),
    "sqs": ("AccessDenied", 400),
    "stepfunctions": ("AccessDeniedException", 400),
    "sts": ("AccessDenied", 403),
    "xray": ("AccessDeniedException", 403),
}
"""Error code and HTTP status by service."""


@pytest.mark.parametrize(
    ("service", "operation", "members", "action", "resource"),
    CALLS,
    ids=[f"{service}-{operation}-{index}" for index, (service, operation, *_) in enumerate(CALLS)],
)
def test_a_call_is_refused_in_the_words_of_its_service(
    endpoint: Endpoint, service: str, operation: str, members: Members, action: str, resource: str
) -> None:
    trust = of_resource(statement("sts:AssumeRole", "*", principal={"Service": "lambda.amazonaws.com"}))
    endpoint.permissions = Permissions(trust)

    error = endpoint.refusal(service, operation, members)

    with pytest.raises(AccessDeniedError) as expected:
        endpoint.permissions.check(WORKER, action, resource)
    found = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert (found, error.response["Error"]["Message"]) == (CODES[service], str(expected.value))


def test_a_publisher_to_an_encrypted_topic_needs_its_key(endpoint: Endpoint) -> None:
    permissions = NoPermissions()
    permissions.allowed = {"sns:Publish", "kms:GenerateDataKey"}
    endpoint.permissions = permissions

    error = endpoint.refusal("sns", "publish", {"TopicArn": ENCRYPTED, "Message": "m"})

    assert permissions.checked == [("sns:Publish", ENCRYPTED), ("kms:GenerateDataKey", KEY), ("kms:Decrypt", KEY)]
    assert error.response["Error"]["Code"] == "KMSAccessDenied"
    assert "is not authorized to perform: kms:Decrypt on resource: arn:aws:kms" in error.response["Error"]["Message"]


def test_a_call_without_a_rule_is_refused_by_name(endpoint: Endpoint) -> None:
    error = endpoint.refusal("dynamodb", "list_tables", {})

    assert error.response["Error"]["Code"] == "AccessDeniedException"
    assert "no rule for the permission of dynamodb:ListTables" in error.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("service", "operation", "members"),
    [
        ("dynamodb", "list_tables", {}),
        ("stepfunctions", "list_state_machines", {}),
        ("sns", "publish", {"TopicArn": TOPIC, "Message": "m"}),
        ("sqs", "list_queues", {}),
    ],
)
def test_the_administrator_may_do_what_no_policy_denies(
    endpoint: Endpoint, service: str, operation: str, members: Members
) -> None:
    endpoint.permissions = Permissions()

    if service == "sns":  # the answer of this server is JSON, which boto3 cannot parse for SNS
        with pytest.raises(Exception, match="Unable to parse response"):
            endpoint.call(service, operation, members, ADMINISTRATOR)
    else:
        endpoint.call(service, operation, members, ADMINISTRATOR)


def test_an_explicit_deny_of_a_topic_applies_to_the_administrator(endpoint: Endpoint) -> None:
    endpoint.permissions = Permissions(of_resource(statement("sns:Publish", TOPIC, "Deny", principal="*")))

    error = endpoint.refusal("sns", "publish", {"TopicArn": TOPIC, "Message": "m"}, ADMINISTRATOR)

    assert error.response["Error"]["Message"].endswith("with an explicit deny in a resource-based policy")
