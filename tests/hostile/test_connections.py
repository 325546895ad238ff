"""Connections that are refused, stale, or have an invalid certificate."""

import hashlib
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine
from tests.support import images
from tests.support.connects import Recording
from tests.support.servers import (
    Authority,
    Behaviour,
    Server,
    Visit,
    answer,
    closing,
    dripping,
    in_turn,
    resetting,
    silent,
)

JPEG = images.jpeg()
GOOD = answer(body=JPEG)
PROTOCOL_VERSION_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"
"""The alert of a server that supports nothing later than TLS 1.1 (RFC 8446, section 6)."""


def good_pair(serve: Serve) -> tuple[str, str]:
    server = serve({"/a.jpg": GOOD, "/b.jpg": GOOD})
    return server.url("/a.jpg"), server.url("/b.jpg")


def test_a_refused_connection_is_tried_once_a_round(serve: Serve, engine: Engine, connects: Recording) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    a, b = good_pair(serve)
    result = engine.mirror(a, f"http://127.0.0.1:{port}/bad.jpg", b)
    (line,) = result.failures
    assert (line["row"], line["reason"], line["retryable"]) == (2, "connect", True)
    assert result.stored == [1, 3]
    assert [target[1] for target in connects.targets].count(port) == 2


def test_a_connection_that_is_reset_when_it_is_accepted_is_tried_twice_a_round(serve: Serve, engine: Engine) -> None:
    server = serve(bare=resetting())
    a, b = good_pair(serve)
    result = engine.mirror(a, server.url("/bad.jpg"), b)
    (line,) = result.failures
    assert (line["row"], line["reason"], line["retryable"]) == (2, "connect", True)
    assert result.stored == [1, 3]
    assert server.connections == 4


def test_an_idle_connection_that_the_server_closes_at_the_next_request_is_replaced(
    serve: Serve, engine: Engine
) -> None:
    server = serve({"/a.jpg": GOOD, "/b.jpg": in_turn(closing(), GOOD)})
    result = engine.mirror(server.url("/a.jpg"), server.url("/b.jpg"), per_host=1)
    assert result.stored == [1, 2]
    assert len(result.seconds) == 1
    assert (server.hits["/a.jpg"], server.hits["/b.jpg"], server.connections) == (1, 2, 2)


def test_an_idle_connection_that_the_server_has_closed_is_not_used(serve: Serve, engine: Engine) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(JPEG) + JPEG
    server = serve({"/a.jpg": closing(whole), "/b.jpg": GOOD})
    result = engine.mirror(server.url("/a.jpg"), server.url("/b.jpg"), per_host=1)
    assert result.stored == [1, 2]
    assert server.hits["/b.jpg"] in (1, 2)  # 2 if the request is sent before the FIN arrives


def test_every_connection_of_a_restarted_server_is_stale_and_every_row_is_stored(serve: Serve, engine: Engine) -> None:
    first = {f"/{n}.jpg": GOOD for n in range(8)}
    second = {f"/{n}.png": in_turn(resetting(), GOOD) for n in range(8)}
    server = serve({**first, **second})
    assert len(engine.mirror(*(server.url(path) for path in first)).stored) == 8
    result = engine.mirror(*(server.url(path) for path in second))
    assert len(result.stored) == 8
    assert len(result.seconds) == 1


def test_small_error_responses_are_read_so_that_their_connection_is_used_again(serve: Serve, engine: Engine) -> None:
    server = serve({"/a.jpg": GOOD})
    result = engine.mirror(*(server.url(f"/{n}.jpg") for n in range(9)), server.url("/a.jpg"), per_host=1)
    assert result.stored == [10]
    assert server.connections == 1


def test_an_error_response_whose_body_never_comes_keeps_its_status_and_takes_no_time(
    serve: Serve, engine: Engine
) -> None:
    def without_body(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9000\r\n\r\n")
        visit.hold()

    server = serve({"/bad.jpg": without_body})
    result = engine.mirror(server.url("/bad.jpg"))
    assert (result.failures[0]["reason"], result.failures[0]["http_status"]) == ("http_4xx", 404)
    assert result.seconds[0] < 1


def test_a_valid_certificate_is_accepted(serve: Serve, engine: Engine, authority: Authority) -> None:
    server = serve({"/a.jpg": GOOD, "/b.jpg": GOOD}, tls=authority.context("good.test"))
    result = engine.mirror(server.url("/a.jpg", "good.test"), server.url("/b.jpg", "good.test"), per_host=1)
    assert result.stored == [1, 2]
    assert server.connections == 1


TlsServer = Callable[[Serve, Authority, Path], Server]


def wrong_host(serve: Serve, authority: Authority, _: Path) -> Server:
    return serve({"/bad.jpg": GOOD}, tls=authority.context("other.test"))


def self_signed_context(folder: Path, name: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = folder / "self-signed.pem"
    file.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


def self_signed(serve: Serve, _: Authority, folder: Path) -> Server:
    return serve({"/bad.jpg": GOOD}, tls=self_signed_context(folder, "bad.test"))


def expired(serve: Serve, authority: Authority, _: Path) -> Server:
    return serve({"/bad.jpg": GOOD}, tls=authority.context("bad.test", until=datetime(2020, 1, 1, tzinfo=UTC)))


def unknown_authority(serve: Serve, _: Authority, folder: Path) -> Server:
    return serve({"/bad.jpg": GOOD}, tls=Authority(folder).context("bad.test"))


def tls_1_1(serve: Serve, _: Authority, __: Path) -> Server:
    def old(visit: Visit) -> None:
        visit.sock.recv(4096)
        visit.send(PROTOCOL_VERSION_ALERT)
        visit.hold()

    return serve(bare=old, secure=True)


def only_tls_1_1(serve: Serve, authority: Authority, _: Path) -> Server:
    context = authority.context("bad.test")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.deprecated_call():
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.deprecated_call():
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return serve({"/bad.jpg": GOOD}, tls=context)


def no_tls(serve: Serve, _: Authority, __: Path) -> Server:
    return serve(
        {"/bad.jpg": GOOD}, bare=closing(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), secure=True
    )


@pytest.mark.parametrize(
    ("make_server", "tls_reason"),
    [
        (wrong_host, "certificate is for another host name"),
        (expired, "certificate expired"),
        (self_signed, "self-signed certificate"),
        (unknown_authority, "unknown issuer, or the server does not send its intermediate certificate"),
        (tls_1_1, "no common TLS version, the server's is too old"),
        (only_tls_1_1, "no common TLS version, the server's is too old"),
        (no_tls, "the server does not use TLS on this port"),
    ],
)
def test_a_tls_fault_is_final_at_once_and_has_its_reason(
    make_server: TlsServer, tls_reason: str, serve: Serve, engine: Engine, authority: Authority, tmp_path: Path
) -> None:
    server = make_server(serve, authority, tmp_path)
    a, b = good_pair(serve)
    result = engine.mirror(a, server.url("/bad.jpg", "bad.test"), b)
    (line,) = result.failures
    assert (line["row"], line["reason"], line["retryable"]) == (2, "tls", False)
    assert line["message"] == f"TLS handshake failed: {tls_reason}."
    assert result.stored == [1, 3]
    assert (server.connections, server.hits["/bad.jpg"]) == (1, 0)


@pytest.mark.parametrize("make_server", [wrong_host, expired, self_signed, unknown_authority])
def test_without_verification_any_certificate_is_accepted_for_a_row_with_a_digest(
    make_server: TlsServer, serve: Serve, engine: Engine, authority: Authority, tmp_path: Path
) -> None:
    url = make_server(serve, authority, tmp_path).url("/bad.jpg", "bad.test")
    sha256, md5 = hashlib.sha256(JPEG).hexdigest(), hashlib.md5(JPEG, usedforsecurity=False).hexdigest()
    items = [{"url": f"{url}?1", "sha256": sha256}, {"url": f"{url}?2", "md5": md5}, {"url": f"{url}?3", "size": 1}]

    result = engine.mirror(*items, {"url": f"{url}?4", "sha256": sha256[::-1]}, verify_tls=False)

    assert result.stored == [1, 2]
    assert [(line["row"], line["reason"]) for line in result.failures] == [(3, "tls"), (4, "checksum_mismatch")]
    assert result.failures[0]["message"].endswith(". verify_tls=false applies only to rows with sha256 or md5.")
    assert engine.mirror(items[0]).failures[0]["reason"] == "tls"


def test_a_bad_certificate_fails_each_row_of_its_host_and_does_not_open_the_circuit(
    serve: Serve, engine: Engine, authority: Authority
) -> None:
    server = serve({}, tls=authority.context("other.test"))
    result = engine.mirror(*(server.url(f"/{n}.jpg", "bad.test") for n in range(12)), per_host=2)
    assert {(line["reason"], line["retryable"]) for line in result.failures} == {("tls", False)}
    assert server.connections == 12


@pytest.mark.parametrize(
    ("behaviour", "reason", "tries"),
    [
        pytest.param(closing(), "connect", 4, id="an end"),
        pytest.param(resetting(), "connect", 4, id="a reset"),
        pytest.param(silent, "timeout", 2, id="silence"),
        pytest.param(dripping(b"\x16\x03\x03\x40\x00", b"\x00"), "timeout", 2, id="a drip"),
    ],
)
def test_a_handshake_that_does_not_complete_is_not_a_tls_fault(
    behaviour: Behaviour, reason: str, tries: int, serve: Serve, engine: Engine
) -> None:
    server = serve(bare=behaviour, secure=True)
    a, b = good_pair(serve)
    result = engine.mirror(a, server.url("/bad.jpg", "bad.test"), b, timeout=0.3)
    (line,) = result.failures
    assert (line["row"], line["reason"], line["retryable"]) == (2, reason, True)
    assert result.stored == [1, 3]
    assert server.connections == tries
    assert max(result.seconds) < 1


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), id="headers"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", JPEG), id="a body"),
    ],
)
def test_the_deadline_applies_to_slow_responses_over_tls(
    behaviour: Behaviour, serve: Serve, engine: Engine, authority: Authority
) -> None:
    server = serve({"/bad.jpg": behaviour, "/a.jpg": GOOD}, tls=authority.context("good.test"))
    result = engine.mirror(server.url("/a.jpg", "good.test"), server.url("/bad.jpg", "good.test"), timeout=0.3)
    (line,) = result.failures
    assert (line["row"], line["reason"]) == (2, "timeout")
    assert result.stored == [1]
    assert max(result.seconds) < 1


@pytest.mark.parametrize("secure", [False, True])
def test_the_deadline_applies_to_slow_responses_on_idle_connections(
    secure: bool, serve: Serve, engine: Engine, authority: Authority
) -> None:
    drip = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", JPEG)
    server = serve({"/a.jpg": GOOD, "/bad.jpg": drip}, tls=authority.context("good.test") if secure else None)
    rows = [server.url(path, "good.test") for path in ("/a.jpg", "/bad.jpg")]
    result = engine.mirror(*rows, timeout=0.3, rounds=1, per_host=1)
    assert [line["reason"] for line in result.failures] == ["timeout"]
    assert server.connections == 1
    assert result.seconds[0] < 1.5


def test_deadlines_in_the_middle_of_tls_end_their_own_download_only(
    serve: Serve, engine: Engine, authority: Authority
) -> None:
    """The deadline expires during handshakes and bodies, while good rows are downloaded in the same process."""
    tls = authority.context("good.test")
    slow = serve({f"/{n}.jpg": dripping(b"HTTP/1.1 200 OK\r\n\r\n", JPEG) for n in range(16)}, tls=tls)
    mute = serve(bare=silent, secure=True)
    good = serve({f"/{n}.jpg": GOOD for n in range(64)}, tls=tls)
    result = engine.mirror(
        *(slow.url(f"/{n}.jpg", "good.test") for n in range(16)),
        *(mute.url(f"/{n}.jpg", "good.test") for n in range(16)),
        *(good.url(f"/{n}.jpg", "good.test") for n in range(64)),
        rounds=1,
        timeout=1.5,
        concurrency=64,
        per_host=16,
    )
    assert {line["reason"] for line in result.failures} == {"timeout"}
    assert len(result.failures) == 32
    assert len(result.stored) == 64


def test_bytes_beyond_the_content_length_do_not_answer_the_next_request(serve: Serve, engine: Engine) -> None:
    """Bytes that are left on an idle connection are not the response to the next request."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(JPEG) + JPEG
    forged = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    server = serve({"/a.jpg": lambda visit: visit.send(whole + forged), "/b.jpg": GOOD})
    result = engine.mirror(server.url("/a.jpg"), server.url("/b.jpg"), per_host=1)
    assert result.stored == [1, 2]
