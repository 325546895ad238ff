"""Calls that services make without HTTP here (EventBridge, API Gateway, Step Functions, Lambda), and the checks of AWS
when a resource is created."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.aws.backend import ACCOUNT, REGION
from local.aws.permissions.conditions import REQUEST, Context, service_context
from local.aws.permissions.evaluator import AccessDeniedError, Permissions
from local.aws.permissions.identities import API_GATEWAY, EVENTS, LAMBDA, STATES, Principal, session
from local.aws.permissions.requests import log_group_arn
from local.aws.permissions.sources import function_arn
from local.aws.stack import Resource, Stack
from local.lambdas.function import FunctionConfig

ASSUME = "sts:AssumeRole"
INVOKE = "lambda:InvokeFunction"
SEND = "sqs:SendMessage"
START = "states:StartExecution"
PUT_SEGMENTS = "xray:PutTraceSegments"

LOG_DELIVERY = (
    *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery"),
    *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
)
"""What the role of a state machine with logging needs:
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy"""


class ServiceCalls:
    """Checks the calls of AWS services. Raises AccessDeniedError unless a method says otherwise."""

    def __init__(self, functions: Sequence[FunctionConfig], permissions: Permissions) -> None:
        self._permissions = permissions
        self._roles = {each.name: each.role for each in functions}
        self._functions_by_group = {each.log_group_name: each.name for each in functions}
        self._streams: set[tuple[str, str]] = set()

    def function_session(self, name: str) -> Principal:
        return session(self._roles[name], name)

    def deliver(self, target: Mapping[str, Any], rule_arn: str) -> None:
        """EventBridge starts a state machine as the role of the target, and calls other targets itself."""
        arn, context = str(target["Arn"]), service_context(rule_arn, ACCOUNT)
        if ":stateMachine:" in arn:
            role = str(target.get("RoleArn", ""))
            self._permissions.check(EVENTS, ASSUME, role, context)
            self._permissions.check(session(role, rule_arn.rpartition("/")[2]), START, arn)
        elif ":function:" in arn:
            self._permissions.check(EVENTS, INVOKE, function_arn(arn), context)
        elif ":sqs:" in arn:
            self._permissions.check(EVENTS, SEND, arn, context)

    def dead_letter(self, queue_arn: str, rule_arn: str) -> None:
        self._permissions.check(EVENTS, SEND, queue_arn, service_context(rule_arn, ACCOUNT))

    def may_integrate(self, function: str, source_arn: str) -> bool:
        """Whether API Gateway may invoke a function for a method."""
        context = service_context(source_arn, ACCOUNT)
        return self._permissions.permits(API_GATEWAY, INVOKE, function_arn(function), context)

    def state_machine_refusal(self, role_arn: str, action: str, resource: str) -> str | None:
        """The cause of an error of a state machine that may not make this call."""
        try:
            named = function_arn(resource) if action == INVOKE else resource
            self._permissions.check(states_session(role_arn), action, named)
        except AccessDeniedError as error:
            return str(error)
        return None

    def may_log(self, group: str, stream: str) -> bool:
        """Whether the function of a log group may write to a stream. Lambda drops the lines of one that may not."""
        name = self._functions_by_group.get(group)
        if name is None:
            return True
        caller, arn = self.function_session(name), log_group_arn(group)
        if (group, stream) not in self._streams:
            if not self._permissions.permits(caller, "logs:CreateLogStream", f"{arn}:*"):
                return False
            self._streams.add((group, stream))
        return self._permissions.permits(caller, "logs:PutLogEvents", f"{arn}:log-stream:{stream}")

    def may_trace(self, function: str) -> bool:
        return self._permissions.permits(self.function_session(function), PUT_SEGMENTS, "*")


def states_session(role_arn: str) -> Principal:
    return session(role_arn, "StepFunctions")


def refused_resources(stack: Stack, permissions: Permissions) -> Iterator[str]:
    """A message for each resource that AWS refuses to create with the permissions of its role."""
    for resource_type, check in CREATION_CHECKS.items():
        for resource in stack.of_type(resource_type):
            try:
                check(stack, permissions, resource)
            except AccessDeniedError as error:
                yield f"{resource.logical_id}: {CREATION_ERRORS[resource_type]} {error}"


def _check_function(stack: Stack, permissions: Permissions, resource: Resource) -> None:
    permissions.check(LAMBDA, ASSUME, resource.properties["Role"], REQUEST)


def _check_state_machine(stack: Stack, permissions: Permissions, resource: Resource) -> None:
    role = resource.properties["RoleArn"]
    permissions.check(STATES, ASSUME, role, _machine_context(resource))
    if resource.properties.get("LoggingConfiguration", {}).get("Destinations"):
        for action in LOG_DELIVERY:
            permissions.check(states_session(role), action, "*")


def _machine_context(resource: Resource) -> Context:
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{resource.physical_id.rpartition(':')[2]}"
    return service_context(arn, ACCOUNT)


def _check_destinations(stack: Stack, permissions: Permissions, resource: Resource) -> None:
    name = str(resource.properties["FunctionName"])
    role = next(each.role for each in stack.functions() if each.name == name)
    destinations = resource.properties.get("DestinationConfig", {})
    for destination in destinations.values():
        permissions.check(session(role, name), SEND, destination["Destination"])


CREATION_CHECKS = {
    "AWS::Lambda::Function": _check_function,
    "AWS::Lambda::EventInvokeConfig": _check_destinations,
    "AWS::StepFunctions::StateMachine": _check_state_machine,
}
CREATION_ERRORS = {
    "AWS::Lambda::Function": "The role defined for the function cannot be assumed by Lambda.",
    "AWS::Lambda::EventInvokeConfig": "The execution role of the function has no permission to call the destination.",
    "AWS::StepFunctions::StateMachine": "The state machine IAM role cannot be assumed, or may not access the log"
    " destination.",
}
