"""Parsers of server and manifest input: for any input they return a valid result, or raise a RowError."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from http.client import HTTPException
from typing import TypeVar

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions.core.model.errors import RowError
from functions.core.model.limits import MAX_URL_BYTES
from functions.core.model.reasons import Reason
from functions.core.model.urls import absolute_url, host_of, origin_of, redact
from functions.core.web.addresses import AddressPolicy
from functions.core.web.errors import (
    MAX_RETRY_AFTER_SECONDS,
    body_error_from,
    error_for_status,
    parse_retry_after,
    row_error_from,
)
from functions.core.web.fetch import redirect_target
from functions.core.web.response import Body, receive
from functions.core.web.signals import OPT_OUT_DIRECTIVES, opt_out_directive
from functions.core.web.transport import MAX_HEAD_BYTES, StrictResponse

T = TypeVar("T")


def result_or_error(call: Callable[[], T]) -> T | RowError:
    """The result of a call, or the RowError that it raises; any other exception fails the test."""
    try:
        return call()
    except RowError as error:
        return error


MANY = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
BODY_FAULTS = {Reason.TOO_LARGE, Reason.EMPTY_BODY, Reason.INCOMPLETE_BODY, Reason.NOT_AN_IMAGE}
NOW = datetime(2025, 11, 23, 12, tzinfo=UTC)

header_text = st.text(st.characters(min_codepoint=9, max_codepoint=255), max_size=120)
"""Headers as http.client decodes them: Latin-1."""

URL_WORDS = re.findall(
    r"\S+", r"http https file : // / \ @ [ ] ::1 127.0.0.1 a.test %31 ? # = & .. :80 :99999 sig=abc ; % é"
)
ODD_CHARACTERS = [" ", "\t", "\r\n", "\x00", "\u3002", "\uff0e", "\u202e", "\ud800"]
url_pieces = st.lists(st.sampled_from(URL_WORDS + ODD_CHARACTERS) | st.text(max_size=4), max_size=14).map("".join)


@MANY
@given(url_pieces, st.sampled_from(["", "https://a.test/dir/", "http://u:p@a.test", "not a url"]))
@example("//[", "https://a.test/dir/")
def test_a_url_is_an_absolute_http_url_or_its_row_fails(text: str, base_url: str) -> None:
    url = result_or_error(lambda: absolute_url(text, base_url))
    if isinstance(url, RowError):
        assert (url.reason, url.retryable) == (Reason.INVALID_URL, False)
    else:
        assert url.lower().startswith(("http:", "https:"))
        assert len(url.encode()) <= MAX_URL_BYTES
        assert host_of(url)
        scheme, host, port = origin_of(url)
        assert scheme in ("http", "https")
        assert host
        assert port is not None
        assert 0 <= port <= 65535


@MANY
@given(url_pieces)
def test_any_text_can_be_redacted(text: str) -> None:
    assert "@" not in redact(text).partition("://")[2].partition("/")[0].partition("?")[0]


@MANY
@given(st.one_of(st.none(), header_text, st.integers().map(str), st.datetimes().map(format_datetime)))
@example("9" * 5000)
@example("Wed, 21 Oct 9999 07:28:00 -2359")
@example("Fri, 31 Dec 0001 23:59:59 +9999")
@example("")
@example("1.5")
@example("١٢")
def test_retry_after_is_bounded_seconds_or_nothing(header: str | None) -> None:
    seconds = parse_retry_after(header)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER_SECONDS


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        (" 7 ", 7.0),
        ("61", 61.0),
        ("3600", 3600.0),
        ("Sun, 23 Nov 2025 12:00:09 GMT", 9.0),
        ("Sunday, 23-Nov-25 12:00:09 GMT", 9.0),
        ("Sun Nov 23 12:00:09 2025", 9.0),
        ("Sun, 23 Nov 2025 11:00:00 GMT", 0.0),
        ("Sun, 23 Nov 2025 13:00:00 GMT", 3600.0),
        ("Sun, 23 Nov 2099 12:00:00 GMT", 31_536_000.0),
        ("-1", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_each_of_its_forms(
    header: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib3.util.retry.time.time", NOW.timestamp)
    assert parse_retry_after(header) == seconds


@MANY
@given(st.lists(header_text, max_size=4))
def test_a_robots_tag_opts_out_by_a_known_directive_or_not_at_all(headers: list[str]) -> None:
    assert opt_out_directive(headers) in {None, *OPT_OUT_DIRECTIVES}


robot_names = st.sampled_from(["googlebot", "otherbot", "bingbot", "my-bot"])
harmless = st.lists(
    st.sampled_from(["noindex", "nofollow", "max-snippet: 5", "unavailable_after: 25 Jun 2040 15:00:00"])
)


@MANY
@given(
    harmless, st.sampled_from(sorted(OPT_OUT_DIRECTIVES)), st.booleans(), harmless, st.lists(robot_names, max_size=1)
)
def test_an_opt_out_is_found_among_others_unless_it_addresses_another_robot(
    before: list[str], word: str, shout: bool, after: list[str], agents: list[str]
) -> None:
    tag = ", ".join([*before, word.upper() if shout else word, *after])
    header = f"{agents[0]}: {tag}" if agents else tag
    assert opt_out_directive(["noarchive", header]) == (None if agents else word)
    assert opt_out_directive([f"image-mirror: {tag}"]) == word
    assert opt_out_directive([f"Image-Mirror/0.1: {tag}"]) == word


@MANY
@given(st.integers(100, 999), st.dictionaries(st.sampled_from(["Retry-After", "Location"]), header_text))
def test_every_status_but_200_has_an_error(status: int, headers: dict[str, str]) -> None:
    error = error_for_status(status, headers)
    assert error.status == status
    assert str(status) in error.message
    assert error.wait is None or 0 <= error.wait <= MAX_RETRY_AFTER_SECONDS


@MANY
@given(
    st.one_of(header_text, url_pieces.filter(lambda text: text.isascii())),
    st.sampled_from([301, 302, 303, 307, 308, 300, 304]),
)
@example("http://[", 302)
@example("//", 302)
@example("http://a.test:x/", 302)
def test_a_redirect_leads_to_an_http_url_or_fails(location: str, status: int) -> None:
    response = requests.Response()
    response.status_code = status
    response.headers["Location"] = location
    target = result_or_error(lambda: redirect_target(response, "https://a.test/b/c?d"))
    if isinstance(target, RowError):
        assert (target.reason, target.status, target.retryable) == (Reason.BLOCKED_ADDRESS, status, False)
    else:
        assert target is None or target.lower().startswith(("http:", "https:"))


@MANY
@given(
    st.one_of(header_text, st.sampled_from(["", "gzip", "GZIP ", "x-gzip", "deflate", "identity", "br", "gzip, gzip"])),
    st.lists(
        st.one_of(st.binary(min_size=1, max_size=64), st.sampled_from([b"\x1f\x8b\x08\x00", b"\x78\x9c"])), max_size=6
    ),
)
def test_any_bytes_in_any_encoding_are_a_body_or_an_error(encoding: str, chunks: list[bytes]) -> None:
    remaining = iter([*chunks, b""])

    def received() -> Body:
        return receive(
            lambda amount: next(remaining),
            encoding=encoding,
            max_bytes=150,
            want_md5=True,
            check_head=lambda head: None,
            is_recognized=lambda head: False,
        )

    body = result_or_error(received)
    if isinstance(body, RowError):
        assert body.reason in BODY_FAULTS
    else:
        with body.file:
            assert 0 < body.size <= 150
            assert len(body.file.read()) == body.size


class _Sock:
    """The part of a socket that a response uses."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str, size: int = 0) -> object:
        return io.BufferedReader(io.BytesIO(self._data))  # type: ignore[arg-type]


HEAD_WORDS = (
    b"HTTP/1.1 |HTTP/1.0 |200 OK|100 Continue|103 Early Hints|302|Content-Length: 5|Transfer-Encoding: chunked|: "
)
head_pieces = st.sampled_from([*HEAD_WORDS.split(b"|"), b"\r\n", b"\n", b"\r\n\r\n", b"\xff", b"\x00", b" folded"])


@MANY
@given(st.lists(st.one_of(head_pieces, st.binary(max_size=8)), max_size=20).map(b"".join))
@example(b"HTTP/1.1 100 Continue\r\n\r\n" * 5000)
@example(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 50_000)
@example(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 2 * MAX_HEAD_BYTES)
def test_any_bytes_are_a_complete_head_or_a_connect_error(data: bytes) -> None:
    response = StrictResponse(_Sock(data))  # type: ignore[arg-type]
    row_error = None
    try:
        response.begin()
    except Exception as error:
        row_error = row_error_from(error)
    response.close()
    assert row_error.reason is Reason.CONNECT if row_error else response.status == 101 or 200 <= response.status <= 999


EXCEPTIONS = (
    ValueError("x"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "y"),
    RecursionError(),
    MemoryError(),
    KeyError("sig=secret"),
    TimeoutError(),
    ConnectionResetError(),
    OSError(5, "io"),
    HTTPException(),
    requests.ConnectionError("u:p@h"),
)
exceptions = st.sampled_from(EXCEPTIONS)


@MANY
@given(exceptions, exceptions)
def test_any_exception_of_the_libraries_is_an_error_without_its_text(one: Exception, two: Exception) -> None:
    one.__cause__, two.__context__ = two, one  # a cycle of causes
    for error in (row_error_from(one), body_error_from(one)):
        assert error.reason in {Reason.CONNECT, Reason.TIMEOUT, Reason.INCOMPLETE_BODY, Reason.INVALID_URL, Reason.TLS}
        assert "secret" not in error.message
        assert "u:p" not in error.message


@MANY
@given(st.one_of(st.text(max_size=20), st.ip_addresses().map(str)), st.integers(-1, 70_000))
def test_any_text_is_an_address_that_is_allowed_or_blocked(text: str, port: int) -> None:
    reason = AddressPolicy().blocked_because(text, port)
    assert reason is None or reason
    if port not in (80, 443):
        assert reason
