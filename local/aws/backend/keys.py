"""Access keys that IAM and STS have issued: of users, and of assumed roles, which the CDK's command line uses."""

from __future__ import annotations

from moto.iam.models import iam_backends

from local.aws.backend.application import ACCOUNT, PARTITION


def issued_secret(access_key: str) -> str | None:
    """The secret access key of an access key ID; None for one that was not issued or has been deleted."""
    key = iam_backends[ACCOUNT][PARTITION].access_keys.get(access_key)
    return None if key is None else key.secret_access_key
