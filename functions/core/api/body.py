"""Decoding of a request body: strict JSON, within the size limit of Lambda."""

import base64
import binascii
import json
from http import HTTPStatus

from functions.core.api.problems import Problem
from functions.core.model.types import JsonValue

MAX_BYTES = 5 * 1024 * 1024
"""Maximum body in bytes. Lambda accepts an event of 6 MB, in which the body is escaped; API Gateway accepts 10 MB."""

MAX_DIGITS = 400
"""Maximum digits of a number in the body. Python raises another kind of error from 4,300 digits."""

TOO_LARGE = (
    "The request body exceeds 5 MiB. For a larger manifest, request an upload URL with POST /manifests (up to 5 GB); "
    "the upload starts the run."
)


def decode_body(body: str | None, *, encoded: bool, content_type: str) -> str | None:
    """The body as text. Raises Problem(413 | 415 | 400)."""
    if not body:
        return None
    if content_type.partition(";")[0].strip().lower() not in ("", "application/json"):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The Content-Type must be application/json.")
    try:
        content = base64.b64decode(body, validate=True) if encoded else body.encode()
        if len(content) > MAX_BYTES:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)
        return content.decode("utf-8-sig")
    except (binascii.Error, UnicodeError) as error:
        raise _not_json("it is not valid UTF-8") from error


def parse_json(text: str) -> dict[str, JsonValue]:
    """A JSON object. Raises Problem(400), also for extensions of JSON that Python's parser accepts."""
    try:
        value = json.loads(text, parse_constant=_reject_constant, parse_int=_parse_int, parse_float=_parse_float)
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise _not_json("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise _not_json("it is another JSON value")
    return value


def _reject_constant(name: str) -> None:
    raise _not_json(f"{name} is not a JSON value")


def _parse_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _not_json(f"a number has {len(digits)} digits, the maximum is {MAX_DIGITS}")
    return int(digits)


def _parse_float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _not_json("a number is too large for a double")
    return value


def _not_json(reason: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, f"The request body is not a JSON object: {reason}.")
