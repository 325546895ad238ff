"""boto3 clients and their errors."""

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from functions.adapters.clients import POOL, client
from functions.adapters.faults import code_of, passes


def test_there_is_one_client_a_service_and_it_retries_and_pools() -> None:
    client.cache_clear()
    config = client("s3").meta.config

    assert client("s3") is client("s3")
    assert config.max_pool_connections == POOL
    assert config.retries == {"mode": "standard", "total_max_attempts": 6}
    client.cache_clear()


@pytest.mark.parametrize(
    ("error", "code", "passing"),
    [
        (ClientError({"Error": {"Code": "SlowDown"}}, "x"), "SlowDown", True),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "x"), "AccessDenied", False),
        (ClientError({}, "x"), "Unknown", False),
        (ReadTimeoutError(endpoint_url="x"), "ReadTimeoutError", True),
    ],
)
def test_an_error_has_a_code_and_may_pass(error: Exception, code: str, passing: bool) -> None:
    assert (code_of(error), passes(error)) == (code, passing)
