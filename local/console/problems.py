"""Why a request of the user could not be answered: what has happened, where, and what to do.

A message never quotes a request: what AWS answers to a wrong signature, and what HTTP clients say about a connection,
have session tokens, signed URLs and passwords of proxies in them.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException
from werkzeug.exceptions import HTTPException

from cdk.account.aws import as_sentence

RESTART = "then start the console again"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class StackError(Exception):
    """A request to the stack that has failed. The message is for the user, `label` for the place of an image.

    `again` says when the request may succeed, such as `in a minute`; it is empty if the user must do something first.
    """

    def __init__(self, status: int, message: str, label: str = "not available", again: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.label = label
        self.again = again


@dataclass(frozen=True, slots=True)
class Explanation:
    """`{where}` of the message is what was requested, `{text}` what AWS says."""

    codes: tuple[str, ...]
    message: str
    label: str = "not available"
    again: str = ""


EXPLANATIONS = (
    Explanation(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
        f"Your credentials have expired. Renew them, for example with `aws sso login`, {RESTART}.",
    ),
    Explanation(
        (
            *("InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken", "UnrecognizedClientException"),
            *("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignatureException"),
            *("AuthFailure", "RequestTimeTooSkewed"),
        ),
        f"{{where}} does not accept your credentials. Check AWS_PROFILE or the keys, and the clock, {RESTART}.",
    ),
    Explanation(
        ("AccessDenied", "AccessDeniedException"),
        "Your credentials do not permit this for {where}: {text} docs/console.md lists the permissions of the console.",
        "no permission",
    ),
    Explanation(
        ("MissingAuthenticationTokenException",),
        "{where} does not have this method: the stack is of another version. Run `./image-mirror deploy`.",
    ),
    Explanation(
        ("NoSuchKey",),
        "{where} does not exist: it was deleted, or a lifecycle rule has removed it. To store an image again, mirror "
        "its URL with on_existing=overwrite.",
        "deleted",
    ),
    Explanation(
        ("NoSuchBucket",), "The bucket of {where} does not exist: the stack was deleted. Run `./image-mirror deploy`."
    ),
    Explanation(
        ("InvalidObjectState",),
        "{where} is archived. Restore it with `aws s3api restore-object`, which takes up to 48 hours.",
        "archived",
        "then",
    ),
    Explanation(
        (
            *("SlowDown", "ThrottlingException", "Throttling", "TooManyRequestsException", "LimitExceededException"),
            str(HTTPStatus.TOO_MANY_REQUESTS.value),
        ),
        "{where} has too many requests at the moment.",
        again="in a few seconds",
    ),
)
BY_CODE: Mapping[str, Explanation] = {code: each for each in EXPLANATIONS for code in each.codes}


def request_key(given: str, status: int) -> str:
    """The Idempotency-Key of a form: the same one after an answer that leaves open whether the run has started."""
    return given if given and status >= HTTPStatus.INTERNAL_SERVER_ERROR else uuid.uuid4().hex


def explained(where: str, status: int, code: str, text: str) -> StackError:
    """`where` begins the sentences, such as `The API`; `text` is the message of AWS."""
    text = as_sentence(text.strip().partition("\n")[0])
    found = BY_CODE.get(code) or BY_CODE.get(str(status))
    if found:
        return StackError(status, found.message.format(where=where, text=text), found.label, found.again)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return StackError(
            status,
            f"{where} answers {status}: {text} If it does so again, see the logs of the stack.",
            again="in a minute",
        )
    return StackError(status, f"{where} answers {status}: {text}")


def refused(where: str, error: ClientError) -> StackError:
    details = error.response.get("Error", {})
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.BAD_GATEWAY))
    return explained(where, status, details.get("Code", ""), details.get("Message", ""))


def problem_of(error: Exception) -> StackError | None:
    """None for an exception that only an error of this program raises."""
    if isinstance(error, StackError):
        return error
    if isinstance(error, HTTPException):
        return StackError(error.code or HTTPStatus.INTERNAL_SERVER_ERROR, error.description or error.name)
    if isinstance(error, ClientError):
        return refused("AWS", error)
    if isinstance(error, RequestException):
        return _unreachable(str(error.request.url) if error.request else "")
    if isinstance(error, BotoCoreError):
        url = str(error.kwargs.get("endpoint_url", ""))
        return _unreachable(url) if url else _no_credentials(error)
    return None


def _unreachable(url: str) -> StackError:
    host = urlsplit(url).hostname or "the stack"
    advice = "Is `up` still running?" if host in LOOPBACK else "Check the network, the VPN and the proxy."
    return StackError(HTTPStatus.BAD_GATEWAY, f"Cannot connect to {host}. {advice}", again="then")


def _no_credentials(error: BotoCoreError) -> StackError:
    return StackError(
        HTTPStatus.BAD_GATEWAY,
        f"Your credentials cannot be used ({type(error).__name__}). Renew them, for example with `aws sso login`, "
        f"{RESTART}.",
    )
