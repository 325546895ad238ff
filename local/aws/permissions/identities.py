"""Principals: sessions of the stack's roles with their access keys, AWS services, and the account's administrator."""

from __future__ import annotations

from typing import NamedTuple

from local.aws.backend import ACCOUNT
from local.aws.clients import Credentials

ROOT = f"arn:aws:iam::{ACCOUNT}:root"


class Principal(NamedTuple):
    """`name` is the ARN of the caller, or the name of a service; `role` the ARN of its role, empty without one."""

    name: str
    role: str = ""


ADMINISTRATOR = Principal(f"arn:aws:iam::{ACCOUNT}:user/local")
"""The user of OUT/local.env, who has every permission that no policy denies."""

EVENTS = Principal("events.amazonaws.com")
API_GATEWAY = Principal("apigateway.amazonaws.com")
LAMBDA = Principal("lambda.amazonaws.com")
STATES = Principal("states.amazonaws.com")


def session(role_arn: str, name: str) -> Principal:
    """A session of a role, such as that of a function, which has the name of the function."""
    role = role_arn.rpartition("/")[2]
    return Principal(f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}", role_arn)


class Identities:
    """Issues the access keys of role sessions, and finds the principal and the secret of a key."""

    def __init__(self) -> None:
        self._issued: dict[str, tuple[Principal, Credentials]] = {}
        self._by_principal: dict[Principal, Credentials] = {}

    def credentials(self, principal: Principal) -> Credentials:
        """The credentials of a session, the same at each call."""
        found = self._by_principal.setdefault(principal, Credentials.random())
        self._issued[found.access_key] = principal, found
        return found

    def secret_of(self, access_key: str) -> str | None:
        found = self._issued.get(access_key)
        return None if found is None else found[1].secret_key

    def principal_of(self, access_key: str) -> Principal:
        """The administrator for a key that was not issued here: the user of the cloud, and keys of its IAM and STS."""
        found = self._issued.get(access_key)
        return ADMINISTRATOR if found is None else found[0]
