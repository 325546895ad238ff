"""Faults of servers, and the expected result of the row: one line each."""

import gzip
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.support import images
from tests.support.servers import (
    Behaviour,
    answer,
    closing,
    dripping,
    flooding,
    head,
    holding,
    redirect,
    resetting,
    silent,
)

JPEG = images.jpeg()
GOOD = answer(headers={"Content-Type": "image/jpeg"}, body=JPEG)
ROUNDS = 2
IN_PLACE = 2
"""Attempts after a dropped connection in each round."""

BRIEF = {"timeout": 0.3}
SMALL = {"max_bytes": 256 * 1024}
ZEROS = bytes(64 * 1024)


@dataclass(frozen=True)
class Fault:
    """`tries` is the number of requests that the server must receive in all rounds."""

    what: str
    behaviour: Behaviour
    reason: str
    tries: int = 1
    status: int | None = None
    retryable: bool = False
    options: dict[str, Any] = field(default_factory=dict)


def dropped(what: str, behaviour: Behaviour) -> Fault:
    return Fault(what, behaviour, "connect", ROUNDS * IN_PLACE, retryable=True)


def nonsense(what: str, *pieces: bytes) -> Fault:
    return Fault(what, closing(*pieces), "connect", ROUNDS, retryable=True)


def endless(what: str, behaviour: Behaviour) -> Fault:
    return Fault(what, behaviour, "timeout", ROUNDS, retryable=True, options=BRIEF)


def too_large(what: str, behaviour: Behaviour) -> Fault:
    return Fault(what, behaviour, "too_large", status=200, options=SMALL)


def incomplete(what: str, behaviour: Behaviour) -> Fault:
    return Fault(what, behaviour, "incomplete_body", ROUNDS, 200, retryable=True)


def client_error(status: int) -> Fault:
    return Fault(f"a {status}", answer(status, body=b"no"), "http_4xx", status=status)


def server_error(status: int) -> Fault:
    return Fault(f"a {status}", answer(status, body=b"ouch"), "http_5xx", ROUNDS, status, retryable=True)


def busy(what: str, status: int, headers: dict[str, str]) -> Fault:
    return Fault(f"a {status} {what}", answer(status, headers), "http_busy", ROUNDS, status, retryable=True)


def not_an_image(what: str, behaviour: Behaviour, status: int | None = 200) -> Fault:
    return Fault(what, behaviour, "not_an_image", status=status)


def opting_out(*tags: str) -> Fault:
    behaviour = answer(headers=[("X-Robots-Tag", tag) for tag in tags], body=JPEG)
    return Fault(f"X-Robots-Tag: {' | '.join(tags)}", behaviour, "opt_out", status=200)


def whole(body: bytes, **headers: str) -> Behaviour:
    return answer(headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body)


def unsized(body: bytes) -> Behaviour:
    return closing(head(), body)


def chunked(*chunks: bytes) -> Behaviour:
    return closing(head(headers={"Transfer-Encoding": "chunked"}), *chunks)


def in_a_minute(visit: Any) -> None:
    answer(503, {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)})(visit)


def long_head(visit: Any) -> None:
    closing(head(headers=[(f"X-{n}", "x" * 1000) for n in range(90)]), JPEG)(visit)


FAULTS = (
    # Connections that are dropped
    dropped("a reset before the status line", resetting()),
    dropped("an end before the status line", closing()),
    dropped("an end in the middle of the headers", closing(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nX-Half: wor")),
    dropped("a redirect cut off in its Location", closing(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/a")),
    nonsense("an end in the middle of the status line", b"HTTP/1.1 20"),
    # Servers that do not speak HTTP
    nonsense("HTTP/0.9", JPEG),
    nonsense("a status that is not a number", b"HTTP/1.1 OK fine\r\n\r\n"),
    nonsense("headers by the thousand", head(headers=[(f"X-{n}", "x") for n in range(3000)]), JPEG),
    Fault("a head of 90 KB", long_head, "connect", ROUNDS, retryable=True),
    Fault("100 without end", flooding(b"", head(100)), "connect", ROUNDS, retryable=True),
    Fault("103 without end", flooding(b"", head(103)), "connect", ROUNDS, retryable=True),
    # Servers that never end
    endless("silence", silent),
    endless("headers that drip", dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"z")),
    endless("a header line each", dripping(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n")),
    endless("100s that drip", dripping(b"", head(100) * 3)),
    endless("a sized body that drips", dripping(head(headers={"Content-Length": "99999"}), JPEG)),
    endless("an unsized body that drips", dripping(head(), JPEG)),
    endless("an unsized image without an end mark that drips", dripping(head() + images.bmp(), b"\x00")),
    endless("a chunk size that drips", dripping(head(headers={"Transfer-Encoding": "chunked"}), b"0")),
    endless(
        "trailers without end", dripping(head(headers={"Transfer-Encoding": "chunked"}) + b"0\r\n", b"A: b\r\n" * 9)
    ),
    endless("a body that never comes", holding(head(headers={"Content-Length": "5000"}))),
    endless(
        "a chunk that is announced and no more", holding(head(headers={"Transfer-Encoding": "chunked"}), b"ff\r\n")
    ),
    # Bodies without end
    too_large("an endless body", flooding(head() + JPEG, ZEROS)),
    too_large(
        "an endless body in chunks",
        flooding(head(headers={"Transfer-Encoding": "chunked"}), b"a\r\n\xff\xd8\xff4567890\r\n"),
    ),
    too_large("a Content-Length over the limit", closing(head(headers={"Content-Length": str(10**30)}), JPEG)),
    too_large("a gzip bomb", whole(gzip.compress(JPEG + bytes(64 * 1024 * 1024)), Content_Encoding="gzip")),
    too_large("a deflate bomb", whole(zlib.compress(JPEG + bytes(8 * 1024 * 1024)), Content_Encoding="deflate")),
    too_large(
        "an endless tail behind gzip",
        flooding(head(headers={"Content-Encoding": "gzip"}) + gzip.compress(JPEG, mtime=0), ZEROS),
    ),
    # Bodies without their end
    incomplete("a short body", closing(head(headers={"Content-Length": "5000"}), JPEG)),
    incomplete("a reset in the body", resetting(head(headers={"Content-Length": "5000"}), JPEG)),
    incomplete("unfinished chunks", chunked(b"%x\r\n" % len(JPEG), JPEG, b"\r\n")),
    incomplete("a chunk cut off", chunked(b"ffff\r\n", JPEG)),
    incomplete("a negative chunk size", chunked(b"-5\r\n", JPEG)),
    incomplete("a chunk size that is not a number", chunked(b"zz\r\n", JPEG)),
    incomplete("truncated gzip", whole(gzip.compress(JPEG, mtime=0)[:-9], Content_Encoding="gzip")),
    incomplete("invalid gzip", whole(b"\x1f\x8b" + JPEG, Content_Encoding="gzip")),
    *(
        incomplete(f"a {sample.name} without its end", unsized(sample.data[:-4]))
        for sample in images.SAMPLES
        if sample.ends and sample.name != "svg"  # which a run must ask for
    ),
    *(
        Fault(
            f"a {sample.name} that is truncated on its server", whole(sample.data[:-4]), "incomplete_body", status=200
        )
        for sample in images.SAMPLES
        if sample.ends and sample.name != "svg"  # which a run must ask for
    ),
    Fault(
        "a Content-Length that is too small",
        closing(head(headers={"Content-Length": "60"}), JPEG),
        "incomplete_body",
        status=200,
    ),
    # Nothing at all
    Fault("0 bytes with 200", answer(), "empty_body", status=200),
    Fault("0 bytes without a length", closing(head()), "empty_body", status=200),
    Fault("0 bytes in gzip", whole(gzip.compress(b"", mtime=0), Content_Encoding="gzip"), "empty_body", status=200),
    Fault("a 204", closing(head(204)), "empty_body", status=204),
    *(
        Fault(
            f"a 206 with Content-Range {value}",
            answer(206, {"Content-Range": value}, JPEG),
            "incomplete_body",
            status=206,
        )
        for value in ("bytes 0-9/20", "bytes 1-9/10", "bytes 0-9/*", "bytes */10", "items 0-9/10", "")
    ),
    # Statuses
    not_an_image("an unconditional 304", closing(head(304)), 304),
    not_an_image("a 101", closing(head(101)), 101),
    not_an_image("a 300", answer(300, body=JPEG), 300),
    not_an_image("a 302 to nowhere", answer(302), 302),
    not_an_image("a 999", answer(999, body=JPEG), 999),
    *map(client_error, (403, 404, 410, 451)),
    *map(server_error, (500, 502, 504)),
    busy("without Retry-After", 503, {}),
    busy("with Retry-After in seconds", 429, {"Retry-After": "2"}),
    Fault("a 503 with Retry-After as a date", in_a_minute, "http_busy", ROUNDS, 503, retryable=True),
    Fault(
        "a 503 with an absurd Retry-After", answer(503, {"Retry-After": "9" * 40}), "http_busy", 1, 503, retryable=True
    ),
    busy("with garbage in Retry-After", 429, {"Retry-After": "soon"}),
    # Bodies that are not images
    not_an_image("HTML as image/jpeg", whole(images.HTML, Content_Type="image/jpeg")),
    not_an_image("SVG, which is not in allowed_types", whole(images.svg(), Content_Type="image/svg+xml")),
    *(
        not_an_image(f"a body in {coding}", whole(b"\x0b\x02\x80" + JPEG, Content_Encoding=coding))
        for coding in ("br", "zstd", "compress", "gzip, br")
    ),
    # Redirects
    Fault("a redirect to itself", redirect("/bad.jpg"), "too_many_redirects", 11),
    Fault("an unparsable Location", redirect("http://[::1"), "blocked_address", status=302),
    Fault("a Location of control characters", redirect("http://a\x01b/"), "blocked_address", status=302),
    # Opt-outs
    opting_out("noai"),
    opting_out("noindex, NoImageAI"),
    opting_out("noimageindex"),
    opting_out("otherbot: noindex", "noai"),
    opting_out("image-mirror: noai"),
    opting_out("unavailable_after: Sun, 25 Jun 2040 15:00:00 GMT, noai"),
)
