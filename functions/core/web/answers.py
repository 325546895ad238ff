"""What is taken from an answer: its body, piece by piece, and what its next request may repeat."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from requests.models import Response

from functions.core.web.body import too_large
from functions.core.web.causes import body_fault

DRAIN_BYTES = 16 * 1024
DRAIN_SECONDS = 0.25
"""A refusal's body up to this is read, so that its connection can be used again."""

_VALIDATOR = re.compile(r"[\x20-\x7e]{1,256}")


def validator(response: Response, name: str) -> str | None:
    """To be sent back one day, so only what can be sent, and is short enough to be kept."""
    text = response.headers.get(name, "")
    return text if _VALIDATOR.fullmatch(text) else None


def reader(response: Response, max_bytes: int) -> Callable[[int], bytes]:
    length = response.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and int(length[:18]) > max_bytes:
        raise too_large(max_bytes)
    raw: Any = response.raw

    def read(amount: int) -> bytes:
        try:
            return bytes(raw.read(amount, decode_content=False))
        except Exception as error:
            raise body_fault(error) from error

    return read


def release(response: Response) -> None:
    """Back to the pool when all was read or little is left, else shut: nobody reads an endless body to be polite."""
    raw: Any = response.raw
    with suppress(Exception):
        length = response.headers.get("Content-Length", "")
        if response.status_code != 200 and length.isdigit() and int(length[:9]) <= DRAIN_BYTES:
            raw.connection.sock.settimeout(DRAIN_SECONDS)
            raw.read(DRAIN_BYTES, decode_content=False)
    with suppress(Exception):
        response.close()
