"""What redirects and headers may and may not do."""

import gzip
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
        pytest.param(closing(head(headers={"Content-Length": "many"}), JPEG), id="with a length of junk"),
        pytest.param(closing(b"HTTP/1.1 200 OK\nX-Bare: newlines\n\n", JPEG), id="with bare newlines"),
        pytest.param(closing(b"HTTP/1.0 200\r\nno colon here\r\n\r\n", JPEG), id="with a header that is none"),
        pytest.param(answer(headers={"Content-Encoding": "gzip"}, body=gzip.compress(JPEG, mtime=0)), id="in gzip"),
        pytest.param(answer(headers={"Content-Type": "text/html"}, body=JPEG), id="as text/html"),
        pytest.param(answer(headers={"X-Robots-Tag": "otherbot: noai, noimageai"}, body=JPEG), id="others kept out"),
        pytest.param(answer(headers={"X-Robots-Tag": "noindex, nofollow"}, body=JPEG), id="not for search"),
        pytest.param(answer(headers={"ETag": "x" * 5000}, body=JPEG), id="with an ETag of 5,000 bytes"),
    ],
)
def test_an_image_is_stored(behaviour: Behaviour, serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": behaviour})
    made = engine.mirror(server.url("/a.jpg"))
    assert made.stored == [1]
    (stored,) = made.store.objects.values()
    assert (stored.data, stored.content_type) == (JPEG, "image/jpeg")
    assert len(str(made.table.rows)) < 1024


def test_an_opt_out_counts_for_nothing_where_the_run_says_so(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": answer(headers={"X-Robots-Tag": "noai"}, body=JPEG)})
    assert engine.mirror(server.url("/a.jpg"), respect_opt_out=False).stored == [1]


def test_svg_is_stored_where_the_run_allows_it_and_named_what_it_is(serve: Serve, engine: Engine) -> None:
    server = serve({"/a": answer(headers={"Content-Type": "text/html"}, body=images.svg())})
    made = engine.mirror(server.url("/a"), allowed_types=("svg",))
    assert [stored.content_type for stored in made.store.objects.values()] == ["image/svg+xml"]


@pytest.mark.parametrize(("hops", "reason", "asked"), [(5, None, 1), (6, "too_many_redirects", 0)])
def test_five_hops_are_followed_and_not_six(
    hops: int, reason: str | None, asked: int, serve: Serve, engine: Engine
) -> None:
    routes: dict[str, Behaviour] = {f"/{n}": redirect(f"/{n + 1}") for n in range(hops)}
    server = serve({**routes, f"/{hops}": GOOD})
    made = engine.mirror(server.url("/0"))
    assert [line.get("reason") for line in made.lines] == [reason]
    assert server.hits[f"/{hops}"] == asked
    assert server.hits.total() == 6


def test_a_loop_of_two_hosts_ends(serve: Serve, engine: Engine) -> None:
    one, two = serve(), serve()
    one.routes["/a"] = redirect(two.url("/b"))
    two.routes["/b"] = redirect(one.url("/a"))
    made = engine.mirror(one.url("/a"))
    assert made.failures[0]["reason"] == "too_many_redirects"
    assert (one.hits["/a"], two.hits["/b"]) == (3, 3)


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
    made = engine.mirror(server.url("/a.jpg"), max_bytes=256 * 1024)
    assert [line.get("reason") for line in made.lines] == [reason]
    assert sent < 16 * 1024 * 1024  # what the sockets' buffers take


def test_a_location_in_utf_8_is_followed(serve: Serve, engine: Engine) -> None:
    server = serve({"/a": redirect("/bäume/linde.jpg".encode().decode("latin-1")), "/b%C3%A4ume/linde.jpg": GOOD})
    assert engine.mirror(server.url("/a")).stored == [1]


def test_what_is_secret_stays_with_the_origin_it_was_meant_for(serve: Serve, engine: Engine) -> None:
    other = serve({"/c.jpg": GOOD})
    server = serve({"/a.jpg": redirect("/b.jpg"), "/b.jpg": redirect(other.url("/c.jpg"))})
    url = server.url("/a.jpg").replace("://", "://user:hunter2@")
    made = engine.mirror({"url": url, "headers": {"Cookie": "id=7", "X-Token": "abc"}})
    assert made.stored == [1]
    first, second = server.requests
    for request in (first, second):
        assert request.headers["cookie"] == "id=7"
        assert request.headers["x-token"] == "abc"
        assert request.headers["authorization"].startswith("Basic ")
    assert not {"cookie", "x-token", "authorization", "referer"} & set(other.requests[0].headers)


def test_an_earlier_rows_cookies_are_not_sent(serve: Serve, engine: Engine) -> None:
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


def test_the_request_says_who_asks_and_asks_for_bytes_as_they_are(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": GOOD})
    engine.mirror(server.url("/a.jpg"))
    headers = server.requests[0].headers
    assert headers["user-agent"].startswith("image-mirror/")
    assert "test@example.com" in headers["user-agent"]
    assert headers["accept-encoding"] == "identity"


def test_an_etag_that_cannot_be_sent_back_is_not_kept(serve: Serve, engine: Engine) -> None:
    """One that is folded over two lines comes unfolded from the HTTP library."""
    server = serve({"/a.jpg": closing(b'HTTP/1.1 200 OK\r\nETag: "a\r\n b"\r\nLast-Modified: now\xff\r\n\r\n', JPEG)})
    (row,) = engine.mirror(server.url("/a.jpg")).table.rows.values()
    assert row["etag"].isprintable()
    assert "last_modified" not in row


def test_304_to_a_conditional_request_is_unchanged(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": in_turn(closing(head(304)))})
    known = {"url": server.url("/a.jpg"), "etag": '"v1"', "run_id": "earlier", "object_key": "images/a"}
    made = engine.mirror(server.url("/a.jpg"), known=[known], on_existing="refresh")
    assert [line["outcome"] for line in made.lines] == ["unchanged"]
    assert server.requests[0].headers["if-none-match"] == '"v1"'


def test_slashes_at_the_beginning_of_a_path_name_no_host(serve: Serve, engine: Engine, connects: Recording) -> None:
    server = serve({"/evil.test/a.jpg": answer(body=images.jpeg())})

    made = engine.mirror(server.url("//evil.test/a.jpg"))

    assert made.stored == [1]
    assert {target[0] for target in connects.targets} == {"127.0.0.1"}
