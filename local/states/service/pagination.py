"""Pages of a list. API "ListExecutions", `maxResults` and `nextToken`.

A token contains the index of the next entry. Lists grow at their end. Where the oldest entries are removed between two
pages, the second page repeats as many entries of the first.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from local.states.base import quotas
from local.states.base.payloads import is_integer
from local.states.service import errors
from local.states.service.validation import Request

T = TypeVar("T")
_TOKEN_PREFIX = "from"  # noqa: S105 - not a password


def paginate(
    entries: Sequence[T],
    request: Request,
    *,
    newest_first: bool = False,
    max_token_length: int = quotas.MAX_TOKEN_LENGTH,
) -> tuple[list[T], dict[str, str]]:
    """The requested entries, and `{"nextToken": ...}` if there are more.

    Raises ValidationException or InvalidToken.
    """
    size = request.get("maxResults") or quotas.DEFAULT_PAGE_SIZE
    if not is_integer(size):
        raise errors.validation_error("'maxResults' has the wrong type")
    if size > quotas.MAX_PAGE_SIZE or size < 0:
        bound = f"less than or equal to {quotas.MAX_PAGE_SIZE}" if size > 0 else "greater than or equal to 0"
        raise errors.constraint_violated("maxResults", size, f"have value {bound}")
    indices = range(len(entries))[::-1] if newest_first else range(len(entries))
    if "nextToken" in request:
        start = _parse_token(request["nextToken"], max_token_length)
        indices = indices[indices.index(start) :] if start in indices else range(0)
    token = {"nextToken": _create_token(indices[size])} if len(indices) > size else {}
    return [entries[index] for index in indices[:size]], token


def _create_token(index: int) -> str:
    return base64.urlsafe_b64encode(f"{_TOKEN_PREFIX} {index}".encode()).decode()


def _parse_token(token: str, max_length: int) -> int:
    if not token:
        raise errors.constraint_violated("nextToken", token, "have length greater than or equal to 1")
    if len(token) > max_length:
        raise errors.constraint_violated("nextToken", token, f"have length less than or equal to {max_length}")
    try:
        prefix, _, index = base64.urlsafe_b64decode(token).decode().partition(" ")
        if prefix != _TOKEN_PREFIX:
            raise ValueError(prefix)
        return int(index)
    except (ValueError, TypeError, binascii.Error) as error:
        raise errors.invalid_token() from error
