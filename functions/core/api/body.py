"""A request's body: JSON as its standard has it, and no larger than a function takes."""

import base64
import binascii
import json
from http import HTTPStatus
from typing import Any

from functions.core.api.problems import Problem

MAX_BYTES = 5 * 1024 * 1024
"""Lambda takes 6 MB of event, in which the body is escaped; API Gateway itself takes 10 MB."""

MAX_DIGITS = 400
"""No number of a list needs more; Python refuses 4,300 with an error of another kind."""

TOO_LARGE = (
    "The body is larger than the API takes. POST /manifests gives a link to upload a manifest of up to 5 GB; "
    "the upload starts its run."
)


def decode_body(body: str | None, *, encoded: bool, content_type: str) -> str | None:
    """The body as text. Raises Problem(413 | 415 | 400)."""
    if not body:
        return None
    if content_type.partition(";")[0].strip().lower() not in ("", "application/json"):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.")
    try:
        content = base64.b64decode(body, validate=True) if encoded else body.encode()
        if len(content) > MAX_BYTES:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)
        return content.decode("utf-8-sig")
    except (binascii.Error, UnicodeError) as error:
        raise _not_json("it is not UTF-8") from error


def parse_json(text: str) -> Any:
    """An object. Raises Problem(400): also for what Python's parser takes, and JSON or the workflow does not."""
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_int=_int, parse_float=_float)
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg}, at character {error.pos}") from error
    except RecursionError as error:
        raise _not_json("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise _not_json("it is no object")
    return value


def _no_constant(name: str) -> None:
    raise _not_json(f"it has {name}")


def _int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _not_json(f"it has a number of {len(digits)} digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _not_json("it has a number that is too large")
    return value


def _not_json(why: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, f"The body is not a JSON object: {why}.")
