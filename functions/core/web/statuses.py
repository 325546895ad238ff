"""What an answer's status means: 200 is an image to be, everything else a fault with a reason."""

from collections.abc import Mapping
from http import HTTPStatus

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.retry_after import seconds_asked

_BUSY = frozenset({408, 425, 429, 503})
_ODD: Mapping[int, tuple[Reason, str]] = {
    204: (Reason.EMPTY_BODY, "The server answered that there is no content (204)."),
    205: (Reason.EMPTY_BODY, "The server answered that there is no content (205)."),
    206: (Reason.INCOMPLETE_BODY, "The server sent a part of the image that was not asked for (206)."),
}


def fault_of(status: int, headers: Mapping[str, str]) -> RowError:
    """The fault that an answer other than 200, or than a redirect with a target, stands for."""
    if status in _ODD:
        reason, message = _ODD[status]
        return RowError(reason, message, status=status, retryable=False)
    if status in _BUSY:
        wait = seconds_asked(headers.get("Retry-After"))
        return RowError(Reason.HTTP_BUSY, f"The server is busy: it answered {_name(status)}.", status=status, wait=wait)
    if 400 <= status < 500:
        return RowError(Reason.HTTP_4XX, f"The server answered {_name(status)}.", status=status)
    if 500 <= status < 600:
        return RowError(Reason.HTTP_5XX, f"The server answered {_name(status)}.", status=status)
    return RowError(Reason.NOT_AN_IMAGE, f"The server answered {_name(status)}, which holds no image.", status=status)


def _name(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
