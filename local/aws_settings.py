"""The user's own AWS settings, which the local AWS must ignore."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
FILES = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")


@contextmanager
def without_aws_settings() -> Iterator[None]:
    """Hide the AWS profile and the AWS configuration files of the user from boto3 and moto; restore them at the end.

    moto creates boto3 sessions when its modules are imported and while it serves requests. A session fails where
    AWS_PROFILE names a profile that does not exist or where a configuration file is malformed.
    """
    before = {name: os.environ.get(name) for name in PROFILES + FILES}
    for name in PROFILES:
        os.environ.pop(name, None)
    for name in FILES:
        os.environ[name] = os.devnull
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
