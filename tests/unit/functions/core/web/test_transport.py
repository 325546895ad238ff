"""Header lines, one by one."""

import pytest

from functions.core.web.transport import parse_fields


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (["ETag: x"], [("ETag", "x")]),
        (["ETag:x", "etag:\t y "], [("ETag", "x"), ("etag", "y")]),
        (["Location: http://a.example/b:c"], [("Location", "http://a.example/b:c")]),
        (["X-Empty:"], [("X-Empty", "")]),
        (["X-Long: a", "  b", "\tc", "X-Next: d"], [("X-Long", "a b c"), ("X-Next", "d")]),
        ([" a continuation of nothing", "X: y"], [("X", "y")]),
        (["no colon", ": no name", "X: y"], [("X", "y")]),
        (["Server : x"], [("Server", "x")]),
        (["From me: x"], [("From me", "x")]),
        (["X: Jos\xe9 \xff"], [("X", "Jos\xe9 \xff")]),
        ([], []),
    ],
)
def test_header_lines(lines: list[str], fields: list[tuple[str, str]]) -> None:
    assert parse_fields(lines).items() == fields
