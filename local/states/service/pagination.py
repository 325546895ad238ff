"""Lists in pages. A token names the place to go on from, not a place in a list that may have grown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from local.states.base.errors import ApiError

T = TypeVar("T")
DEFAULT = 100
MOST = 1_000


def page(entries: Sequence[T], body: dict[str, Any], *, newest_first: bool = False) -> tuple[list[T], dict[str, str]]:
    """The entries asked for, and the `nextToken` where there are more. `entries` only ever grow at their end."""
    size = body.get("maxResults") or DEFAULT
    if not isinstance(size, int) or not 0 < size <= MOST:
        raise ApiError("ValidationException", f"maxResults must be from 0 to {MOST}")
    places = range(len(entries))[::-1] if newest_first else range(len(entries))
    start = _place(body["nextToken"]) if "nextToken" in body else (places[0] if places else 0)
    if start not in places:
        rest: Sequence[int] = []
    else:
        rest = places[places.index(start) :]
    token = {"nextToken": _token(rest[size])} if len(rest) > size else {}
    return [entries[place] for place in rest[:size]], token


def _token(place: int) -> str:
    return base64.urlsafe_b64encode(f"from {place}".encode()).decode()


def _place(token: Any) -> int:
    try:
        word, _, place = base64.urlsafe_b64decode(token).decode().partition(" ")
        if word != "from":
            raise ValueError(word)
        return int(place)
    except (ValueError, TypeError, binascii.Error) as error:
        raise ApiError("InvalidToken", "Invalid Token") from error
