"""PUTs over TLS: the certificate is looked at, the connection is kept."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from functions.adapters import s3_connections as put_connections
from functions.adapters.s3_connections import S3Connections
from tests.support.signed_s3 import S3

HEADERS = {"host": "localhost", "user-agent": "test", "content-length": "3"}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[S3]:
    """Takes whatever comes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = S3()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.always = lambda conversation, _: conversation.answer(200, {"ETag": '"0"'})
    with server:
        yield server


def site(server: S3, host: str = "localhost") -> str:
    return f"https://{host}:{server.server_address[1]}"


def trusted(authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    monkeypatch.setattr(put_connections.certifi, "where", lambda: str(folder / "ca.pem"))


def test_an_object_goes_over_tls_and_the_next_one_over_the_same_connection(
    secure: S3, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted(authority, tmp_path, monkeypatch)
    connections = S3Connections(site(secure), 2)

    assert [connections.put("/b/k", HEADERS, b"abc") for _ in range(2)] == [200, 200]

    assert [arrived.body for arrived in secure.arrived] == [b"abc", b"abc"]
    assert len({arrived.connection for arrived in secure.arrived}) == 1


def test_nothing_is_sent_to_whom_nobody_vouches_for(secure: S3) -> None:
    assert S3Connections(site(secure), 2).put("/b/k", HEADERS, b"abc") is None
    assert secure.arrived == []


def test_nothing_is_sent_to_who_has_another_name(
    secure: S3, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted(authority, tmp_path, monkeypatch)

    assert S3Connections(site(secure, "127.0.0.1"), 2).put("/b/k", HEADERS, b"abc") is None
    assert secure.arrived == []
