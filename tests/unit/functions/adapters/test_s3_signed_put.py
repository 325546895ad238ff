"""The quick PUT, over loopback, to an S3 that lets botocore recompute every signature from what has arrived."""

import base64
import hashlib
import io
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast
from unittest.mock import patch
from urllib.parse import quote, urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from functions import download_batch
from functions.adapters import clients
from functions.adapters import s3_connections as put_connections
from functions.adapters import s3_signed_put as signed_put
from functions.adapters.s3_connections import BLOCK_BYTES
from functions.adapters.s3_image_bucket import S3ImageBucket
from functions.adapters.s3_signed_put import IN_ONE_PIECE, MAX_CONSECUTIVE_FAILURES, S3SignedPut, _folder, sign
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.options import Options
from functions.core.model.ports import ImageUpload
from functions.core.model.reasons import Reason
from functions.telemetry.phases import Phases
from tests.support.images import jpeg, png
from tests.support.signed_s3 import (
    CREDENTIALS,
    REGION,
    S3,
    Behaviour,
    error,
    etag,
    say_nothing,
    says,
    take,
    take_and_hang_up,
    take_then_leave,
    unread,
)

LARGE = random.Random(20_261_125).randbytes(3 * 1024 * 1024)

printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30) | st.text(" ab", max_size=12)
awkward = st.text(st.sampled_from(" +%~/?#&=:;,'\"*()é日\u0301😀aB.-_"), min_size=1, max_size=30)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_put, "PAUSE_SECONDS", 0)


@cache
def session() -> boto3.Session:
    """One, for reading what AWS's services are takes longer than any test."""
    return boto3.Session()


def client(url: str, *, tries: int = 1, **s3: str) -> Any:
    """To be closed."""
    return session().client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS.access_key,
        aws_secret_access_key=CREDENTIALS.secret_key,
        aws_session_token=CREDENTIALS.token,
        config=Config(
            s3=cast(Any, s3),
            retries={"mode": "standard", "total_max_attempts": tries},
            connect_timeout=3,
            read_timeout=20,
        ),
    )


@dataclass(frozen=True)
class World:
    """An S3, and a bucket whose place is known since boto3 has put `first` there."""

    server: S3
    s3: Any
    bucket: S3ImageBucket
    quick: S3SignedPut


@contextmanager
def learned(**more: Any) -> Iterator[World]:
    with S3() as server, closing(client(server.url, **more)) as s3:
        quick = S3SignedPut(s3, "images", CREDENTIALS, 4)
        bucket = S3ImageBucket(s3, "images", quick)
        bucket.put(upload("first"))
        assert server.quick == [False]
        server.arrived.clear()
        yield World(server, s3, bucket, quick)


@pytest.fixture
def world() -> Iterator[World]:
    with learned() as world:
        yield world


def upload(key: str = "images/tom.png", data: bytes = png(), **more: Any) -> ImageUpload:
    given: dict[str, Any] = {
        "key": key,
        "file": io.BytesIO(data),
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "content_type": "image/png",
        "url_sha256": "a" * 64,
    }
    return ImageUpload(**{**given, **more})


# Signatures


@given(
    key=st.text(min_size=1) | awkward,
    metadata=st.dictionaries(st.sampled_from(["note", "a-b", "url-sha256"]), printable),
    body=st.binary(max_size=20),
    token=st.none() | st.text("AZaz09+/=", min_size=1),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)),
)
def test_a_signature_is_the_one_that_botocore_makes(
    key: str, metadata: dict[str, str], body: bytes, token: str | None, now: datetime
) -> None:
    credentials = Credentials("AKID", "secret/+", token)
    path = "/" + quote(key, safe="/-_.~")
    headers = {"content-type": "image/png", "if-none-match": "*"} | {f"x-amz-meta-{n}": v for n, v in metadata.items()}

    ours = sign(
        path,
        {**headers, "host": "images.s3.example", "x-amz-content-sha256": hashlib.sha256(body).hexdigest()},
        credentials.get_frozen_credentials(),
        REGION,
        now,
    )

    theirs = AWSRequest("PUT", f"http://images.s3.example{path}", headers, data=body)
    with patch("botocore.auth.get_current_datetime", lambda: now):
        S3SigV4Auth(credentials, "s3", REGION).add_auth(theirs)
    assert ours == {"host": "images.s3.example"} | {name.lower(): value for name, value in theirs.headers.items()}


def test_the_signature_is_the_one_of_amazons_own_example() -> None:
    """PUT Object in docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html."""
    signed = sign(
        "/test%24file.text",
        {
            "date": "Fri, 24 May 2013 00:00:00 GMT",
            "host": "examplebucket.s3.amazonaws.com",
            "x-amz-content-sha256": hashlib.sha256(b"Welcome to Amazon S3.").hexdigest(),
            "x-amz-storage-class": "REDUCED_REDUNDANCY",
        },
        Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY").get_frozen_credentials(),
        "us-east-1",
        datetime(2013, 5, 24, tzinfo=UTC),
    )

    assert signed["authorization"].endswith("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")


# What arrives


def test_whatever_the_key_and_the_metadata_both_ways_arrive_at_the_same_place_and_are_accepted(world: World) -> None:
    @given(
        key=st.text(min_size=1, max_size=60) | awkward,
        metadata=st.dictionaries(st.sampled_from(["note", "a-b"]), printable),
        body=st.binary(max_size=20),
    )
    def holds(key: str, metadata: dict[str, str], body: bytes) -> None:
        digest = hashlib.sha256(body)
        checksum = base64.b64encode(digest.digest()).decode()
        arguments = {"Key": key, "ContentType": "image/png", "ChecksumSHA256": checksum, "Metadata": metadata}

        world.s3.put_object(Bucket="images", Body=body, **arguments)
        assert world.quick.put(io.BytesIO(body), len(body), digest.hexdigest(), arguments)

        boto, quick = world.server.arrived[-2:]
        assert (boto.quick, quick.quick) == (False, True)
        assert (boto.path, boto.mattering, boto.body) == (quick.path, quick.mattering, quick.body)

    holds()


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="plain"),
        pytest.param({"storage_class": "GLACIER_IR"}, id="class"),
        pytest.param({"content_type": "image/svg+xml"}, id="svg"),
        pytest.param({"create_only": True}, id="create_only"),
        pytest.param({"data": LARGE}, id="large"),
        pytest.param({"data": b""}, id="empty"),
    ],
)
def test_the_first_image_goes_by_boto3_the_second_does_not_and_s3_sees_no_difference(more: dict[str, Any]) -> None:
    with S3() as server, closing(client(server.url)) as s3:
        bucket = S3ImageBucket(s3, "images", S3SignedPut(s3, "images", CREDENTIALS, 4))
        bucket.put(upload(**more))
        server.kept.clear()
        bucket.put(upload(**more))

        first, second = server.arrived
        assert (first.quick, second.quick) == (False, True)
        assert first.mattering == second.mattering
        assert second.body == more.get("data", png())
        assert list(server.kept.values()) == [second]


def test_an_exclusive_key_of_ones_own_is_written_over_only_as_it_was_found(world: World) -> None:
    world.bucket.put(upload(create_only=True))
    world.bucket.put(upload(data=jpeg(), create_only=True))

    last = world.server.arrived[-1]
    assert last.quick
    assert (last.headers["if-match"], last.body) == (etag(png()), jpeg())


def test_a_bucket_may_be_part_of_the_hosts_name(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *more, **named: look_up("127.0.0.1", *more, **named))
    with S3() as server:
        server.url = server.url.replace("127.0.0.1", "s3.example")
        with closing(client(server.url, addressing_style="virtual")) as s3:
            bucket = S3ImageBucket(s3, "images", S3SignedPut(s3, "images", CREDENTIALS, 4))
            bucket.put(upload())
            bucket.put(upload())

        assert server.quick == [False, True]
        assert {arrived.path for arrived in server.kept.values()} == {"/images/tom.png"}
        assert {arrived.headers["host"] for arrived in server.arrived} == {f"images.{urlsplit(server.url).netloc}"}


def test_connections_are_kept(world: World) -> None:
    for number in range(3):
        world.bucket.put(upload(f"{number}"))

    assert world.server.quick == [True] * 3
    assert len({arrived.connection for arrived in world.server.arrived}) == 1


def test_connections_are_kept_whatever_boto3_puts_meanwhile(world: World) -> None:
    world.bucket.put(upload("one"))
    S3ImageBucket(world.s3, "images").put(upload("two"))
    world.bucket.put(upload("three"))

    one, _, three = world.server.arrived
    assert world.server.quick == [True, False, True]
    assert one.connection == three.connection


def test_credentials_that_have_changed_are_signed_with(world: World) -> None:
    changing = Credentials("old", "old", "old")
    quick = S3SignedPut(world.s3, "images", changing, 4)
    bucket = S3ImageBucket(world.s3, "images", quick)
    bucket.put(upload())
    changing.access_key, changing.secret_key, changing.token = (
        CREDENTIALS.access_key,
        CREDENTIALS.secret_key,
        CREDENTIALS.token,
    )
    bucket.put(upload())

    assert world.server.quick == [False, True]


# What a file is read like


class Watched(io.BytesIO):
    """Remembers how much was asked for at a time."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.asked: list[int | None] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.asked.append(size)
        return super().read(size)


def test_a_large_file_is_never_held_in_memory(world: World) -> None:
    file = Watched(LARGE)

    world.bucket.put(upload("large", LARGE, file=file))

    assert world.server.quick == [True]
    assert world.server.arrived[0].body == LARGE
    assert set(file.asked) == {BLOCK_BYTES}


def test_a_file_that_is_not_large_is_read_at_once(world: World) -> None:
    data = LARGE[:IN_ONE_PIECE]
    file = Watched(data)

    world.bucket.put(upload("small", data, file=file))

    assert world.server.arrived[0].body == data
    assert len(file.asked) == 1


# What is not answered by a plain 200

TAKEN_AFTER_ALL = {
    "200 that breaks off": says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
    "200 in a wrong coding": says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
    "200 in wrong chunks": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"),
    "200 that is not S3's": says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "200 of odd length": says(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nabc"),
    "204": says(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "301": error(301, "PermanentRedirect", Location="http://127.0.0.1:1/"),
    "307": error(307, "TemporaryRedirect", Location="http://127.0.0.1:1/images/images/tom.png"),
    "400": error(400, "BadDigest"),
    "403": error(403, "AccessDenied"),
    "404": error(404, "NoSuchBucket"),
    "409": error(409, "ConditionalRequestConflict"),
    "412": error(412, "PreconditionFailed"),
    "500": error(500, "InternalError"),
    "503": error(503, "SlowDown", **{"Retry-After": "60"}),
    "503 before the body was read": unread,
    "bytes that are no HTTP": says(b"\x00\xff SSH-2.0\r\n\r\n"),
    "endless line": says(b"HTTP/1.1 200 " + b"O" * 100_000),
    "endless headers": says(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1_000),
    "no answer": says(b""),
    "half a status": says(b"HTTP/1.1 20"),
    "impossible status": says(b"HTTP/1.1 2000 OK\r\n\r\n"),
}


@pytest.mark.parametrize("data", [pytest.param(png(), id="small"), pytest.param(LARGE, id="large")])
@pytest.mark.parametrize("fault", TAKEN_AFTER_ALL)
def test_whatever_goes_wrong_boto3_sends_the_image_again_from_its_beginning(
    world: World, fault: str, data: bytes
) -> None:
    world.server.will(TAKEN_AFTER_ALL[fault])

    world.bucket.put(upload(data=data))

    assert world.server.quick == [True, False]
    assert world.server.kept["/images/images/tom.png"].body == data


def test_of_any_answer_nothing_is_raised_and_only_a_200_is_believed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_put, "MAX_CONSECUTIVE_FAILURES", 10**9)

    @given(answer=st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: b"HTTP/1.1 200 OK\r\n" + rest))
    def holds(answer: bytes) -> None:
        world.server.will(says(answer))
        stored = world.quick.put(io.BytesIO(png()), len(png()), hashlib.sha256(png()).hexdigest(), {"Key": "a"})
        assert not stored or answer.startswith(b"HTTP/1.1 200 OK")

    holds()


@pytest.mark.parametrize(
    ("always", "fault", "words"),
    [
        pytest.param(error(403, "AccessDenied"), StorageFault, "AccessDenied", id="403"),
        pytest.param(error(404, "NoSuchBucket"), StorageFault, "NoSuchBucket", id="404"),
        pytest.param(error(307, "TemporaryRedirect"), StorageFault, "TemporaryRedirect", id="307"),
        pytest.param(error(400, "BadDigest"), RowError, "BadDigest", id="400"),
        pytest.param(error(412, "PreconditionFailed"), RowError, "PreconditionFailed", id="412"),
        pytest.param(error(500, "InternalError"), RowError, "InternalError", id="500"),
        pytest.param(error(503, "SlowDown"), RowError, "SlowDown", id="503"),
        pytest.param(says(b""), RowError, "ConnectionClosedError", id="no answer"),
        pytest.param(says(b"\x00\xff SSH\r\n\r\n"), RowError, "ConnectionClosedError", id="bytes that are no HTTP"),
    ],
)
def test_what_boto3_cannot_store_either_is_its_own_fault_and_not_reported_stored(
    world: World, always: Behaviour, fault: type[Exception], words: str
) -> None:
    world.server.always = always

    with pytest.raises(fault, match=words):
        world.bucket.put(upload())

    assert world.server.quick == [True, False]
    assert "/images/images/tom.png" not in world.server.kept


def test_an_overload_that_passes_is_waited_for_by_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with learned(tries=3) as world:
        faults = iter([error(503, "SlowDown"), error(503, "SlowDown"), error(500, "InternalError"), take])
        world.server.always = lambda conversation, arrived: next(faults)(conversation, arrived)

        world.bucket.put(upload())

        assert world.server.quick == [True, False, False, False]
        assert "/images/images/tom.png" in world.server.kept
        assert world.quick.throttle_count == 2  # to us, and to boto3; an internal error is no word on how many


def test_silence_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(put_connections, "READ_SECONDS", 0.1)
    with learned() as world:
        world.server.will(say_nothing)

        world.bucket.put(upload())

        assert world.server.given_up.wait(10)
        assert world.server.quick == [True, False]
        assert "/images/images/tom.png" in world.server.kept


def test_more_threads_than_connections_lose_no_image(world: World) -> None:
    images = {f"/images/{number}": LARGE[:1000] + bytes([number]) for number in range(40)}
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda path: world.bucket.put(upload(path.removeprefix("/images/"), images[path])), images))

    assert {path: arrived.body for path, arrived in world.server.kept.items() if path in images} == images
    assert all(world.server.quick)


def test_bytes_that_are_not_those_of_the_digest_are_nobodys_image(world: World) -> None:
    with pytest.raises(RowError, match=r"BadDigest|XAmzContentSHA256Mismatch"):
        world.bucket.put(upload(sha256=hashlib.sha256(jpeg()).hexdigest()))

    assert "/images/images/tom.png" not in world.server.kept


def test_a_server_that_is_gone_is_the_rows_and_passes() -> None:
    with learned() as world:
        world.server.__exit__()
        with pytest.raises(RowError) as raised:
            world.bucket.put(upload())

    assert raised.value.reason is Reason.STORAGE


# Kept connections that end


def test_a_kept_connection_that_ended_meanwhile_is_no_failure(world: World) -> None:
    world.server.will(take_then_leave)
    world.bucket.put(upload("one"))
    assert world.server.left.acquire(timeout=10)

    world.bucket.put(upload("two"))

    assert world.server.quick == [True, True]
    assert set(world.server.kept) == {"/images/first", "/images/one", "/images/two"}


def test_a_kept_connection_that_ends_under_the_next_image_is_no_failure(world: World) -> None:
    world.server.will(take, says(b""))
    world.bucket.put(upload("one"))
    world.bucket.put(upload("two"))

    assert world.server.arrived[0].connection == world.server.arrived[1].connection
    assert world.server.quick == [True, True, False]
    assert set(world.server.kept) == {"/images/first", "/images/one", "/images/two"}


# Answers that are lost


@pytest.mark.parametrize("create_only", [True, False])
def test_an_image_that_was_taken_unheard_is_stored_and_no_conflict(world: World, create_only: bool) -> None:
    world.server.will(take_and_hang_up)

    world.bucket.put(upload(create_only=create_only))

    assert world.server.quick[:2] == [True, False]
    assert world.server.kept["/images/images/tom.png"].body == png()


def test_an_image_that_was_taken_unheard_twice_is_stored_and_no_conflict(world: World) -> None:
    world.server.will(take_and_hang_up, take_and_hang_up)

    world.bucket.put(upload(create_only=True))

    assert world.server.quick == [True, False, True, False]
    assert world.server.kept["/images/images/tom.png"].body == png()


def test_another_urls_image_stays_where_it_is(world: World) -> None:
    world.bucket.put(upload(create_only=True))

    with pytest.raises(RowError) as raised:
        world.bucket.put(upload(data=jpeg(), url_sha256="b" * 64, create_only=True))

    assert raised.value.reason is Reason.KEY_CONFLICT
    assert world.server.kept["/images/images/tom.png"].body == png()


# Where the bucket is

AWS = "https://s3.eu-west-1.amazonaws.com"
LOCAL = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("url", "bucket", "endpoint", "found"),
    [
        pytest.param(
            "https://images.s3.eu-west-1.amazonaws.com/images/a.png",
            "images",
            AWS,
            ("https://images.s3.eu-west-1.amazonaws.com", "images.s3.eu-west-1.amazonaws.com", "/"),
            id="host",
        ),
        pytest.param(
            "https://s3.eu-west-1.amazonaws.com/my.images/a.png",
            "my.images",
            AWS,
            (AWS, "s3.eu-west-1.amazonaws.com", "/my.images/"),
            id="path, for its dot",
        ),
        pytest.param(f"{LOCAL}/images/a.png", "images", LOCAL, (LOCAL, "127.0.0.1:9", "/images/"), id="path"),
        pytest.param(
            "http://images.example:9/images/a.png",
            "images",
            "http://images.example:9",
            ("http://images.example:9", "images.example:9", "/images/"),
            id="path, at an endpoint called like the bucket",
        ),
        pytest.param("https://images-input.s3.eu-west-1.amazonaws.com/a", "images", AWS, None, id="longer, host"),
        pytest.param(f"{LOCAL}/images-input/a", "images", LOCAL, None, id="longer, path"),
        pytest.param("http://images.input.s3.example/a", "images", "http://s3.example", None, id="longer by a dot"),
        pytest.param(f"{LOCAL}/input/images/a", "images", LOCAL, None, id="deeper"),
        pytest.param(
            "https://input.s3.eu-west-1.amazonaws.com/runs/r1/part", "runs", AWS, None, id="key called like the bucket"
        ),
        pytest.param(
            "https://images.s3.us-west-2.amazonaws.com/a", "images", AWS, None, id="region that boto3 was sent on to"
        ),
    ],
)
def test_a_bucket_is_known_by_where_boto3_puts_it_and_no_other_one_is(
    url: str, bucket: str, endpoint: str, found: tuple[str, str, str] | None
) -> None:
    assert _folder(url, bucket, endpoint) == found


def test_another_buckets_put_teaches_nothing() -> None:
    with S3() as server, closing(client(server.url)) as s3:
        quick = S3SignedPut(s3, "images", CREDENTIALS, 4)
        S3ImageBucket(s3, "images-input").put(upload())
        S3ImageBucket(s3, "input").put(upload())

        assert not quick.put(io.BytesIO(png()), len(png()), hashlib.sha256(png()).hexdigest(), {"Key": "a"})
        assert server.quick == [False, False]


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_no_place_of_another_bucket_is_taken_for_ours(monkeypatch: pytest.MonkeyPatch, style: str) -> None:
    """Run files are put by the same client, under keys that may begin with the bucket's name."""
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *more, **named: look_up("127.0.0.1", *more, **named))
    with S3() as server:
        url = server.url.replace("127.0.0.1", "s3.example")
        with closing(client(url, addressing_style=style)) as s3:
            bucket = S3ImageBucket(s3, "runs", S3SignedPut(s3, "runs", CREDENTIALS, 4))
            S3ImageBucket(s3, "input").put(upload("runs/r1/part"))
            bucket.put(upload("a"))
            bucket.put(upload("b"))

        netloc = urlsplit(url).netloc
        places = [f"{arrived.headers['host']}{arrived.path}".replace(netloc, "") for arrived in server.arrived]
        assert server.quick == [False, False, True]
        assert (
            places
            == {
                "path": ["/input/runs/r1/part", "/runs/a", "/runs/b"],
                "virtual": ["input./runs/r1/part", "runs./a", "runs./b"],
            }[style]
        )


# Proxies


@pytest.mark.parametrize(
    ("variables", "quick"),
    [
        pytest.param({}, True, id="none"),
        pytest.param({"HTTP_PROXY": "PROXY"}, False, id="proxy"),
        pytest.param({"http_proxy": "PROXY"}, False, id="proxy in lower case"),
        pytest.param({"HTTPS_PROXY": "http://127.0.0.1:1"}, True, id="of another scheme"),
        pytest.param({"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}, True, id="around it"),
        pytest.param({"NO_PROXY": "169.254.169.254"}, True, id="only around something else"),
    ],
)
def test_behind_a_proxy_everything_goes_by_boto3_which_goes_through_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], quick: bool
) -> None:
    """The server is its own proxy, so that it can be reached both ways: a proxy is told the whole URL."""
    with S3() as server:
        server.always = lambda conversation, _: conversation.answer(200, {"ETag": '"0"'})
        for name, value in variables.items():
            monkeypatch.setenv(name, value.replace("PROXY", server.url))
        with closing(client(server.url)) as s3:
            bucket = S3ImageBucket(s3, "images", S3SignedPut(s3, "images", CREDENTIALS, 4))
            bucket.put(upload())
            bucket.put(upload())

        assert server.quick == [False, quick]
        place = "" if quick else server.url
        assert [arrived.path for arrived in server.arrived] == [f"{place}/images/images/tom.png"] * 2


def test_https_has_a_proxy_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with closing(client("https://s3.invalid")) as s3:
        bucket = S3ImageBucket(s3, "images", quick := S3SignedPut(s3, "images", CREDENTIALS, 4))
        with pytest.raises(RowError, match="ProxyConnectionError"):
            bucket.put(upload())

        assert not quick.put(io.BytesIO(png()), len(png()), "0" * 64, {"Key": "a"})
        assert quick._where is None


# As DownloadBatch has it


@pytest.fixture
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """DownloadBatch's environment in a process that has just begun."""
    made = (
        *(download_batch.config, download_batch.quick_put, clients.client, clients._session),
        download_batch.fetcher,
    )
    with S3() as server:
        for name, value in {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
            "AWS_SESSION_TOKEN": str(CREDENTIALS.token),
            "IMAGES_BUCKET": "images",
            "INPUT_BUCKET": "input",
            "IMAGES_TABLE": "images",
            "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:topic",
            "ALLOWED_NETWORKS": "",
            "CONTACT": "",
        }.items():
            monkeypatch.setenv(name, value)
        for function in made:
            function.cache_clear()
        yield server
        for service in ("s3", "dynamodb", "sns"):
            clients.client(service).close()
        for function in made:
            function.cache_clear()


def test_download_batch_has_boto3_send_its_first_image_only(in_lambda: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(download_batch, "RowMirror", lambda **named: given.update(named))
    sent: list[str] = []
    clients.client("s3").meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request.url))

    for number in range(3):  # rounds of one environment
        download_batch.runner("r1", Options(), Phases())
        given["store"].put(upload(f"{number}"))

    assert [urlsplit(url).path for url in sent] == ["/images/0"]
    assert in_lambda.quick == [False, True, True]
    assert set(in_lambda.kept) == {"/images/0", "/images/1", "/images/2"}


@pytest.mark.parametrize(
    "behaviour", [pytest.param(error(403, "AccessDenied"), id="forbidden"), pytest.param(says(b""), id="no answer")]
)
def test_what_fails_again_and_again_is_left_to_boto3_for_good(world: World, behaviour: Behaviour) -> None:
    world.server.will(*[behaviour] * MAX_CONSECUTIVE_FAILURES)

    for _ in range(MAX_CONSECUTIVE_FAILURES + 2):
        world.bucket.put(upload())

    assert world.server.quick == [True, False] * MAX_CONSECUTIVE_FAILURES + [False] * 2


@pytest.mark.parametrize("status", [503, 412])
def test_an_overload_or_a_taken_key_is_no_reason_to_give_up(world: World, status: int) -> None:
    world.server.will(*[error(status, "No")] * MAX_CONSECUTIVE_FAILURES)

    for _ in range(MAX_CONSECUTIVE_FAILURES + 1):
        world.bucket.put(upload())

    assert world.server.quick == [True, False] * MAX_CONSECUTIVE_FAILURES + [True]


def test_a_failure_between_successes_is_forgotten(world: World) -> None:
    for _ in range(MAX_CONSECUTIVE_FAILURES):
        world.server.will(error(403, "AccessDenied"))
        world.bucket.put(upload())
        world.bucket.put(upload())

    assert world.server.quick == [True, False, True] * MAX_CONSECUTIVE_FAILURES


def test_boto3_does_not_ask_again_at_once_where_s3_has_said_to_slow_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    monkeypatch.setattr(signed_put, "PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(signed_put.time, "sleep", paused.append)
    world.server.will(error(503, "SlowDown"))

    world.bucket.put(upload())

    assert len(paused) == 1
    assert 0 <= paused[0] <= 0.5
