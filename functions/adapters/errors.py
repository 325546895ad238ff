"""Error codes of AWS, and which errors are transient."""

from botocore.exceptions import BotoCoreError, ClientError

AWS_ERRORS = (BotoCoreError, ClientError)

NOT_FOUND_CODES = frozenset({"404", "NoSuchKey", "NotFound", "403", "AccessDenied"})
"""S3 answers 403 for a missing object if the caller has no permission to list the bucket."""

_TRANSIENT_CODES = frozenset(
    {
        "SlowDown",
        "InternalError",
        "ServiceUnavailable",
        "RequestTimeout",
        "RequestTimeTooSkewed",
        "OperationAborted",
        "ConditionalRequestConflict",
        "BadDigest",
        "IncompleteBody",
        "503",
        "500",
    }
)


def error_code(error: Exception) -> str:
    """The error code in AWS's response, or the class of a connection error."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def is_transient(error: Exception) -> bool:
    """True if a retry may succeed: after throttling and connection errors, not after missing permissions or buckets."""
    return not isinstance(error, ClientError) or error_code(error) in _TRANSIENT_CODES


def failure_message(operation: str, error: Exception, target: str = "") -> str:
    """For example "S3 PutObject failed (AccessDenied) for runs/r1/report.html: Access Denied".

    `operation` has the service and the name of its operation, `target` may be an object.
    """
    reason = error.response.get("Error", {}).get("Message", "") if isinstance(error, ClientError) else str(error)
    return f"{operation} failed ({error_code(error)}){f' for {target}' if target else ''}: {reason}"
