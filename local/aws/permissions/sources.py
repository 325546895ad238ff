"""The policies of a stack: identity-based policies of its roles, and resource-based policies of its resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local.aws.backend import ACCOUNT, REGION
from local.aws.permissions.documents import Source, Statement, UnsupportedPolicyError, statements
from local.aws.stack import Resource, Stack

MANAGED_POLICIES: Mapping[str, str] = {
    "AmazonAPIGatewayPushToCloudWatchLogs": "the local API Gateway writes no logs, so no call has this role",
}
"""Policies of AWS that are accepted without being evaluated, with the reason."""

UNSUPPORTED_TYPES = (
    *("AWS::IAM::ManagedPolicy", "AWS::IAM::User", "AWS::IAM::UserPolicy", "AWS::IAM::Group", "AWS::IAM::GroupPolicy"),
    *(
        "AWS::IAM::RolePolicy",
        "AWS::Events::EventBusPolicy",
        "AWS::Logs::ResourcePolicy",
        "AWS::SQS::QueueInlinePolicy",
    ),
    *("AWS::SNS::TopicInlinePolicy", "AWS::XRay::ResourcePolicy", "AWS::Lambda::LayerVersionPermission"),
)
"""Resource types with a policy that is not evaluated: a stack with one of them is refused."""

UNSUPPORTED_PROPERTIES = {
    "AWS::ApiGateway::RestApi": ("Policy",),
    "AWS::DynamoDB::Table": ("ResourcePolicy",),
    "AWS::IAM::Policy": ("Users", "Groups"),
    "AWS::IAM::Role": ("PermissionsBoundary",),
}
"""Properties with a policy that is not evaluated: a resource with one of them is refused."""

PERMISSION_FIELDS = ("Action", "FunctionName", "Principal", "SourceArn", "SourceAccount")
"""Properties of an AWS::Lambda::Permission that are evaluated."""

NAMED_TYPES = (
    *("AWS::ApiGateway::RestApi", "AWS::DynamoDB::Table", "AWS::IAM::Role", "AWS::KMS::Key", "AWS::Lambda::Function"),
    *("AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue"),
    "AWS::StepFunctions::StateMachine",
)
"""Resource types whose physical names are replaced by their logical IDs in the name of a grant."""


def stack_statements(stack: Stack) -> list[Statement]:
    """All statements of the stack's policies. Raises UnsupportedPolicyError."""
    _check(stack)
    found = [
        statement
        for resource_type, sources in SOURCES.items()
        for resource in stack.of_type(resource_type)
        for source in sources(stack, resource)
        for statement in statements(source)
    ]
    return [_named(stack, statement) for statement in found]


def role_arn(stack: Stack, name: str) -> str:
    """The ARN of a role of the stack by its name."""
    path = next(
        (role.properties.get("Path", "/") for role in stack.of_type("AWS::IAM::Role") if role.physical_id == name), "/"
    )
    return f"arn:aws:iam::{ACCOUNT}:role{path}{name}"


def _check(stack: Stack) -> None:
    for resource in stack.resources.values():
        if resource.type in UNSUPPORTED_TYPES:
            raise UnsupportedPolicyError(f"{resource.logical_id}: the resource type {resource.type}.")
        for name in UNSUPPORTED_PROPERTIES.get(resource.type, ()):
            if resource.properties.get(name):
                raise UnsupportedPolicyError(f"{resource.logical_id}: the property {name} of an {resource.type}.")


def _policy(stack: Stack, policy: Resource) -> Iterator[Source]:
    for name in policy.properties.get("Roles", []):
        yield _role_source(stack, policy.logical_id, policy.properties["PolicyDocument"], name)


def _role(stack: Stack, role: Resource) -> Iterator[Source]:
    for arn in role.properties.get("ManagedPolicyArns", []):
        if arn.rpartition("/")[2] not in MANAGED_POLICIES:
            raise UnsupportedPolicyError(f"{role.logical_id}: the managed policy {arn}.")
    for policy in role.properties.get("Policies", []):
        yield _role_source(stack, role.logical_id, policy["PolicyDocument"], role.physical_id)
    arn = role_arn(stack, role.physical_id)
    trust = role.properties.get("AssumeRolePolicyDocument", {})
    yield Source(role.logical_id, trust, resource=arn)


def _role_source(stack: Stack, policy: str, document: Mapping[str, Any], role: str) -> Source:
    return Source(policy, document, _logical_id(stack, "AWS::IAM::Role", role), role_arn(stack, role))


def _resource_policy(stack: Stack, policy: Resource) -> Iterator[Source]:
    if "PolicyDocument" in policy.properties:
        yield Source(policy.logical_id, policy.properties["PolicyDocument"])


def _key(stack: Stack, key: Resource) -> Iterator[Source]:
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key.physical_id}"
    yield Source(key.logical_id, key.properties["KeyPolicy"], resource=arn)


def _permission(stack: Stack, permission: Resource) -> Iterator[Source]:
    """A Lambda permission as the statement that Lambda adds to the policy of the function."""
    properties = permission.properties
    unknown = [name for name in properties if name not in PERMISSION_FIELDS]
    if unknown:
        raise UnsupportedPolicyError(f"{permission.logical_id}: the property {unknown[0]} of a Lambda permission.")
    conditions = {
        **({"ArnLike": {"aws:SourceArn": properties["SourceArn"]}} if "SourceArn" in properties else {}),
        **(
            {"StringEquals": {"aws:SourceAccount": properties["SourceAccount"]}}
            if "SourceAccount" in properties
            else {}
        ),
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": properties["Principal"]},
        "Action": properties["Action"],
        "Resource": function_arn(properties["FunctionName"]),
        "Condition": conditions,
    }
    yield Source(permission.logical_id, {"Statement": [statement]})


SOURCES: Mapping[str, Callable[[Stack, Resource], Iterator[Source]]] = {
    "AWS::IAM::Policy": _policy,
    "AWS::IAM::Role": _role,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::Permission": _permission,
    "AWS::S3::BucketPolicy": _resource_policy,
    "AWS::SNS::TopicPolicy": _resource_policy,
    "AWS::SQS::QueuePolicy": _resource_policy,
}
"""The resource types with policies that are evaluated."""


def function_arn(name_or_arn: str) -> str:
    """The ARN of a function, with the version if the name or the ARN has one: without it, a policy names $LATEST."""
    _, separator, rest = name_or_arn.partition("function:")
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{rest if separator else name_or_arn}"


def _named(stack: Stack, statement: Statement) -> Statement:
    """The statement with a grant that is named alike in every deployment: physical names can be random."""
    resource = statement.grant.resource
    for each in sorted(stack.resources.values(), key=lambda each: -len(each.physical_id)):
        if each.type in NAMED_TYPES:
            resource = resource.replace(each.physical_id, each.logical_id)
    object.__setattr__(statement, "grant", statement.grant._replace(resource=resource))
    return statement


def _logical_id(stack: Stack, resource_type: str, physical_id: str) -> str:
    return next((each.logical_id for each in stack.of_type(resource_type) if each.physical_id == physical_id), "")
