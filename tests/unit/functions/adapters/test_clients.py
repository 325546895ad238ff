"""boto3 clients and their errors."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from functions.adapters.clients import MAX_CONNECTIONS, _session, client, credentials
from functions.adapters.errors import error_code, is_transient


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
    for made in caches:
        made.cache_clear()
    yield
    for made in caches:
        made.cache_clear()


@pytest.mark.parametrize(
    ("service", "operation", "wrong"),
    [
        ("s3", "put_object", {"Bucket": "images", "Key": "a", "ContentLength": "3"}),
        ("dynamodb", "batch_write_item", {"RequestItems": {"images": []}}),
        ("sns", "publish", {}),
    ],
    ids=["s3", "dynamodb", "sns"],
)
def test_shapes_are_left_to_aws_to_check(fresh: None, service: str, operation: str, wrong: dict[str, Any]) -> None:
    """A client that checked them would raise ParamValidationError before it has called anything."""
    called: list[Any] = []

    def answered(params: Any, **_: Any) -> Any:
        called.append(params)
        return SimpleNamespace(status_code=200), {}

    made = client(service)
    made.meta.events.register("before-call", answered)
    getattr(made, operation)(**wrong)

    assert len(called) == 1


@pytest.mark.parametrize("service", ["s3", "dynamodb", "sns"])
def test_every_client_retries_and_waits_no_longer_than_a_batch_can(fresh: None, service: str) -> None:
    config = client(service).meta.config

    assert config.retries == {"mode": "standard", "total_max_attempts": 6}
    assert (config.connect_timeout, config.read_timeout) == (3, 20)


def test_clients_sign_with_the_credentials_that_are_handed_out(fresh: None) -> None:
    made = client("s3")
    given = credentials().get_frozen_credentials()

    assert (given.access_key, given.secret_key) == ("testing", "testing")
    assert made._request_signer._credentials.get_frozen_credentials() == given


@pytest.mark.parametrize(
    ("error", "code", "transient"),
    [
        (ClientError({"Error": {"Code": "SlowDown"}}, "x"), "SlowDown", True),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "x"), "AccessDenied", False),
        (ClientError({}, "x"), "Unknown", False),
        (ReadTimeoutError(endpoint_url="x"), "ReadTimeoutError", True),
    ],
)
def test_an_error_has_a_code_and_may_pass(error: Exception, code: str, transient: bool) -> None:
    assert (error_code(error), is_transient(error)) == (code, transient)
