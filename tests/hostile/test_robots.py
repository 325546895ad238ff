"""robots.txt over real connections: what its answer means for the rows, and how often it is requested."""

import gzip
import hashlib
import threading
from collections.abc import Callable

import pytest

from functions.core.model.errors import TableFault
from functions.core.model.types import RobotsRecord, RobotsState
from functions.core.web.robots.fleet import KEEP_SECONDS
from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine
from tests.support.hosts import FakeHostsTable
from tests.support.images import png
from tests.support.servers import (
    Authority,
    Behaviour,
    Server,
    answer,
    closing,
    dripping,
    head,
    holding,
    in_turn,
    redirect,
    resetting,
)

IMAGE = answer(200, {"Content-Type": "image/png"}, png())
DISALLOW_ALL = b"User-agent: *\nDisallow: /\n"


def text(body: bytes, status: int = 200, **headers: str) -> Behaviour:
    return answer(status, {"Content-Type": "text/plain", **{n.replace("_", "-"): v for n, v in headers.items()}}, body)


def site(serve: Serve, robots: Behaviour, **routes: Behaviour) -> Server:
    others = {f"/{name}": behaviour for name, behaviour in routes.items()}
    return serve({"/robots.txt": robots, "/a.png": IMAGE, "/b/c.png": IMAGE, **others})


def test_a_disallowed_row_fails_with_the_line_of_the_rule(serve: Serve, engine: Engine) -> None:
    server = site(serve, text(b"User-agent: *\nAllow: /a\nDisallow: /b/ # private\n"))

    result = engine.mirror(server.url("/a.png"), server.url("/b/c.png"), robots="obey")

    assert result.stored == [1]
    (failure,) = result.failures
    assert (failure["reason"], failure["retryable"], failure["http_status"]) == ("robots", False, None)
    assert failure["message"] == f"{server.url('/robots.txt')} disallows this URL, in line 3: Disallow: /b/"
    assert server.hits == {"/robots.txt": 1, "/a.png": 1}


def test_the_group_of_the_program_holds_instead_of_that_for_all(serve: Serve, engine: Engine) -> None:
    server = site(serve, text(DISALLOW_ALL + b"User-agent: image-mirror\nDisallow: /b/\n"))

    result = engine.mirror(server.url("/a.png"), server.url("/b/c.png"), robots="obey")

    assert result.stored == [1]


def test_a_run_that_records_stores_all_and_says_what_is_disallowed(serve: Serve, engine: Engine) -> None:
    server = site(serve, text(b"User-agent: *\nDisallow: /b/\nDisallow: /gone"), **{"gone.png": answer(404)})

    result = engine.mirror(*(server.url(path) for path in ("/a.png", "/b/c.png", "/gone.png")), robots="record")

    assert result.stored == [1, 2]
    message = f"{server.url('/robots.txt')} disallows this URL, in line"
    assert [line.get("signals") for line in result.lines] == [
        None,
        {"robots.txt": [f"{message} 2: Disallow: /b/"]},
        {"robots.txt": [f"{message} 3: Disallow: /gone"]},
    ]
    assert result.failures[0]["reason"] == "http_4xx"


def test_a_run_that_ignores_robots_txt_does_not_request_it(serve: Serve, engine: Engine) -> None:
    server = site(serve, text(DISALLOW_ALL))

    result = engine.mirror(server.url("/a.png"), robots="ignore")

    assert result.stored == [1]
    assert server.hits["/robots.txt"] == 0
    assert engine.hosts.reads == engine.hosts.claims == []


@pytest.mark.parametrize(
    "robots",
    [
        answer(404),
        answer(401),
        answer(403),
        answer(410),
        answer(451),
        answer(204),
        answer(302),  # without a target
        redirect("ftp://example.com/robots.txt"),
        text(b""),
        text(b"<!doctype html><title>Not here</title>"),
        text(b"\xff\xfe\x00binary" * 50),
    ],
)
def test_without_rules_everything_is_allowed(robots: Behaviour, serve: Serve, engine: Engine) -> None:
    assert engine.mirror(site(serve, robots).url("/a.png"), robots="obey").stored == [1]


@pytest.mark.parametrize(
    ("robots", "why"),
    [
        (answer(500), "500"),
        (answer(503), "503"),
        (answer(429), "429"),
        (answer(599), "599"),
        (closing(), "Connection lost"),
        (resetting(head(200, {"Content-Length": "100"}), b"User-agent"), "closed before the end"),
        (closing(b"garbage\r\n\r\n"), "not valid HTTP"),
        (text(b"\x00\x01" * 50, Content_Encoding="br"), "Content-Encoding br"),
        (text(gzip.compress(DISALLOW_ALL)[:-9], Content_Encoding="gzip"), "truncated"),
        (redirect("http://10.0.0.1/robots.txt"), "blocked"),
        (redirect("http://none.invalid/robots.txt"), "DNS"),
    ],
)
def test_a_robots_txt_that_cannot_be_read_disallows_for_now(
    robots: Behaviour, why: str, serve: Serve, engine: Engine
) -> None:
    server = site(serve, robots)

    result = engine.mirror(server.url("/a.png"), server.url("/b/c.png"), robots="obey", rounds=1)

    assert [(line["reason"], line["retryable"]) for line in result.failures] == [("robots", True)] * 2
    assert all(f"{server.url('/robots.txt')} cannot be read" in line["message"] for line in result.failures)
    assert why in result.failures[0]["message"]
    assert server.hits["/a.png"] == server.hits["/b/c.png"] == 0


@pytest.mark.parametrize(
    "robots", [holding(), holding(head(200, {"Content-Length": "9"})), dripping(head(), b"User-agent: *\nDisallow: ")]
)
def test_a_slow_robots_txt_ends_with_the_time_of_the_row(robots: Behaviour, serve: Serve, engine: Engine) -> None:
    result = engine.mirror(site(serve, robots).url("/a.png"), robots="obey", rounds=1, timeout=0.4)

    assert [(line["reason"], line["retryable"]) for line in result.failures] == [("robots", True)]
    assert "not complete in time" in result.failures[0]["message"]


def test_the_fleet_asks_again_when_the_server_has_said(serve: Serve, engine: Engine) -> None:
    server = site(serve, in_turn(answer(503, {"Retry-After": "7"}), text(b"")))

    result = engine.mirror(server.url("/a.png"), robots="obey", rounds=1)

    assert result.failures[0]["retryable"]
    record = engine.hosts.records[server.url("")]
    assert record.state is RobotsState.UNREADABLE
    assert 4 <= record.expires_at - engine.robots._clock() <= 7


def test_rows_are_deferred_until_robots_txt_may_be_asked_again(serve: Serve, engine: Engine) -> None:
    server = site(serve, in_turn(answer(503, {"Retry-After": "0"}), text(b"")))

    result = engine.mirror(server.url("/a.png"), robots="obey")

    assert len(result.waits) == 1
    assert result.stored == [1]


@pytest.mark.parametrize(
    ("url", "reason"),
    [("http://none.invalid/a.png", "dns"), ("http://10.0.0.1/a.png", "blocked_address")],
)
def test_a_host_that_cannot_be_connected_fails_as_without_robots_txt(url: str, reason: str, engine: Engine) -> None:
    ours, without = (engine.mirror(url, robots=robots, rounds=1).failures[0] for robots in ("obey", "ignore"))

    assert ours["reason"] == reason
    assert ours == without


def test_a_port_where_nothing_listens_fails_as_without_robots_txt(serve: Serve, engine: Engine) -> None:
    server = serve({})
    server.stop()

    ours, without = (
        engine.mirror(server.url("/a.png"), robots=robots, rounds=1).failures[0] for robots in ("obey", "ignore")
    )

    assert ours["reason"] == "connect"
    assert ours == without


def test_a_certificate_that_is_not_valid_fails_as_without_robots_txt(
    serve: Serve, engine: Engine, authority: Authority
) -> None:
    server = serve({"/a.png": IMAGE}, tls=authority.context("other.test"))

    ours, without = (
        engine.mirror(server.url("/a.png", "mine.test"), robots=robots, rounds=1).failures[0]
        for robots in ("obey", "ignore")
    )

    assert ours["reason"] == "tls"
    assert ours == without


def test_redirect_targets_are_checked_before_they_are_requested(serve: Serve, engine: Engine) -> None:
    target = site(serve, text(b"User-agent: *\nDisallow: /b/"))
    first = serve({"/a.png": redirect(target.url("/b/c.png")), "/ok.png": redirect(target.url("/a.png"))})

    result = engine.mirror(first.url("/a.png"), first.url("/ok.png"), robots="obey")

    assert result.stored == [2]
    assert result.failures[0]["message"].startswith(target.url("/robots.txt"))
    assert target.hits == {"/robots.txt": 1, "/a.png": 1}


def test_http_https_and_other_ports_have_a_robots_txt_each(serve: Serve, engine: Engine, authority: Authority) -> None:
    plain = site(serve, text(DISALLOW_ALL))
    other = site(serve, text(b""))
    secure = serve({"/robots.txt": answer(404), "/a.png": IMAGE}, tls=authority.context("one.test"))

    result = engine.mirror(
        plain.url("/a.png", "one.test"),
        other.url("/a.png", "one.test"),
        secure.url("/a.png", "one.test"),
        robots="obey",
    )

    assert result.stored == [2, 3]
    assert [server.hits["/robots.txt"] for server in (plain, other, secure)] == [1, 1, 1]


def test_robots_txt_itself_is_always_allowed(serve: Serve, engine: Engine) -> None:
    server = serve({"/robots.txt": IMAGE})

    assert engine.mirror(server.url("/robots.txt"), robots="obey").stored == [1]
    assert server.hits == {"/robots.txt": 1}


@pytest.mark.parametrize("hops", [1, 5])
def test_redirects_of_robots_txt_are_followed(hops: int, serve: Serve, engine: Engine) -> None:
    chain = {f"/{hop}": redirect(f"/{hop + 1}") for hop in range(1, hops)}
    server = serve({"/robots.txt": redirect("/1"), **chain, f"/{hops}": text(DISALLOW_ALL), "/a.png": IMAGE})

    assert engine.mirror(server.url("/a.png"), robots="obey").failures[0]["reason"] == "robots"
    assert server.hits["/a.png"] == 0


def test_after_five_redirects_there_is_no_robots_txt(serve: Serve, engine: Engine) -> None:
    chain = {f"/{hop}": redirect(f"/{hop + 1}") for hop in range(1, 6)}
    server = serve({"/robots.txt": redirect("/1"), **chain, "/6": text(DISALLOW_ALL), "/a.png": IMAGE})

    assert engine.mirror(server.url("/a.png"), robots="obey").stored == [1]
    assert server.hits["/6"] == 0


def test_a_large_robots_txt_is_read_up_to_its_limit(serve: Serve, engine: Engine) -> None:
    rules = b"User-agent: *\nDisallow: /a.png\n" + b"# nothing\n" * 100_000
    server = site(serve, text(rules + b"User-agent: *\nDisallow: /\n"))

    result = engine.mirror(server.url("/a.png"), server.url("/b/c.png"), robots="obey")

    assert result.stored == [2]


@pytest.mark.parametrize("body", [gzip.compress(DISALLOW_ALL), DISALLOW_ALL], ids=["compressed", "not compressed"])
def test_a_content_encoding_is_decoded_where_it_is_true(body: bytes, serve: Serve, engine: Engine) -> None:
    server = site(serve, text(body, Content_Encoding="gzip"))

    assert engine.mirror(server.url("/a.png"), robots="obey").stored == []


def test_a_dropped_connection_is_retried_once(serve: Serve, engine: Engine) -> None:
    server = site(serve, in_turn(closing(), text(b"")))

    assert engine.mirror(server.url("/a.png"), robots="obey").stored == [1]
    assert server.hits["/robots.txt"] == 2


def test_the_request_has_no_headers_of_the_row(serve: Serve, engine: Engine) -> None:
    server = site(serve, text(b""))
    row = {
        "url": server.url("/a.png").replace("//", "//user:word@"),
        "headers": {"Authorization": "Bearer 1", "Cookie": "a=b"},
    }

    engine.mirror(row, robots="obey", user_agent="Mine/1.0 (+https://example.com)")

    robots = next(visit for visit in server.requests if visit.path == "/robots.txt")
    names = {name.lower(): value for name, value in robots.headers.items()}
    assert not {"authorization", "cookie"} & set(names)
    assert names["user-agent"] == "Mine/1.0 (+https://example.com)"


def test_rows_with_checksums_need_no_certificate_for_robots_txt_either(
    serve: Serve, engine: Engine, authority: Authority
) -> None:
    server = serve({"/robots.txt": answer(404), "/a.png": IMAGE}, tls=authority.context("other.test"))
    row = {"url": server.url("/a.png", "mine.test"), "size": len(png()), "sha256": hashlib.sha256(png()).hexdigest()}

    assert engine.mirror(row, robots="obey", verify_tls=False).stored == [1]


def test_one_request_serves_all_rows_batches_and_environments(serve: Serve, make_engine: Callable[..., Engine]) -> None:
    hosts = FakeHostsTable()
    engines = [make_engine(hosts=hosts) for _ in range(3)]
    gate = threading.Barrier(len(engines))
    server = serve({"/robots.txt": text(b"User-agent: *\nDisallow: /b/"), **{f"/{n}.png": IMAGE for n in range(90)}})
    results = []

    def environment(number: int) -> None:
        gate.wait()
        rows = [server.url(f"/{row}.png") for row in range(number * 30, number * 30 + 30)]
        results.append(engines[number].mirror(*rows, robots="obey", rounds=3))

    threads = [threading.Thread(target=environment, args=(number,)) for number in range(len(engines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engines[0].mirror(server.url("/1.png"), robots="obey")

    assert sum(len(result.stored) for result in results) == 90
    assert server.hits["/robots.txt"] == 1
    assert len(hosts.puts) == 1


def test_each_environment_reads_it_without_the_table(serve: Serve, make_engine: Callable[..., Engine]) -> None:
    server = site(serve, text(b"User-agent: *\nDisallow: /b/"))
    hosts = FakeHostsTable()
    hosts.faults.extend([TableFault("throttled")] * 50)

    for engine in (make_engine(hosts=hosts), make_engine(hosts=hosts)):
        result = engine.mirror(server.url("/a.png"), server.url("/b/c.png"), robots="obey")
        assert (result.stored, result.failures[0]["reason"]) == ([1], "robots")

    assert server.hits["/robots.txt"] == 2
    assert len(hosts.faults) == 48, "a table that fails is not used again at once"


def test_rules_that_another_batch_has_read_are_not_requested(serve: Serve, make_engine: Callable[..., Engine]) -> None:
    server = site(serve, text(b"User-agent: *\nDisallow: /b/"))
    hosts = FakeHostsTable()
    make_engine(hosts=hosts).mirror(server.url("/a.png"), robots="obey")

    later = make_engine(hosts=hosts)
    result = later.mirror(server.url("/a.png"), server.url("/b/c.png"), robots="obey")

    assert (result.stored, [line["reason"] for line in result.failures]) == ([1], ["robots"])
    assert server.hits["/robots.txt"] == 1
    assert len(hosts.claims) == 1


def test_rules_are_read_again_after_a_day(serve: Serve, engine: Engine) -> None:
    server = site(serve, in_turn(text(DISALLOW_ALL), text(b"")))
    now = [engine.robots._clock()]
    engine.robots._clock = engine.robots._fleet._clock = lambda: now[0]

    results = []
    for seconds in (0, KEEP_SECONDS - 2, 3):
        now[0] += seconds
        results.append(engine.mirror(server.url("/a.png"), robots="obey").stored)

    assert results == [[], [], [1]]
    assert server.hits["/robots.txt"] == 2


def test_a_file_that_another_batch_reads_is_waited_for(serve: Serve, engine: Engine) -> None:
    server = site(serve, text(b""))
    origin = server.url("")
    engine.hosts.records[origin] = RobotsRecord(RobotsState.READING, 2**40, b"other")

    def found(seconds: float) -> None:
        engine.hosts.records[origin] = RobotsRecord(
            RobotsState.UNREADABLE, int(engine.robots._clock()) + 60, b"unreadable there"
        )

    engine.robots._fleet._sleep = found
    result = engine.mirror(server.url("/a.png"), robots="obey", rounds=1)

    assert result.failures[0]["message"] == "unreadable there"
    assert server.hits["/robots.txt"] == 0


def test_rows_are_deferred_while_another_batch_reads_it_for_too_long(serve: Serve, engine: Engine) -> None:
    server = site(serve, text(b""))
    until = int(engine.robots._clock()) + 5
    engine.hosts.records[server.url("")] = RobotsRecord(RobotsState.READING, until, b"other")
    waited: list[float] = []
    engine.robots._fleet._sleep = waited.append

    result = engine.mirror(server.url("/a.png"), robots="obey", rounds=1, timeout=0.9)

    assert (result.failures[0]["reason"], result.failures[0]["retryable"]) == ("robots", True)
    assert waited == [0.1, 0.2, 0.4], "never longer than the time of the row"
