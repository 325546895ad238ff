"""The web site of the demo, over real sockets."""

import socket
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from local.commands.demo_site import IMAGES, RECOVERED, DemoSite, demo_site
from local.errors import UsageError


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _retry_manifest(folder: Path, port: int) -> Path:
    path = folder / "retry.csv"
    path.write_text(f"url,title\nhttp://127.0.0.1:{port}/tired.jpg,Tired\n")
    return path


def test_a_server_that_fails_works_when_its_rows_are_retried(session: requests.Session, tmp_path: Path) -> None:
    with DemoSite(0) as site:
        assert session.get(f"{site.url}/tired.jpg").status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    port = _free_port()
    with demo_site(_retry_manifest(tmp_path, port)) as site:
        answer = session.get(f"{site.url}/tired.jpg")

    assert site.url == f"http://127.0.0.1:{port}"
    assert (answer.status_code, answer.content) == (HTTPStatus.OK, (IMAGES / RECOVERED).read_bytes())


def test_a_port_that_is_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        manifest = _retry_manifest(tmp_path, port)

        with pytest.raises(UsageError, match=rf"cannot be served for .*retry.csv: port {port} of its URLs is in use"):
            demo_site(manifest)


@pytest.mark.parametrize("url", ["https://a.example/1.jpg", "http://127.0.0.1:99999/1.jpg", "http://127.0.0.1:0/1.jpg"])
def test_another_manifest_is_refused(tmp_path: Path, url: str) -> None:
    manifest = tmp_path / "my.csv"
    manifest.write_text(f"url\n{url}\n")

    with pytest.raises(UsageError, match=r"my.csv has no URL of its web site, such as http://127.0.0.1:8437/tired"):
        demo_site(manifest)
