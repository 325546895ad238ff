"""The AWS settings of a command: the user's own, or those of a running `up`, which replace them.

`variables` are those that a running `up` has written to its `local.env`; None stands for the user's own settings.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from local.errors import UsageError

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


@contextmanager
def aws_requests(variables: Mapping[str, str] | None) -> Iterator[None]:
    """Make requests with these settings. Raises UsageError for one that fails."""
    with nullcontext() if variables is None else without_aws_settings():
        try:
            yield
        except EndpointConnectionError as error:
            raise UsageError(_connection_error(error, variables)) from error
        except (NoCredentialsError, NoRegionError, ProfileNotFound) as error:
            hint = "Set AWS_PROFILE, or AWS_REGION and credentials; or start `./image-mirror up`."
            raise UsageError(f"AWS request failed: {_sentence(error)} {hint}") from error
        except (BotoCoreError, ClientError) as error:
            raise UsageError(f"AWS request failed: {_sentence(error)}") from error


def missing_variable(error: KeyError) -> UsageError:
    """The error for a `local.env` without the variable that is the key of `error`."""
    return UsageError(f"local.env does not set {error.args[0]}. Delete it and restart `./image-mirror up`.")


def missing_stack(name: str, region: str | None) -> UsageError:
    return UsageError(
        f"There is no stack {name} in {region}. Deploy it with `./image-mirror deploy`, start `./image-mirror up`, name"
        " another stack with --stack-name, or set AWS_PROFILE or AWS_REGION."
    )


def missing_output(name: str, output: str, status: str = "") -> UsageError:
    """The error for a stack that does not have an output of this version. `status` is that of the stack, if known."""
    stack = f"{name} ({status})" if status else name
    return UsageError(
        f"The stack {stack} has no output {output}: its deployment is not complete, or another version or another"
        " program has deployed it. Update it with `./image-mirror deploy`, or name another stack with --stack-name."
    )


def _connection_error(error: EndpointConnectionError, variables: Mapping[str, str] | None) -> str:
    if variables is None:
        return f"Cannot connect to AWS: {_sentence(error)}"
    return (
        f"Cannot connect to {variables['AWS_ENDPOINT_URL']}: is `./image-mirror up` still running? If it has stopped,"
        " delete local.env in its output folder."
    )


def _sentence(error: Exception) -> str:
    return f"{str(error).removesuffix('.')}."
