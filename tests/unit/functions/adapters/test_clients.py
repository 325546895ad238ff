"""boto3 clients and their errors."""

from collections.abc import Iterator
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError
from urllib3 import HTTPResponse

from functions.adapters import clients
from functions.adapters.clients import MAX_CONNECTIONS, _session, client, credentials
from functions.adapters.errors import error_code, failure_message, is_transient
from functions.adapters.s3.signed_put import S3SignedPut
from functions.core.model.ports import NOTICE_SECONDS


def test_there_is_one_client_a_service_and_it_retries_and_pools() -> None:
    client.cache_clear()
    config = client("s3").meta.config

    assert client("s3") is client("s3")
    assert config.max_pool_connections == MAX_CONNECTIONS
    assert config.retries == {"mode": "standard", "total_max_attempts": 6}
    client.cache_clear()


@pytest.fixture
def fresh() -> Iterator[None]:
    caches = (client, _session)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "images.s3.us-east-1.amazonaws.com"),
        ("eu-central-1", "images.s3.eu-central-1.amazonaws.com"),
        ("ap-east-1", "images.s3.ap-east-1.amazonaws.com"),
        ("cn-north-1", "images.s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "images.s3.us-gov-west-1.amazonaws.com"),
    ],
)
def test_objects_are_put_and_read_at_the_endpoint_of_the_region(
    fresh: None, region: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signed PUT takes its endpoint from boto3's first PUT."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    s3 = client("s3")
    hosts: list[str] = []

    def respond(request: Any, **_: Any) -> AWSResponse:
        hosts.append(urlsplit(request.url).netloc)
        return AWSResponse(request.url, 200, {"ETag": '"0"'}, HTTPResponse(BytesIO(), preload_content=False))

    signed_put = S3SignedPut(s3, "images", credentials(), 1)
    s3.meta.events.register("before-send.s3", respond)
    s3.put_object(Bucket="images", Key="a", Body=b"a")
    s3.head_object(Bucket="images", Key="a")

    assert hosts == [host, host]
    assert signed_put._endpoint is not None
    assert signed_put._endpoint.host == host


@pytest.mark.parametrize(
    ("service", "operation", "invalid"),
    [
        ("s3", "put_object", {"Bucket": "images", "Key": "a", "ContentLength": "3"}),
        ("dynamodb", "batch_write_item", {"RequestItems": {"images": []}}),
        ("sns", "publish", {}),
    ],
    ids=["s3", "dynamodb", "sns"],
)
def test_only_aws_validates_parameters_except_in_tests(
    fresh: None, service: str, operation: str, invalid: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that validates them raises ParamValidationError before the request."""
    with pytest.raises(ParamValidationError):
        getattr(client(service), operation)(**invalid)
    client.cache_clear()
    monkeypatch.setattr(clients, "validates_parameters", False)
    requests: list[Any] = []

    def respond(params: Any, **_: Any) -> Any:
        requests.append(params)
        return SimpleNamespace(status_code=200), {}

    aws = client(service)
    aws.meta.events.register("before-call", respond)
    getattr(aws, operation)(**invalid)

    assert len(requests) == 1


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_every_client_retries_and_waits_no_longer_than_a_batch_can(fresh: None, service: str) -> None:
    config = client(service).meta.config

    assert config.retries == {"mode": "standard", "total_max_attempts": 6}
    assert (config.connect_timeout, config.read_timeout) == (3, 20)


def test_a_message_that_sns_does_not_take_costs_seconds(fresh: None) -> None:
    """The longest pause of the standard mode before a second attempt is a second."""
    config = client("sns").meta.config
    attempts = config.retries["total_max_attempts"]

    assert attempts * (config.connect_timeout + config.read_timeout) <= NOTICE_SECONDS
    assert attempts > 1


def test_clients_sign_with_the_same_credentials(fresh: None) -> None:
    frozen = credentials().get_frozen_credentials()

    assert (frozen.access_key, frozen.secret_key) == ("testing", "testing")
    assert client("s3")._request_signer._credentials.get_frozen_credentials() == frozen


@pytest.mark.parametrize(
    ("error", "code", "transient"),
    [
        (ClientError({"Error": {"Code": "SlowDown"}}, "x"), "SlowDown", True),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "x"), "AccessDenied", False),
        (ClientError({}, "x"), "Unknown", False),
        (ReadTimeoutError(endpoint_url="x"), "ReadTimeoutError", True),
    ],
)
def test_an_error_has_a_code_and_may_be_transient(error: Exception, code: str, transient: bool) -> None:
    assert (error_code(error), is_transient(error)) == (code, transient)


def test_a_failure_message_names_the_operation_the_code_the_target_and_the_reason() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "PutObject")

    assert failure_message("S3 PutObject", denied) == "S3 PutObject failed (AccessDenied): Access Denied"
    assert failure_message("S3 PutObject", denied, "runs/a") == (
        "S3 PutObject failed (AccessDenied) for runs/a: Access Denied"
    )
    assert failure_message("S3 PutObject", ReadTimeoutError(endpoint_url="x")) == (
        'S3 PutObject failed (ReadTimeoutError): Read timeout on endpoint URL: "x"'
    )
