"""Conditions of policy statements. A key or an operator that is not in these tables is refused at deployment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.aws.permissions.patterns import Matches, arn_pattern, pattern

SECURE_TRANSPORT = "aws:SecureTransport"
SOURCE_ARN = "aws:SourceArn"
SOURCE_ACCOUNT = "aws:SourceAccount"
S3_PREFIX = "s3:prefix"

KEYS: Mapping[str, str] = {
    SECURE_TRANSPORT: "true for every request: loopback counts as TLS",
    SOURCE_ARN: "the ARN of the rule, the API method or the state machine for which a service calls",
    SOURCE_ACCOUNT: "the account of that resource",
    S3_PREFIX: "the prefix of a request for a list of keys, if it has one",
}
"""Condition keys and their values here. A call without a value of the key does not satisfy a condition on it."""


def _bool(expected: str) -> Matches:
    lower = expected.lower()
    return lambda value: value.lower() == lower


def _equals(expected: str) -> Matches:
    return expected.__eq__


OPERATORS: Mapping[str, Callable[[str], Matches]] = {
    "Bool": _bool,
    "StringEquals": _equals,
    "StringLike": pattern,
    "ArnEquals": arn_pattern,
    "ArnLike": arn_pattern,
}

Context = Mapping[str, str]
"""The values of condition keys for one call."""

REQUEST: Context = {SECURE_TRANSPORT: "true"}
"""The context of a request to the endpoint."""


def listing_context(prefix: str | None) -> Context:
    """The context of a request to S3 for a list of keys."""
    return REQUEST if prefix is None else {**REQUEST, S3_PREFIX: prefix}


def service_context(source_arn: str, account: str) -> Context:
    """The context of a call that a service makes for a resource."""
    return {**REQUEST, SOURCE_ARN: source_arn, SOURCE_ACCOUNT: account}


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds if the value of the key matches one of the alternatives."""

    key: str
    alternatives: tuple[Matches, ...]

    def holds(self, context: Context) -> bool:
        value = context.get(self.key)
        return value is not None and any(matches(value) for matches in self.alternatives)
