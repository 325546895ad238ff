"""The target of a redirect."""

from typing import Any

import pytest
from requests.models import Response
from requests.structures import CaseInsensitiveDict

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.fetch import redirect_target


def redirect(status: int, location: str | None) -> Any:
    made: Any = Response()
    made.status_code = status
    made.headers = CaseInsensitiveDict({} if location is None else {"Location": location})
    return made


@pytest.mark.parametrize(
    ("status", "location", "target"),
    [
        *((status, "/b.jpg", "http://a.example/b.jpg") for status in (301, 302, 303, 307, 308)),
        *((status, "/b.jpg", None) for status in (200, 300, 304, 305, 306, 309, 404)),
        (302, None, None),
        (302, "", None),
        (302, "c.jpg", "http://a.example/x/c.jpg"),
        (302, "https://b.example/", "https://b.example/"),
        (302, "/\u00c3\u00a9.jpg", "http://a.example/\u00e9.jpg"),  # UTF-8 that http.client decodes as Latin-1
        (302, "/\u00e9.jpg", "http://a.example/%E9.jpg"),  # Latin-1: the byte as it came
    ],
)
def test_a_redirect_leads_to_its_location(status: int, location: str | None, target: str | None) -> None:
    assert redirect_target(redirect(status, location), "http://a.example/x/a.jpg") == target


@pytest.mark.parametrize("location", ["ftp://b.example/", "file:///etc/passwd", "https://", "http://[::1/"])
def test_a_redirect_to_another_scheme_is_blocked(location: str) -> None:
    with pytest.raises(RowError) as raised:
        redirect_target(redirect(307, location), "http://a.example/")

    assert (raised.value.reason, raised.value.status) == (Reason.BLOCKED_ADDRESS, 307)


def test_a_redirect_may_lead_to_a_url_of_16_kb_and_no_longer_one() -> None:
    target = "https://b.example/" + "x" * (16_384 - len("https://b.example/"))

    assert redirect_target(redirect(302, target), "http://a.example/") == target
    with pytest.raises(RowError, match="redirected to a URL of 16,385 bytes; at most 16,384 are possible") as raised:
        redirect_target(redirect(302, f"{target}x"), "http://a.example/")
    assert (raised.value.reason, raised.value.status) == (Reason.INVALID_URL, 302)
