"""Access keys that IAM and STS have issued: of users, and of roles that were assumed, as the CDK's command line does."""

from moto.iam.models import iam_backends

from local.aws.backend.application import ACCOUNT, PARTITION


def issued_secret(access_key: str) -> str | None:
    """The secret access key of an access key ID; None for one that was not issued or has been deleted."""
    key = iam_backends[ACCOUNT][PARTITION].access_keys.get(access_key)
    return None if key is None else key.secret_access_key
