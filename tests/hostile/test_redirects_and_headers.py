"""Redirects and headers: accepted, ignored or rejected."""

import gzip
import itertools
import zlib
from typing import Any

import pytest

from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine
from tests.support import images
from tests.support.connects import Recording
from tests.support.servers import Behaviour, Visit, answer, closing, flooding, head, in_turn, redirect

JPEG = images.jpeg()
GOOD = answer(body=JPEG)
ZEROS = bytes(64 * 1024)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(closing(head(103, {"Link": "</a.css>"}), head(), JPEG), id="after a 103"),
        pytest.param(closing(head(100) * 3, head(), JPEG), id="after three 100s"),
        pytest.param(
            closing(head(headers={"X-Owner": "Jos\xe9 \xff\x80"}), JPEG), id="with headers that are not ASCII"
        ),
        pytest.param(closing(head(headers={"Content-Length": "-7"}), JPEG), id="with a negative length"),
        pytest.param(closing(head(headers={"Content-Length": "many"}), JPEG), id="with an invalid length"),
        pytest.param(closing(b"HTTP/1.1 200 OK\nX-Bare: newlines\n\n", JPEG), id="with bare newlines"),
        pytest.param(closing(b"HTTP/1.0 200\r\nno colon here\r\n\r\n", JPEG), id="with an invalid header line"),
        pytest.param(answer(headers=[(f"X-{n}", "x") for n in range(900)], body=JPEG), id="with 900 headers"),
        pytest.param(
            # the connection stays open: without its length the body would not end before the deadline
            lambda visit: visit.send(
                b"HTTP/1.1 200 OK\r\nno colon\r\n: no name\r\nServer : x\r\nContent-Length: %d\r\n\r\n%b"
                % (len(JPEG), JPEG)
            ),
            id="with invalid lines before its length",
        ),
        pytest.param(answer(headers={"Content-Encoding": "gzip"}, body=gzip.compress(JPEG, mtime=0)), id="in gzip"),
        pytest.param(answer(headers={"Content-Encoding": "x-gzip"}, body=gzip.compress(JPEG, mtime=0)), id="in x-gzip"),
        pytest.param(
            answer(headers={"Content-Encoding": "aws-chunked, gzip"}, body=gzip.compress(JPEG, mtime=0)),
            id="in aws-chunked and gzip",
        ),
        pytest.param(
            answer(headers={"Content-Encoding": "gzip, deflate"}, body=zlib.compress(gzip.compress(JPEG, mtime=0))),
            id="compressed twice",
        ),
        *(
            pytest.param(answer(headers={"Content-Encoding": name}, body=JPEG), id=f"not in {name}")
            for name in ("aws-chunked", "utf-8", "none", "binary", "image/jpeg", "gzip", "deflate", "br", "zstd", ",")
        ),
        *(pytest.param(answer(status, body=JPEG), id=f"as {status}") for status in (201, 202, 203, 207, 218, 226, 299)),
        pytest.param(
            answer(206, {"Content-Range": f"bytes 0-{len(JPEG) - 1}/{len(JPEG)}"}, JPEG), id="as a 206 with all bytes"
        ),
        pytest.param(answer(headers={"Content-Type": "text/html"}, body=JPEG), id="as text/html"),
        pytest.param(
            answer(headers={"X-Robots-Tag": "otherbot: noai, noimageai"}, body=JPEG), id="other robots excluded"
        ),
        pytest.param(answer(headers={"X-Robots-Tag": "noindex, nofollow"}, body=JPEG), id="not for search"),
        pytest.param(answer(headers={"ETag": "x" * 5000}, body=JPEG), id="with an ETag of 5,000 bytes"),
    ],
)
def test_an_image_is_stored(behaviour: Behaviour, serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": behaviour})
    result = engine.mirror(server.url("/a.jpg"))
    assert result.stored == [1]
    (stored,) = result.store.objects.values()
    assert (stored.data, stored.content_type) == (JPEG, "image/jpeg")
    assert len(str(result.table.rows)) < 1024


def test_an_opt_out_is_ignored_where_the_run_says_so(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": answer(headers={"X-Robots-Tag": "noai"}, body=JPEG)})
    assert engine.mirror(server.url("/a.jpg"), respect_opt_out=False).stored == [1]


def test_svg_is_stored_with_its_type_where_the_run_allows_it(serve: Serve, engine: Engine) -> None:
    server = serve({"/a": answer(headers={"Content-Type": "text/html"}, body=images.svg())})
    result = engine.mirror(server.url("/a"), allowed_types=("svg",))
    assert [stored.content_type for stored in result.store.objects.values()] == ["image/svg+xml"]


@pytest.mark.parametrize(
    ("options", "hops", "reason", "requests"),
    [
        ({}, 10, None, 1),
        ({}, 11, "too_many_redirects", 0),
        ({"max_redirects": 20}, 20, None, 1),
        ({"max_redirects": 20}, 21, "too_many_redirects", 0),
        ({"max_redirects": 0}, 0, None, 1),
        ({"max_redirects": 0}, 1, "too_many_redirects", 0),
    ],
)
def test_ten_hops_are_followed_or_as_many_as_the_run_wants(
    options: dict[str, Any], hops: int, reason: str | None, requests: int, serve: Serve, engine: Engine
) -> None:
    routes: dict[str, Behaviour] = {f"/{n}": redirect(f"/{n + 1}") for n in range(hops)}
    server = serve({**routes, f"/{hops}": GOOD})
    result = engine.mirror(server.url("/0"), **options)
    assert [line.get("reason") for line in result.lines] == [reason]
    assert server.hits[f"/{hops}"] == requests
    assert server.hits.total() == min(hops, options.get("max_redirects", 10)) + 1


def test_a_loop_of_two_hosts_ends(serve: Serve, engine: Engine) -> None:
    one, two = serve(), serve()
    one.routes["/a"] = redirect(two.url("/b"))
    two.routes["/b"] = redirect(one.url("/a"))
    result = engine.mirror(one.url("/a"))
    assert result.failures[0]["reason"] == "too_many_redirects"
    assert (one.hits["/a"], two.hits["/b"]) == (6, 5)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        pytest.param(GOOD, None, id="to an image"),
        pytest.param(flooding(head() + JPEG, ZEROS), "too_large", id="to another"),
    ],
)
def test_the_endless_body_of_a_redirect_is_not_read(
    target: Behaviour, reason: str | None, serve: Serve, engine: Engine
) -> None:
    sent = 0

    def endless(visit: Visit) -> None:
        nonlocal sent
        visit.send(head(302, {"Location": "/target.jpg"}))
        while not visit.stopping.is_set():
            visit.send(ZEROS)
            sent += len(ZEROS)

    server = serve({"/a.jpg": endless, "/target.jpg": target})
    result = engine.mirror(server.url("/a.jpg"), max_bytes=256 * 1024)
    assert [line.get("reason") for line in result.lines] == [reason]
    assert sent < 16 * 1024 * 1024  # the size of the socket buffers


def test_a_location_in_utf_8_is_followed(serve: Serve, engine: Engine) -> None:
    server = serve({"/a": redirect("/bäume/linde.jpg".encode().decode("latin-1")), "/b%C3%A4ume/linde.jpg": GOOD})
    assert engine.mirror(server.url("/a")).stored == [1]


def test_secrets_are_sent_only_to_the_origin_of_the_row(serve: Serve, engine: Engine) -> None:
    other = serve({"/c.jpg": GOOD})
    server = serve({"/a.jpg": redirect("/b.jpg"), "/b.jpg": redirect(other.url("/c.jpg"))})
    url = server.url("/a.jpg").replace("://", "://user:hunter2@")
    result = engine.mirror({"url": url, "headers": {"Cookie": "id=7", "X-Token": "abc"}})
    assert result.stored == [1]
    first, second = server.requests
    for request in (first, second):
        assert request.headers["cookie"] == "id=7"
        assert request.headers["x-token"] == "abc"
        assert request.headers["authorization"].startswith("Basic ")
    assert not {"cookie", "x-token", "authorization", "referer"} & set(other.requests[0].headers)


SECRETS = {"Cookie": "id=7", "Authorization": "Bearer abc", "Referer": "https://a.example/", "X-Token": "abc"}
NAMES = {name.lower() for name in SECRETS}


@pytest.mark.parametrize("of", ["run", "row"])
def test_headers_come_back_with_the_first_origin_and_are_sent_to_no_other(
    serve: Serve, engine: Engine, of: str
) -> None:
    """Another port, another name of the same address, and a name that begins with that of the origin."""
    first, second = serve(), serve()
    hops = [
        first.url("/a.jpg", "img.museum.test"),
        second.url("/b.jpg", "img.museum.test"),
        first.url("/c.jpg", "img.museum.test.other.test"),
        first.url("/d.jpg"),
        first.url("/e.jpg", "IMG.museum.test"),
        first.url("/f.jpg", "museum.test"),
    ]
    for hop, target in itertools.pairwise(hops):
        server = second if "/b.jpg" in hop else first
        server.routes[f"/{hop.rpartition('/')[2]}"] = redirect(target)
    first.routes["/f.jpg"] = GOOD
    row = {"url": hops[0], "headers": SECRETS} if of == "row" else hops[0]

    result = engine.mirror(row, headers=SECRETS if of == "run" else {})

    assert result.stored == [1]
    sent = {visit.path: NAMES & set(visit.headers) for visit in [*first.requests, *second.requests]}
    assert sent == {
        "/a.jpg": NAMES,
        "/b.jpg": set(),
        "/c.jpg": set(),
        "/d.jpg": set(),
        "/e.jpg": NAMES,
        "/f.jpg": set(),
    }


def test_a_header_of_the_row_replaces_that_of_the_run_and_of_the_client(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": GOOD, "/b.jpg": GOOD})
    row = {"url": server.url("/a.jpg"), "header:referer": "own", "header:X-None": "", "header:accept": "image/png"}
    row |= {"header:User-Agent": "Own/1", "header:data": "1", "header:self": "2"}  # names of Python's parameters

    result = engine.mirror(
        row, server.url("/b.jpg"), headers={"Referer": "run", "X-None": "x"}, user_agent="Run/1", per_host=1
    )

    assert result.stored == [1, 2]
    names = ("referer", "x-none", "accept", "user-agent", "data", "self")
    assert [[visit.headers.get(name) for name in names] for visit in server.requests] == [
        ["own", None, "image/png", "Own/1", "1", "2"],
        ["run", "x", "image/*,*/*;q=0.5", "Run/1", None, None],
    ]


def test_authorization_of_a_header_comes_before_that_of_the_url(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": GOOD})

    engine.mirror(server.url("/a.jpg").replace("://", "://user:pass@"), headers={"authorization": "Bearer abc"})

    assert server.requests[0].headers["authorization"] == "Bearer abc"


def test_cookies_go_along_with_the_redirects_that_they_are_for(serve: Serve, engine: Engine) -> None:
    """A server that redirects to the same URL until its cookie comes back."""
    other = serve({"/c.jpg": GOOD})

    def gate(visit: Visit) -> None:
        seen = "seen=1" in visit.headers.get("cookie", "")
        cookies = [
            ("Set-Cookie", "seen=1; Path=/"),
            ("Set-Cookie", "deep=1; Path=/deep"),
            ("Set-Cookie", "tls=1; Secure"),
        ]
        (redirect(other.url("/c.jpg")) if seen else answer(302, [("Location", "/a.jpg"), *cookies]))(visit)

    server = serve({"/a.jpg": gate})
    result = engine.mirror({"url": server.url("/a.jpg"), "headers": {"Cookie": "id=7"}})

    assert result.stored == [1]
    assert [request.headers.get("cookie") for request in server.requests] == ["id=7", "id=7; seen=1"]


def test_cookies_of_a_domain_are_sent_to_its_other_hosts_and_to_no_other_domain(serve: Serve, engine: Engine) -> None:
    third = serve({"/d.jpg": GOOD})
    second = serve({"/c.jpg": redirect(third.url("/d.jpg", "cdn.other.test"))})
    cookies = [
        ("Set-Cookie", "wide=1; Domain=museum.test"),
        ("Set-Cookie", "narrow=1"),
        ("Set-Cookie", "no=1; Domain=other.test"),
    ]
    first = serve({"/a.jpg": answer(302, [("Location", second.url("/c.jpg", "img.museum.test")), *cookies])})

    assert engine.mirror(first.url("/a.jpg", "www.museum.test")).stored == [1]
    assert second.requests[0].headers["cookie"] == "wide=1"
    assert "cookie" not in third.requests[0].headers


def test_the_cookies_of_a_redirect_are_not_sent_with_another_row(serve: Serve, engine: Engine) -> None:
    hop = answer(302, {"Location": "/c.jpg", "Set-Cookie": "id=7; Path=/"})
    server = serve({"/a.jpg": hop, "/b.jpg": GOOD, "/c.jpg": GOOD})
    assert engine.mirror(server.url("/a.jpg"), server.url("/b.jpg"), per_host=1).stored == [1, 2]
    assert [visit.path for visit in server.requests if "cookie" in visit.headers] == ["/c.jpg"]


def test_the_cookies_of_an_earlier_row_are_not_sent(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": answer(headers={"Set-Cookie": "id=7; Path=/"}, body=JPEG), "/b.jpg": GOOD})
    assert engine.mirror(server.url("/a.jpg"), server.url("/b.jpg"), per_host=1).stored == [1, 2]
    assert not any("cookie" in request.headers for request in server.requests)


def test_the_environments_proxies_and_netrc_are_ignored(
    serve: Serve, engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    proxy, server = serve(bare=closing()), serve({"/a.jpg": GOOD})
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url())
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    assert engine.mirror(server.url("/a.jpg")).stored == [1]
    assert proxy.connections == 0
    assert "authorization" not in server.requests[0].headers


def test_the_request_identifies_the_client_and_accepts_no_content_encoding(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": GOOD})
    engine.mirror(server.url("/a.jpg"))
    headers = server.requests[0].headers
    assert headers["user-agent"].startswith("image-mirror/")
    assert "test@example.com" in headers["user-agent"]
    assert headers["accept-encoding"] == "identity"


def test_an_etag_that_cannot_be_sent_back_is_not_stored(serve: Serve, engine: Engine) -> None:
    """The HTTP library unfolds an ETag of two lines."""
    server = serve({"/a.jpg": closing(b'HTTP/1.1 200 OK\r\nETag: "a\r\n b"\r\nLast-Modified: now\xff\r\n\r\n', JPEG)})
    (row,) = engine.mirror(server.url("/a.jpg")).table.rows.values()
    assert row["etag"].isprintable()
    assert "last_modified" not in row


def test_304_to_a_conditional_request_is_unchanged(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": in_turn(closing(head(304)))})
    record = {"url": server.url("/a.jpg"), "etag": '"v1"', "run_id": "earlier", "object_key": "images/a"}
    result = engine.mirror(server.url("/a.jpg"), records=[record], on_existing="refresh")
    assert [line["outcome"] for line in result.lines] == ["unchanged"]
    assert server.requests[0].headers["if-none-match"] == '"v1"'


def test_slashes_at_the_start_of_a_path_are_not_a_host(serve: Serve, engine: Engine, connects: Recording) -> None:
    server = serve({"//evil.test/a.jpg": answer(body=images.jpeg())})

    result = engine.mirror(server.url("//evil.test/a.jpg"))

    assert result.stored == [1]
    assert {target[0] for target in connects.targets} == {"127.0.0.1"}
