"""boto3 clients and their errors."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from functions.adapters import clients
from functions.adapters.clients import MAX_CONNECTIONS, _session, client, credentials
from functions.adapters.errors import error_code, failure_message, is_transient
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
