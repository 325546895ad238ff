"""Where an answer leads on. We follow hops ourselves: `requests` would read a redirect's whole body into memory."""

from contextlib import suppress
from urllib.parse import urljoin

from requests.models import Response

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.urls import absolute_url

MAX_HOPS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})


def target_of(response: Response, url: str) -> str | None:
    """Where a redirect leads, or None. Raises RowError(BLOCKED_ADDRESS) for what is not the web."""
    location = response.headers.get("Location")
    if response.status_code not in REDIRECTS or not location:
        return None
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode()  # http.client says latin-1, servers send UTF-8
    try:
        target = absolute_url(urljoin(url, location))
    except (RowError, ValueError) as error:
        raise RowError(
            Reason.BLOCKED_ADDRESS,
            "The server redirected to something that is not a web address.",
            status=response.status_code,
        ) from error
    return target
