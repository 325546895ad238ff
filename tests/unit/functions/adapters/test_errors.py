"""Errors of AWS: their codes, and whether a retry may succeed."""

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from functions.adapters.errors import error_code, failure_message, is_transient


def client_error(code: str, message: str = "Why.") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutObject")


@pytest.mark.parametrize(
    ("code", "transient"),
    [
        # docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
        ("BadDigest", True),
        ("ConditionalRequestConflict", True),
        ("IncompleteBody", True),
        ("InternalError", True),
        ("OperationAborted", True),
        ("PreconditionFailed", False),
        ("RequestTimeout", True),
        ("RequestTimeTooSkewed", True),
        ("ServiceUnavailable", True),
        ("SlowDown", True),
        ("500", True),  # the status, for a response without a body
        ("503", True),
        ("403", False),
        ("404", False),
        ("AccessDenied", False),
        ("NoSuchBucket", False),
        ("InvalidArgument", False),
    ],
)
def test_an_error_of_s3_is_transient_by_its_code(code: str, transient: bool) -> None:
    assert error_code(client_error(code)) == code
    assert is_transient(client_error(code)) is transient


def test_an_error_of_the_connection_is_transient_and_named_by_its_class() -> None:
    error = ConnectTimeoutError(endpoint_url="https://s3")

    assert is_transient(error)
    assert error_code(error) == "ConnectTimeoutError"


def test_an_error_without_a_code_is_unknown() -> None:
    error = ClientError({}, "PutObject")

    assert error_code(error) == "Unknown"
    assert failure_message("S3 PutObject", error) == "S3 PutObject failed (Unknown): "


@pytest.mark.parametrize(
    ("error", "target", "message"),
    [
        (client_error("SlowDown"), "", "S3 PutObject failed (SlowDown): Why."),
        (client_error("SlowDown"), "a.jpg", "S3 PutObject failed (SlowDown) for a.jpg: Why."),
        (OSError("Broken."), "a.jpg", "S3 PutObject failed (OSError) for a.jpg: Broken."),
    ],
)
def test_a_failure_names_the_operation_the_code_and_the_object(error: Exception, target: str, message: str) -> None:
    assert failure_message("S3 PutObject", error, target) == message
