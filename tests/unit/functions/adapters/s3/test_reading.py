"""Objects are read to their end although the connection is interrupted, by a server on loopback."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ResponseStreamingError

from functions.adapters.s3 import reading as s3_reading
from functions.adapters.s3.manifests import S3Manifests
from functions.adapters.s3.reading import BODY_ERRORS, CHUNK_BYTES, MAX_INTERRUPTIONS, read_object
from functions.adapters.s3.run_files import S3RunFiles
from functions.core.model.errors import ManifestGoneError, StorageFault
from tests.support.servers import Behaviour, Server, Visit, answer, head

OBJECT = {"Bucket": "input", "Key": "manifests/a.csv"}
PATH = "/input/manifests/a.csv"
ETAG = '"0123"'


class Interrupting:
    """Sends an object by range, and interrupts the body after each of the given numbers of bytes, in turn.

    With None it sends the whole rest. `requests` are the ranges and conditions that it received.
    """

    def __init__(self, data: bytes, *cuts: int | None, ending: str = "close") -> None:
        self._data = data
        self._cuts = iter(cuts)
        self._ending = ending
        self.requests: list[tuple[str | None, str | None]] = []

    def __call__(self, visit: Visit) -> None:
        byte_range = visit.headers.get("range")
        self.requests.append((byte_range, visit.headers.get("if-match")))
        start = int(re.fullmatch(r"bytes=(\d+)-", byte_range).group(1)) if byte_range else 0  # type: ignore[union-attr]
        rest = self._data[start:]
        cut = next(self._cuts, None)
        headers = {"Content-Length": str(len(rest)), "ETag": ETAG, "Content-Type": "text/csv"}
        visit.send(head(206 if byte_range else 200, headers), rest[:cut])
        if cut is not None:
            {"close": visit.close, "reset": visit.reset, "hold": visit.hold}[self._ending]()


@contextmanager
def client(behaviour: Behaviour, path: str = PATH) -> Iterator[Any]:
    with Server({path: behaviour}) as server:
        config = Config(s3={"addressing_style": "path"}, read_timeout=0.3, retries={"total_max_attempts": 1})
        yield boto3.client("s3", endpoint_url=server.url("").rstrip("/"), config=config)


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_reading, "MAX_WAIT_SECONDS", 0.0)


@pytest.mark.parametrize("ending", ["close", "reset", "hold"])
def test_a_body_that_breaks_off_is_read_on_by_range(ending: str) -> None:
    data = random.Random(5).randbytes(3 * CHUNK_BYTES)
    server = Interrupting(data, CHUNK_BYTES, 2 * CHUNK_BYTES - 7, ending=ending)
    with client(server) as s3:
        assert b"".join(read_object(s3, OBJECT)) == data
    assert server.requests[0] == (None, None)
    assert len(server.requests) >= 3
    assert {condition for _, condition in server.requests[1:]} == {ETAG}


def test_any_interruptions_leave_the_bytes_as_they_are() -> None:
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    data = chance.randbytes(1_000_000)
    server = Interrupting(
        data, *(chance.randrange(CHUNK_BYTES, 600_000) for _ in range(MAX_INTERRUPTIONS - 1)), ending="reset"
    )
    start = chance.randrange(1_000)
    with client(server) as s3:
        assert b"".join(read_object(s3, OBJECT, start)) == data[start:], seed


def test_an_object_whose_last_byte_came_is_complete() -> None:
    """The connection is reset after the last byte: there is no range left to ask for."""
    server = Interrupting(b"url\n", 4, ending="reset")
    with client(server) as s3:
        assert b"".join(read_object(s3, OBJECT)) == b"url\n"
    assert len(server.requests) == 1


def test_an_empty_object_is_read_without_a_range() -> None:
    with client(Interrupting(b"")) as s3:
        assert list(read_object(s3, OBJECT)) == []


def test_interruptions_without_progress_end_with_their_error() -> None:
    server = Interrupting(b"x" * 1_000, *([0] * 20))
    with client(server) as s3, pytest.raises(BODY_ERRORS):
        list(read_object(s3, OBJECT))
    assert len(server.requests) == MAX_INTERRUPTIONS


def test_progress_starts_the_count_of_interruptions_again() -> None:
    data = random.Random(6).randbytes(8 * CHUNK_BYTES)
    server = Interrupting(data, *([CHUNK_BYTES] * 8))
    with client(server) as s3:
        assert b"".join(read_object(s3, OBJECT)) == data


def test_an_object_that_is_replaced_meanwhile_is_not_mixed() -> None:
    first = Interrupting(b"a" * 2 * CHUNK_BYTES, CHUNK_BYTES)
    replaced = answer(412, {"Content-Type": "application/xml"}, b"<Error><Code>PreconditionFailed</Code></Error>")

    def behave(visit: Visit) -> None:
        (replaced if first.requests else first)(visit)

    with client(behave) as s3:
        chunks = S3Manifests(s3).read("input", "manifests/a.csv", "0123")
        assert next(chunks) == b"a" * CHUNK_BYTES
        with pytest.raises(ManifestGoneError):
            list(chunks)


def test_a_failed_request_for_the_rest_is_raised() -> None:
    first = Interrupting(b"a" * 2 * CHUNK_BYTES, CHUNK_BYTES)
    denied = answer(403, {"Content-Type": "application/xml"}, b"<Error><Code>AccessDenied</Code></Error>")

    def behave(visit: Visit) -> None:
        (denied if first.requests else first)(visit)

    with client(behave) as s3, pytest.raises(ClientError, match="AccessDenied"):
        list(read_object(s3, OBJECT))


def test_the_parts_of_a_run_are_read_on_too() -> None:
    lines = [{"row": row, "url": "http://a.example/" + "x" * 1_000} for row in range(1, 600)]
    data = b"".join(b'{"row":%d,"url":"%s"}\n' % (line["row"], str(line["url"]).encode()) for line in lines)
    server = Interrupting(data, 2 * CHUNK_BYTES)
    with client(server, "/input/runs/r1/results/part-1.jsonl") as s3:
        assert S3RunFiles(s3, "input", "r1").read_lines("results/part-1.jsonl") == lines
    assert len(server.requests) == 2


def test_a_part_that_cannot_be_read_is_a_fault_that_names_it() -> None:
    server = Interrupting(b"x" * 1_000, *([0] * 20))
    with (
        client(server, "/input/runs/r1/results/part-1.jsonl") as s3,
        pytest.raises(StorageFault, match=r"^S3 GetObject failed \(\w+\) for runs/r1/results/part-1\.jsonl: "),
    ):
        S3RunFiles(s3, "input", "r1").read_lines("results/part-1.jsonl")


def test_botocore_does_not_repeat_the_reading_of_a_body() -> None:
    """The reason for this module: it fails when botocore does."""
    server = Interrupting(b"x" * 1_000, 10)
    with client(server) as s3, pytest.raises(ResponseStreamingError):
        s3.get_object(**OBJECT)["Body"].read()
    assert len(server.requests) == 1
