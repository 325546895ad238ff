"""The target of a request is the path and the query of its URL as they are written; hosts are mapped as browsers do."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.urls import absolute_url, ascii_host, host_of, origin_of
from functions.core.web.addresses import AddressPolicy
from functions.core.web.deadlines import Watchdog
from functions.core.web.fetch import Fetcher, FetchRequest
from functions.core.web.guard import Guard
from functions.core.web.resolver import Resolver
from functions.core.web.session import make_session
from functions.core.web.target import connection_url, request_target
from tests.support.images import png
from tests.support.servers import Server, answer, redirect


@pytest.mark.parametrize(
    "target",
    [
        "/u/lower%c3%a9.jpg",
        "/u/UPPER%C3%A9.jpg",
        "/a.jpg?sig=a%2Db",
        "/a.jpg?sig=a%2db%7E%5f",
        "/%41%7e.jpg",
        "/100%.jpg",
        "/100%zz.jpg?rate=5%",
        "/a.jpg?",
        "/a.jpg?a=b&&c=%20+%2B",
        "/a;v=1/b,c/(d)'!$*@:.jpg",
        "/a|b.jpg?x=a|b^c{d}`e[1]",
        "//double//slash.jpg",
        "/a.jpg?next=http://b.example/../c",
        "/a.jpg?q='%27'",
        "/.hidden/..file/a...jpg",
        "/",
    ],
)
def test_a_target_is_sent_as_it_is_written(target: str) -> None:
    assert request_target(f"http://a.example{target}") == target


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://a.example", "/"),
        ("http://a.example?x=1", "/?x=1"),
        ("http://a.example/a b.jpg?c d", "/a%20b.jpg?c%20d"),
        ("http://a.example/\u00e9.jpg?\u00e9", "/%C3%A9.jpg?%C3%A9"),
        ("http://a.example/\u00e9%c3%a9.jpg", "/%C3%A9%c3%a9.jpg"),
        ('http://a.example/"<>^`{}.jpg?"<>', "/%22%3C%3E%5E%60%7B%7D.jpg?%22%3C%3E"),
        ("http://a.example/a.jpg#fragment?not=query", "/a.jpg"),
        ("http://a.example/a.jpg?x#fragment", "/a.jpg?x"),
        ("http://a.example/a/./b/../c.jpg", "/a/c.jpg"),
        ("http://a.example/../../c.jpg", "/c.jpg"),
        ("http://a.example/a/..", "/"),
        ("http://a.example/a/b/.", "/a/b/"),
        ("http://a.example/a/%2e%2e/b.jpg", "/a/%2e%2e/b.jpg"),
        ("http://u:p@a.example:8080/x?y", "/x?y"),
    ],
)
def test_only_what_a_request_line_cannot_have_is_encoded(url: str, target: str) -> None:
    assert request_target(url) == target


@given(st.text(st.characters(codec="utf-8", exclude_characters="\\\x7f", min_codepoint=0x20), max_size=60))
def test_a_target_is_always_printable_ascii_and_encoding_it_again_changes_nothing(text: str) -> None:
    target = request_target(f"http://a.example/{text}")

    assert target.startswith("/")
    assert target.isascii()
    assert not any(character <= " " or character == "\x7f" for character in target)
    assert request_target(f"http://a.example{target}") == target


@given(st.text("abcABC019-._~%!$&'()*+,;=:@/|?", max_size=60))
def test_characters_that_are_allowed_stay(text: str) -> None:
    if not any(segment in (".", "..") for segment in text.partition("?")[0].split("/")):
        assert request_target(f"http://a.example/{text}") == f"/{text}"


HOSTS = {
    "B\u00dcCHER.example": "xn--bcher-kva.example",
    "fa\u00df.example": "xn--fa-hia.example",
    "\u2603.example": "xn--n3h.example",
    "i\u2764.ws": "xn--i-7iq.ws",
    "\U0001f4a9.la": "xn--ls8h.la",
    "\uff45\uff58\uff41mple.com": "example.com",
    "ex\u00adample.com": "example.com",
    "a\u3002b.com": "a.b.com",
    "\uff11\uff12\uff17.0.0.1": "127.0.0.1",
    "EXAMPLE.com": "example.com",
    "under_score.example": "under_score.example",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
}


@pytest.mark.parametrize(("host", "mapped"), HOSTS.items())
def test_a_host_is_mapped_as_browsers_do(host: str, mapped: str) -> None:
    assert ascii_host(host) == mapped
    assert absolute_url(f"http://{host}/") == f"http://{host}/"
    assert connection_url(f"https://u:p@{host}:8443/x") == f"https://u:p@{mapped}:8443/"
    assert host_of(f"http://{host}:81/") == f"{mapped}:81"
    assert origin_of(f"http://{host}/") == ("http", mapped, 80)


@pytest.mark.parametrize(
    "host", ["\u00ad", "a\uff0fb.com", "a\u2100b", "\u00e9" * 70 + ".com", "a\ufffdb", "a\u00a0b.com"]
)
def test_a_host_that_cannot_be_mapped_is_an_invalid_url(host: str) -> None:
    with pytest.raises(RowError) as raised:
        absolute_url(f"http://{host}/a.jpg")

    assert raised.value.reason is Reason.INVALID_URL


def requested_targets(target: str, *redirects: str) -> list[str]:
    """The request targets that a server receives for a URL with this target, whose redirects have these Locations."""
    image = answer(headers={"Content-Type": "image/png"}, body=png())
    hops = [target, *redirects]
    routes = {
        hop.partition("?")[0]: redirect(location)
        for hop, location in zip(hops, [*redirects, ""], strict=True)
        if location
    }
    with Server({hops[-1].partition("?")[0]: image, **routes}) as server:
        session = make_session(Guard(AddressPolicy.parse("127.0.0.0/8"), Resolver()))
        request = FetchRequest(url=server.url("") + target, timeout=5, max_bytes=10_000)
        with Fetcher(session, Watchdog()).fetch(request).body.file:
            return [visit.target for visit in server.requests]


@pytest.mark.parametrize(
    "targets",
    [
        ["/u/lower%c3%a9.jpg?sig=a%2Db&x=%7e|^"],
        ["//double//%41.jpg?100%"],
        ["/first%2d.jpg?a=%2d", "/second%2d.jpg?b=%7e#no"],
        ["/a", "/%c3%a9?x=%2E", "/c%2dd"],
    ],
)
def test_the_server_receives_the_target_as_it_is_written(targets: list[str]) -> None:
    assert requested_targets(*targets) == [target.partition("#")[0] for target in targets]


def test_user_info_is_sent_as_a_header_to_a_mapped_host() -> None:
    with Server({"/a%2d.png": answer(headers={"Content-Type": "image/png"}, body=png())}) as server:
        session = make_session(Guard(AddressPolicy.parse("127.0.0.0/8"), Resolver()))
        port = server.url("").rpartition(":")[2].strip("/")
        url = f"http://us%20er:p%40ss@\uff11\uff12\uff17.0.0.1:{port}/a%2d.png"
        with Fetcher(session, Watchdog()).fetch(FetchRequest(url=url, timeout=5, max_bytes=10_000)).body.file:
            (visit,) = server.requests
    assert visit.headers["authorization"] == "Basic " + base64.b64encode(b"us er:p@ss").decode()
    assert visit.headers["host"] == f"127.0.0.1:{port}"
