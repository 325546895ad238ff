"""Policies for the tests of the evaluation."""

from typing import Any

from local.aws.permissions.documents import Source, Statement, statements
from local.aws.permissions.evaluator import Permissions
from local.aws.permissions.identities import session

ROLE = "arn:aws:iam::123456789012:role/worker"
WORKER = session(ROLE, "f")
OTHER = session("arn:aws:iam::123456789012:role/other", "g")
RULE = "arn:aws:events:us-east-1:123456789012:rule/uploaded"


def statement(action: Any, resource: Any, effect: str = "Allow", **fields: Any) -> dict[str, Any]:
    """`principal` and `condition` are optional."""
    others = {name.title(): value for name, value in fields.items()}
    return {"Effect": effect, "Action": action, "Resource": resource, **others}


def of_role(*found: dict[str, Any], role: str = ROLE) -> list[Statement]:
    document = {"Version": "2012-10-17", "Statement": list(found)}
    return list(statements(Source("Identity", document, "Worker", role)))


def of_resource(*found: dict[str, Any], resource: str = "") -> list[Statement]:
    document = {"Version": "2012-10-17", "Statement": list(found)}
    return list(statements(Source("Resource", document, resource=resource)))


def permissions(*groups: list[Statement]) -> Permissions:
    return Permissions([each for group in groups for each in group])
