"""Decisions about calls, in the order of IAM within one account: an explicit Deny, then an Allow, else a refusal.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from local.aws.backend import ACCOUNT
from local.aws.permissions.conditions import REQUEST, Context
from local.aws.permissions.documents import EVERYONE, Grant, Statement
from local.aws.permissions.identities import ADMINISTRATOR, ROOT, Principal

RESOURCE_POLICY_REQUIRED = ("kms:", "sts:")
"""Services whose resource-based policy must allow a call, directly or by naming the account."""

DELEGATES = frozenset({ROOT, ACCOUNT})
"""Principals that stand for the account: IAM policies then decide."""

SPELLINGS = {"sns": "SNS:{operation}", "sqs": "sqs:{lower}"}
"""How the error messages of a service write its actions, where it is not as in policies."""

EVERYTHING = Grant("Administrator", "*", "*", "", 0, 0)

Record = Callable[[Principal, str, Iterable[Grant]], None]
"""Receives each call with the grants that permit it; a refused call has none."""


class AccessDeniedError(Exception):
    """The message is in AWS's words. `code` is the ERROR_CODE of EventBridge for an event that cannot be delivered."""

    code = "NO_PERMISSIONS"

    def __init__(self, action: str, message: str) -> None:
        super().__init__(message)
        self.action = action


class Call(NamedTuple):
    """An action on a resource, which is an ARN or `*`."""

    action: str
    resource: str


class _Rules(NamedTuple):
    """The statements that can apply to one action of one principal."""

    denies: tuple[Statement, ...]
    identity: tuple[Statement, ...]
    resource: tuple[Statement, ...]
    delegation: tuple[Statement, ...]


class Permissions:
    """The statements of a stack. They are selected once for each principal and action: a check costs about 2 µs."""

    def __init__(self, statements: Iterable[Statement] = (), record: Record | None = None) -> None:
        self._statements = tuple(statements)
        self._record = record
        self._rules: dict[tuple[Principal, str], _Rules] = {}

    @property
    def grants(self) -> list[Grant]:
        return [statement.grant for statement in self._statements if statement.allows]

    def check(self, principal: Principal, action: str, resource: str, context: Context = REQUEST) -> None:
        """Raises AccessDeniedError."""
        granted, reason = self._decide(principal, action, resource, context)
        if self._record is not None:
            self._record(principal, action, granted)
        if not granted:
            raise _refusal(principal, action, resource, reason)

    def _decide(self, principal: Principal, action: str, resource: str, context: Context) -> tuple[list[Grant], str]:
        """The grants that permit the call; none for a refusal, with its reason."""
        key = principal, action
        rules = self._rules.get(key)
        if rules is None:
            rules = self._rules[key] = self._select(principal, action)
        for deny in rules.denies:
            if deny.applies(resource, context):
                basis = "an identity-based" if deny.role else "a resource-based"
                return [], f"with an explicit deny in {basis} policy"
        identity = _applicable(rules.identity, resource, context)
        if principal == ADMINISTRATOR:
            identity = [EVERYTHING]
        basis = "identity-based" if principal.role else "resource-based"
        granted = _granted(rules, action, identity, resource, context)
        return granted, "" if granted else f"because no {basis} policy allows the {action} action"

    def permits(self, principal: Principal, action: str, resource: str, context: Context = REQUEST) -> bool:
        try:
            self.check(principal, action, resource, context)
        except AccessDeniedError:
            return False
        return True

    def has_resource_policy(self, action: str, resource: str) -> bool:
        return any(
            each.principals and each.covers_action(action) and each.covers_resource(resource)
            for each in self._statements
        )

    def _select(self, principal: Principal, action: str) -> _Rules:
        covering = [statement for statement in self._statements if statement.covers_action(action)]
        identity = [each for each in covering if each.role and each.role == principal.role]
        names = {principal.name, principal.role, EVERYONE}
        resource = [each for each in covering if each.principals & names]
        delegation = [each for each in covering if each.principals & DELEGATES]
        return _Rules(
            tuple(each for each in (*identity, *resource, *delegation) if not each.allows),
            *(tuple(each for each in found if each.allows) for found in (identity, resource, delegation)),
        )


def _granted(rules: _Rules, action: str, identity: list[Grant], resource: str, context: Context) -> list[Grant]:
    direct = _applicable(rules.resource, resource, context)
    if not action.startswith(RESOURCE_POLICY_REQUIRED):
        return identity + direct
    delegated = _applicable(rules.delegation, resource, context)
    return direct + (identity + delegated if identity and delegated else [])


def _applicable(statements: tuple[Statement, ...], resource: str, context: Context) -> list[Grant]:
    return [statement.grant for statement in statements if statement.applies(resource, context)]


def _refusal(principal: Principal, action: str, resource: str, reason: str) -> AccessDeniedError:
    service, _, operation = action.partition(":")
    spelled = SPELLINGS.get(service, "{service}:{operation}").format(
        service=service, operation=operation, lower=operation.lower()
    )
    quoted = f'"{resource}"' if service == "s3" else resource
    message = f"User: {principal.name} is not authorized to perform: {spelled} on resource: {quoted}"
    return AccessDeniedError(action, message if service == "sts" else f"{message} {reason.replace(action, spelled)}")
