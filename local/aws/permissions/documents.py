"""Policy documents to statements. What is not supported is refused by name, never ignored.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from local.aws.permissions.conditions import KEYS, OPERATORS, Condition, Context
from local.aws.permissions.patterns import Matches, action_pattern, pattern

VERSION = "2012-10-17"
DOCUMENT_FIELDS = ("Version", "Statement", "Id")
STATEMENT_FIELDS = ("Sid", "Effect", "Principal", "Action", "Resource", "Condition")
PRINCIPAL_KINDS = ("AWS", "Service")
EVERYONE = "*"

Document = Mapping[str, Any]
"""A policy document as JSON. Any: its shape is checked here."""


class UnsupportedPolicyError(Exception):
    """The message names the policy and the field that the local AWS cannot evaluate."""


class Grant(NamedTuple):
    """One action on one resource, and its place in the template. `holder` is a logical ID of a role, or a principal."""

    holder: str
    action: str
    resource: str
    policy: str
    statement: int
    position: int
    """Index of the resource in the statement."""

    @property
    def key(self) -> str:
        return f"{self.holder} {self.action} {self.resource}"


class Source(NamedTuple):
    """A policy of the stack. `role` is the ARN of the role of an identity-based policy, empty for a resource-based one.
    `resource` is the ARN that `*` means in a key policy, and the resource of statements without one."""

    policy: str
    document: Document
    holder: str = ""
    role: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One action and one resource of a statement. `principals` is empty in an identity-based policy."""

    allows: bool
    role: str
    principals: frozenset[str]
    covers_action: Matches
    covers_resource: Matches
    conditions: tuple[Condition, ...]
    grant: Grant

    def applies(self, resource: str, context: Context) -> bool:
        return self.covers_resource(resource) and all(condition.holds(context) for condition in self.conditions)


def statements(source: Source) -> Iterator[Statement]:
    """Raises UnsupportedPolicyError."""
    _check_fields(source.policy, source.document, DOCUMENT_FIELDS)
    if source.document.get("Version", VERSION) != VERSION:
        raise UnsupportedPolicyError(f"{source.policy}: the policy version {source.document['Version']}.")
    for index, fields in enumerate(_listed(source.document.get("Statement", []))):
        yield from _expanded(source, index, fields)


def _expanded(source: Source, index: int, fields: Mapping[str, Any]) -> Iterator[Statement]:
    """A statement for each action and resource."""
    _check_fields(source.policy, fields, STATEMENT_FIELDS)
    principals = _principals(source.policy, fields["Principal"]) if "Principal" in fields else frozenset()
    if bool(principals) == bool(source.role):
        raise UnsupportedPolicyError(f"{source.policy}: the field Principal belongs to resource-based policies only.")
    conditions = tuple(_conditions(source.policy, fields.get("Condition", {})))
    holder = source.holder or ", ".join(sorted(principals))
    for action in _listed(fields["Action"]):
        for position, resource in enumerate(_listed(fields.get("Resource", source.resource))):
            named = source.resource if source.resource and resource == EVERYONE else resource
            yield Statement(
                fields["Effect"] == "Allow",
                source.role,
                principals,
                action_pattern(_text(source.policy, action)),
                pattern(_text(source.policy, named)),
                conditions,
                Grant(holder, action, named, source.policy, index, position),
            )


def _principals(policy: str, value: Any) -> frozenset[str]:
    if value == EVERYONE:
        return frozenset({EVERYONE})
    _check_fields(policy, value, PRINCIPAL_KINDS, "principal")
    return frozenset(_text(policy, name) for names in value.values() for name in _listed(names))


def _conditions(policy: str, value: Mapping[str, Mapping[str, Any]]) -> Iterator[Condition]:
    _check_fields(policy, value, OPERATORS, "condition operator")
    for operator, keys in value.items():
        _check_fields(policy, keys, KEYS, "condition key")
        for key, expected in keys.items():
            texts = [_text(policy, str(each)) for each in _listed(expected)]
            yield Condition(key, tuple(OPERATORS[operator](text) for text in texts))


def _check_fields(policy: str, value: Any, known: Any, kind: str = "policy field") -> None:
    for name in value:
        if name not in known:
            raise UnsupportedPolicyError(f"{policy}: the {kind} {name}.")


def _text(policy: str, text: str) -> str:
    if "${" in text:
        raise UnsupportedPolicyError(f"{policy}: the policy variable in {text}.")
    return text


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
