"""URLs: resolved, validated, and redacted."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.errors import RowError
from functions.core.model.limits import MAX_URL_BYTES
from functions.core.model.reasons import Reason
from functions.core.model.urls import absolute_url, display_host, has_several_urls, host_of, origin_of, redact, urls_in

ANY_TEXT = st.text(max_size=40) | st.text("htp:/@?#&=;%.\\ []a1\n", max_size=30).map("http://".__add__)
SECRET = "Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7"


@pytest.mark.parametrize(
    ("text", "base_url", "url"),
    [
        ("http://a.example/1.png", "", "http://a.example/1.png"),
        ("  https://a.example/1.png\r\n", "", "https://a.example/1.png"),
        ("HTTPS://A.example/1.png", "", "HTTPS://A.example/1.png"),
        ("1.png", "https://a.example/img", "https://a.example/img/1.png"),
        ("/1.png", "https://a.example/img/", "https://a.example/img/1.png"),
        ("../1.png", "https://a.example/img", "https://a.example/img/../1.png"),
        ("2024:01/1.png", "https://a.example", "https://a.example/2024:01/1.png"),
        ("1.png?from=http://b.example", "https://a.example", "https://a.example/1.png?from=http://b.example"),
        ("//b.example/1.png", "https://a.example/img", "https://b.example/1.png"),
        ("http://b.example/1.png", "https://a.example", "http://b.example/1.png"),
        ("http://a.example:8080/\u00e9 x.png", "", "http://a.example:8080/\u00e9 x.png"),
        ("http://[2606:4700::1]/1.png", "", "http://[2606:4700::1]/1.png"),
    ],
)
def test_a_url_is_made_absolute_and_is_otherwise_unchanged(text: str, base_url: str, url: str) -> None:
    assert absolute_url(text, base_url) == url


@pytest.mark.parametrize(
    ("text", "base_url", "sentence"),
    [
        ("", "", "no URL"),
        ("  ", "https://a.example", "no URL"),
        ("1.png", "", "no scheme"),
        ("//b.example/1.png", "", "no scheme"),
        ("javascript:alert(1)", "https://a.example", "'javascript:'"),
        ("data:image/png;base64,AAAA", "https://a.example", "'data:'"),
        ("ftp://a.example/1.png", "", "'ftp:'"),
        ("file:///etc/passwd", "", "'file:'"),
        (f"sha256:{'0' * 64}", "", "'sha256:'"),  # the form of a key in the images table
        (f"sha256:{'0' * 64}", "https://a.example", "'sha256:'"),
        ("http:///1.png", "", "has no host"),
        ("http:1.png", "https://a.example", "has no host"),
        ("http://user@/1.png", "", "has no host"),
        ("http://a.example:x/", "", "is malformed"),
        ("http://a.example:99999/", "", "is malformed"),
        ("http://[::1/1.png", "", "is malformed"),
        ("http://a.example/\ud800", "", "is malformed"),
        ("http://a.example/1\n2.png", "", "control character"),
        ("http://a.example/\x7f", "", "control character"),
        ("http://127.0.0.1\\@a.example/", "", "backslash"),
        ("http://a.example/" + "x" * 16_368, "", "The URL has 16,385 bytes; at most 16,384 are possible"),
        ("http://a.example/x" + "\u00e9" * 8_184, "", "The URL has 16,386 bytes"),
        ("x" * 16_384, "http://a.example", "The URL has 16,401 bytes"),
    ],
)
def test_what_cannot_be_fetched_is_an_invalid_url(text: str, base_url: str, sentence: str) -> None:
    with pytest.raises(RowError, match=sentence) as raised:
        absolute_url(text, base_url)

    assert raised.value.reason is Reason.INVALID_URL


@pytest.mark.parametrize("rest", ["x" * 2_032, "x" * 16_367, "\u00e9" * 8_183, "\U0001f600" * 4_091])
def test_a_url_may_have_16_kb(rest: str) -> None:
    url = "http://a.example/" + rest

    assert absolute_url(url) == url


@given(text=ANY_TEXT, base_url=st.sampled_from(["", "http://a.example/img"]))
def test_any_text_is_a_url_or_an_error(text: str, base_url: str) -> None:
    try:
        url = absolute_url(text, base_url)
    except RowError:
        return
    assert urlsplit(url).scheme in ("http", "https")
    assert host_of(url)
    assert not url.isascii() or url.isprintable()
    assert len(url.encode()) <= MAX_URL_BYTES


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/1.png?w=200&h=100", "https://a.example/1.png?w=200&h=100"),
        ("https://user:pass@a.example:8080/1.png#top", "https://a.example:8080/1.png"),
        ("https://a:b@c:d@e.example/", "https://e.example/"),
        ("https://a.example/?X-Amz-Signature=ab12&w=1", "https://a.example/?X-Amz-Signature=\u2026&w=1"),
        ("https://a.example/?sig=x;token=y;w=1", "https://a.example/?sig=\u2026;token=\u2026;w=1"),
        ("https://a.example/?" + "q" * 25, "https://a.example/?\u2026"),
        ("https://a.example/?v=" + "q" * 25, "https://a.example/?v=\u2026"),
        ("https://a.example/?v=a=b", "https://a.example/?v=\u2026"),
        ("https://a.example/?" + "q" * 26 + "==", "https://a.example/?\u2026=\u2026"),
        ("https://a.example/?", "https://a.example/"),
        ("/relative.png?sig=1", "/relative.png?sig=\u2026"),
        ("http://[::1/", "(malformed URL)"),
        ("http://a.example/\ud800", "http://a.example/?"),
    ],
)
def test_people_see_no_credentials_and_no_signatures(url: str, shown: str) -> None:
    assert redact(url) == shown


@given(text=ANY_TEXT)
def test_any_text_can_be_redacted_and_redacted_again(text: str) -> None:
    shown = redact(text)

    assert redact(shown) in (shown, shown.removesuffix("?"))
    shown.encode()


@given(
    user=st.text("ab:%@", max_size=6),
    name=st.sampled_from(["sig", "X-Amz-Signature", "access_token", "v", "q", ""]),
    before=st.sampled_from(["", "w=1&", "a;", "&&", "=", "\u2026&"]),
    after=st.sampled_from(["", "&w=1", ";x", "=="]),
)
def test_a_secret_in_user_info_query_or_fragment_is_never_shown(user: str, name: str, before: str, after: str) -> None:
    for url in (
        f"https://{user}{SECRET}@a.example/1.png",
        f"https://{user}:{SECRET}{user}@a.example/1.png",
        f"https://a.example/1.png?{before}{name}={SECRET}{after}",
        f"https://a.example/1.png?{before}{SECRET}{after}",
        f"https://a.example/1.png#{SECRET}",
    ):
        assert SECRET not in redact(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://A.Example/1", "a.example"),
        ("http://user:pw@a.example:8080/1", "a.example:8080"),
        ("http://[2606:4700::1]:80/1", "[2606:4700::1]:80"),
    ],
)
def test_a_host_is_named_without_credentials(url: str, host: str) -> None:
    assert host_of(url) == host


def test_an_origin_has_its_schemes_port() -> None:
    assert origin_of("http://A.example/1") == origin_of("http://a.example:80/2") == ("http", "a.example", 80)
    assert origin_of("https://a.example/") != origin_of("http://a.example/")


A, B = "http://a.example/w_1,h_2/1.jpg?v=1", "https://b.example/2.jpg?v=2"


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        (f"{A}, {B}", [A, B]),
        (f"{A},{B}", [A, B]),
        (f"{A} | {B}", [A, B]),
        (f" {A};{B}; ", [A, B]),
        (f"{A}\r\n{B}\n", [A, B]),
        (f"{A} {B}", [A, B]),
        (f"{A}\t//c.example/3", [A, "//c.example/3"]),
        (f'["{A}", "{B}"]', [A, B]),
        (f"['{A}', '{B}']", [A, B]),
        (f"['{A}' '{B}']", [A, B]),
        ('["http:\\/\\/a.example\\/1"]', ["http://a.example/1"]),
        (f"a.jpg ({A}),b (1).jpg ({B})", [A, B]),
        (f"a.jpg ({A})", [A]),
        ("1.jpg, 2.png", ["1.jpg", "2.png"]),
        ("1.jpg|2.png", ["1.jpg", "2.png"]),
        ("['1.jpg', '2.png']", ["1.jpg", "2.png"]),
    ],
)
def test_the_urls_of_a_value_are_taken_apart(text: str, urls: list[str]) -> None:
    assert has_several_urls(text)
    assert urls_in(text) == urls


@pytest.mark.parametrize(
    "text",
    [
        *(A, B, "", "1.jpg", "a, b", "my photo.jpg", "[1].jpg", "[]", "http://a.example/x_(1)", "http://a.example//1"),
        "https://web.archive.org/web/2020/http://a.example/1,2.jpg",
        "https://proxy.example/?urls=http://a.example/1.jpg,http://b.example/2.jpg",
        "https://a.example/f_auto,q_1/https://b.example/1.jpg",
    ],
)
def test_one_url_is_left_as_it_is(text: str) -> None:
    assert not has_several_urls(text)
    assert urls_in(text) == [text]


PARTS = st.sampled_from([A, "1.jpg", ",", " ", ";", "|", "[", "'", '"', "(", ")", "]"])


@given(text=ANY_TEXT | st.lists(PARTS).map("".join))
def test_any_text_is_taken_apart(text: str) -> None:
    urls = urls_in(text)

    assert urls
    assert len(urls) == 1 or has_several_urls(text)


@pytest.mark.parametrize(
    "text",
    ["a.jpg" + "\n" * 180_000, A + B + ", " * 90_000, "(http://" * 20_000 + ")", "['" + " " * 180_000],
    ids=["line ends", "separators", "parentheses", "spaces"],
)
def test_a_long_value_is_taken_apart_in_linear_time(text: str) -> None:
    """A quadratic search would take minutes."""
    assert urls_in(text)


@pytest.mark.parametrize(
    "url",
    ["https://a\ue000b.example/x", "https://\ud800.example/", f"https://{'é' * 300}.example/", "https://[::1/", ""],
)
def test_a_host_that_cannot_be_written_in_ascii_is_shown_as_none(url: str) -> None:
    assert display_host(url) == "(none)"
