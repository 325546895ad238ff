"""boto3 clients, created once for each Lambda environment: creating one costs more CPU than ten images."""

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, overload

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient


class LambdaClient(Protocol):
    """The operation of Lambda that a function needs."""

    def get_account_settings(self) -> Any: ...  # of the type stubs, Lambda's are not installed


validates_parameters = False
"""Whether botocore validates the parameters of each request of a new client. The tests set it."""

MAX_CONNECTIONS = 64
"""Maximum number of persistent connections of a client."""

Use = Literal["", "hosts"]
"""What a client is for, if it is not what the others of its service are for."""

_TIMES: dict[tuple[str, Use], tuple[int, int, int]] = {("sns", ""): (1, 3, 2), ("dynamodb", "hosts"): (1, 2, 2)}
"""Seconds to connect, seconds to read and the number of attempts of a service whose answer no image waits for, and of
the hosts table, without which the images are downloaded more slowly."""

_DEFAULT_TIMES = (3, 20, 6)


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def credentials() -> "Credentials":
    """The credentials that the clients sign with. They refresh themselves before they expire."""
    return cast("Credentials", _session().get_credentials())


@overload
def client(service: Literal["s3"]) -> "S3Client": ...
@overload
def client(service: Literal["dynamodb"], use: Use = "") -> "DynamoDBClient": ...
@overload
def client(service: Literal["sns"]) -> "SNSClient": ...
@overload
def client(service: Literal["stepfunctions"]) -> "SFNClient": ...
@overload
def client(service: Literal["lambda"]) -> LambdaClient: ...
@cache
def client(service: str, use: Use = "") -> Any:  # boto3 chooses the class by the service
    """A client with standard retries and a few more attempts: S3's SlowDown and DynamoDB's throttling last seconds.
    SNS and the hosts table get seconds in all: a batch must not wait for them.

    Parameters are validated by AWS only, except in tests: botocore's validation is half of the CPU time of a write of
    25 items.
    """
    connect_seconds, read_seconds, attempts = _TIMES.get((service, use), _DEFAULT_TIMES)
    config = Config(
        max_pool_connections=MAX_CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        tcp_keepalive=True,
        parameter_validation=validates_parameters,
        s3={"us_east_1_regional_endpoint": "regional"},  # not the global endpoint, botocore's default there
    )
    return _session().client(service, config=config)  # type: ignore[call-overload]
