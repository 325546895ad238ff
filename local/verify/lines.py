"""A line of the result: one check, what it proves, and whether it passed.

CheckFailedError     the stack does not do what it must; the message says what was found
NotCheckedError      the check could not be made; the message says why
StoppedError         the command was interrupted
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException


class CheckFailedError(Exception):
    pass


class NotCheckedError(Exception):
    pass


class StoppedError(Exception):
    pass


class Result(StrEnum):
    PASSED = "passed"
    FAILED = "FAILED"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Line:
    name: str
    proves: str
    result: Result
    details: str


Check = Callable[[], str]
"""Returns what was found. Raises CheckFailedError, NotCheckedError, StoppedError, and errors of boto3 and requests."""

DENIED = (
    *("AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"),
    *("KMSAccessDenied", "NotAuthorized", "UnauthorizedOperation"),
)
"""Error codes of a call that the caller may not make."""


def run_check(name: str, proves: str, check: Check) -> Line:
    """Raises StoppedError."""
    try:
        return Line(name, proves, Result.PASSED, check())
    except CheckFailedError as error:
        return Line(name, proves, Result.FAILED, str(error))
    except NotCheckedError as error:
        return Line(name, proves, Result.NOT_CHECKED, str(error))
    except ClientError as error:
        return Line(name, proves, Result.NOT_CHECKED if is_denied(error) else Result.FAILED, sentence(error))
    except (BotoCoreError, RequestException) as error:
        return Line(name, proves, Result.FAILED, sentence(error))
    except (KeyError, TypeError, ValueError) as error:
        return Line(name, proves, Result.FAILED, f"An answer has another form than expected: {error!r}.")


def is_denied(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in DENIED


def sentence(error: Exception) -> str:
    """The error of a request, as a sentence of one line."""
    text = " ".join(str(error).split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
