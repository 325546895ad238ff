"""Which of AWS's errors pass by themselves, and which mean that our own side is broken."""

from botocore.exceptions import BotoCoreError, ClientError

AWS_ERRORS = (BotoCoreError, ClientError)

_PASSING = frozenset(
    {
        "SlowDown",
        "InternalError",
        "ServiceUnavailable",
        "RequestTimeout",
        "RequestTimeTooSkewed",
        "OperationAborted",
        "ConditionalRequestConflict",
        "PreconditionFailed",
        "BadDigest",
        "IncompleteBody",
        "503",
        "500",
    }
)


def code_of(error: Exception) -> str:
    """AWS's own word for it, or the class of a connection's failure."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def passes(error: Exception) -> bool:
    """Whether the same request may succeed later: overload and broken connections, not permissions or names."""
    return not isinstance(error, ClientError) or code_of(error) in _PASSING
