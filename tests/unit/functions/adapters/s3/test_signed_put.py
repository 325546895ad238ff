"""The signed PUT. botocore recomputes the signature of each request that the server on loopback receives."""

import base64
import hashlib
import io
import random
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from functions import download_batch
from functions.adapters import clients
from functions.adapters.s3.connections import BLOCK_BYTES
from functions.adapters.s3.image_bucket import S3ImageBucket
from functions.adapters.s3.signed_put import (
    MAX_IN_MEMORY_BYTES,
    S3SignedPut,
    _bucket_address,
    sign,
)
from functions.core.download.rounds import Batch
from functions.core.model.errors import RowError
from functions.core.model.options import Options
from functions.telemetry.phases import Phases
from tests.support.images import jpeg, png
from tests.support.signed_put import World, client, upload
from tests.support.signed_s3 import (
    CREDENTIALS,
    REGION,
    S3,
    etag,
)

LARGE = random.Random(20_261_125).randbytes(3 * 1024 * 1024)

printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30) | st.text(" ab", max_size=12)
awkward = st.text(st.sampled_from(" +%~/?#&=:;,'\"*()é日\u0301😀aB.-_"), min_size=1, max_size=30)


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


def test_the_signature_is_that_of_the_documentations_example() -> None:
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


# Requests of boto3 and of the signed PUT


def test_any_key_and_metadata_are_sent_as_boto3_sends_them(world: World) -> None:
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
        assert world.signed_put.put(io.BytesIO(body), len(body), digest.hexdigest(), arguments)

        boto3_put, signed_put = world.server.received[-2:]
        assert (boto3_put.is_signed_put, signed_put.is_signed_put) == (False, True)
        assert (boto3_put.path, boto3_put.compared_headers) == (signed_put.path, signed_put.compared_headers)
        assert boto3_put.body == signed_put.body

    holds()


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="plain"),
        pytest.param({"storage_class": "GLACIER_IR"}, id="class"),
        pytest.param({"content_type": "image/svg+xml"}, id="svg"),
        pytest.param({"width": 6000, "height": 4000, "run_id": "list-0f3a", "row": 100_000_000}, id="metadata"),
        pytest.param({"data": LARGE}, id="large"),
        pytest.param({"data": b""}, id="empty"),
    ],
)
def test_boto3_sends_the_first_image_and_the_request_for_the_second_is_equal(more: dict[str, Any]) -> None:
    with S3() as server, closing(client(server.url)) as s3:
        bucket = S3ImageBucket(s3, "images", S3SignedPut(s3, "images", CREDENTIALS, 4))
        first_etag = bucket.put(upload(**more), None)
        server.stored.clear()
        second_etag = bucket.put(upload(**more), None)

        first, second = server.received
        assert (first.is_signed_put, second.is_signed_put) == (False, True)
        assert first.compared_headers == second.compared_headers
        assert second.body == more.get("data", png())
        assert first_etag == second_etag == etag(second.body)
        assert list(server.stored.values()) == [second]


def test_the_object_of_an_etag_is_replaced_by_one_request(world: World) -> None:
    first = world.bucket.put(upload(), None)
    second = world.bucket.put(upload(data=jpeg()), first)

    last = world.server.received[-1]
    assert world.server.signed_puts == [True, True]
    assert (last.headers["if-match"], last.body) == (etag(png()), jpeg())
    assert (first, second) == (etag(png()), etag(jpeg()))


def test_a_bucket_may_be_part_of_the_hosts_name(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *more, **named: look_up("127.0.0.1", *more, **named))
    with S3() as server:
        server.url = server.url.replace("127.0.0.1", "s3.example")
        with closing(client(server.url, addressing_style="virtual")) as s3:
            bucket = S3ImageBucket(s3, "images", S3SignedPut(s3, "images", CREDENTIALS, 4))
            bucket.put(upload(), None)
            bucket.put(upload(), etag(png()))

        assert server.signed_puts == [False, True]
        assert {put.path for put in server.stored.values()} == {"/images/tom.png"}
        assert {put.headers["host"] for put in server.received} == {f"images.{urlsplit(server.url).netloc}"}


def test_connections_are_reused(world: World) -> None:
    for number in range(3):
        world.bucket.put(upload(f"{number}"), None)

    assert world.server.signed_puts == [True] * 3
    assert len({put.connection for put in world.server.received}) == 1


def test_connections_are_reused_after_other_puts_of_boto3(world: World) -> None:
    world.bucket.put(upload("one"), None)
    S3ImageBucket(world.s3, "images").put(upload("two"), None)
    world.bucket.put(upload("three"), None)

    one, _, three = world.server.received
    assert world.server.signed_puts == [True, False, True]
    assert one.connection == three.connection


def test_refreshed_credentials_are_used(world: World) -> None:
    changing = Credentials("old", "old", "old")
    signed_put = S3SignedPut(world.s3, "images", changing, 4)
    bucket = S3ImageBucket(world.s3, "images", signed_put)
    bucket.put(upload(), None)
    changing.access_key, changing.secret_key, changing.token = (
        CREDENTIALS.access_key,
        CREDENTIALS.secret_key,
        CREDENTIALS.token,
    )
    bucket.put(upload(), None)

    assert world.server.signed_puts == [False, True]


# Reading the file


class Watched(io.BytesIO):
    """Records the size of each read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.sizes: list[int | None] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.sizes.append(size)
        return super().read(size)


def test_a_large_file_is_read_in_blocks(world: World) -> None:
    file = Watched(LARGE)

    world.bucket.put(upload("large", LARGE, file=file), None)

    assert world.server.signed_puts == [True]
    assert world.server.received[0].body == LARGE
    assert set(file.sizes) == {BLOCK_BYTES}


def test_a_small_file_is_read_at_once(world: World) -> None:
    data = LARGE[:MAX_IN_MEMORY_BYTES]
    file = Watched(data)

    world.bucket.put(upload("small", data, file=file), None)

    assert world.server.received[0].body == data
    assert len(file.sizes) == 1


# The endpoint of the bucket

AWS = "https://s3.eu-west-1.amazonaws.com"
LOCAL = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("url", "bucket", "endpoint", "address"),
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
def test_the_address_of_the_bucket_is_derived_from_its_urls_only(
    url: str, bucket: str, endpoint: str, address: tuple[str, str, str] | None
) -> None:
    assert _bucket_address(url, bucket, endpoint) == address


def test_the_put_of_another_bucket_is_ignored() -> None:
    with S3() as server, closing(client(server.url)) as s3:
        signed_put = S3SignedPut(s3, "images", CREDENTIALS, 4)
        S3ImageBucket(s3, "images-input").put(upload(), None)
        S3ImageBucket(s3, "input").put(upload(), None)

        assert not signed_put.put(io.BytesIO(png()), len(png()), hashlib.sha256(png()).hexdigest(), {"Key": "a"})
        assert server.signed_puts == [False, False]


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_the_address_of_another_bucket_is_never_used(monkeypatch: pytest.MonkeyPatch, style: str) -> None:
    """The same client writes run files, whose keys may begin with the name of the bucket."""
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *more, **named: look_up("127.0.0.1", *more, **named))
    with S3() as server:
        url = server.url.replace("127.0.0.1", "s3.example")
        with closing(client(url, addressing_style=style)) as s3:
            bucket = S3ImageBucket(s3, "runs", S3SignedPut(s3, "runs", CREDENTIALS, 4))
            S3ImageBucket(s3, "input").put(upload("runs/r1/part"), None)
            bucket.put(upload("a"), None)
            bucket.put(upload("b"), None)

        netloc = urlsplit(url).netloc
        addresses = [f"{put.headers['host']}{put.path}".replace(netloc, "") for put in server.received]
        assert server.signed_puts == [False, False, True]
        assert (
            addresses
            == {
                "path": ["/input/runs/r1/part", "/runs/a", "/runs/b"],
                "virtual": ["input./runs/r1/part", "runs./a", "runs./b"],
            }[style]
        )


# Proxies


@pytest.mark.parametrize(
    ("variables", "direct"),
    [
        pytest.param({}, True, id="none"),
        pytest.param({"HTTP_PROXY": "PROXY"}, False, id="proxy"),
        pytest.param({"http_proxy": "PROXY"}, False, id="proxy in lower case"),
        pytest.param({"HTTPS_PROXY": "http://127.0.0.1:1"}, True, id="of another scheme"),
        pytest.param({"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}, True, id="around it"),
        pytest.param({"NO_PROXY": "169.254.169.254"}, True, id="only around something else"),
    ],
)
def test_behind_a_proxy_boto3_sends_every_image(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], direct: bool
) -> None:
    """The server is its own proxy. A request to a proxy has the whole URL as its path."""
    with S3() as server:
        server.always = lambda connection, _: connection.respond(200, {"ETag": '"0"'})
        for name, value in variables.items():
            monkeypatch.setenv(name, value.replace("PROXY", server.url))
        with closing(client(server.url)) as s3:
            bucket = S3ImageBucket(s3, "images", S3SignedPut(s3, "images", CREDENTIALS, 4))
            bucket.put(upload(), None)
            bucket.put(upload(), None)

        assert server.signed_puts == [False, direct]
        prefix = "" if direct else server.url
        assert [put.path for put in server.received] == [f"{prefix}/images/images/tom.png"] * 2


def test_https_has_its_own_proxy_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with closing(client("https://s3.invalid")) as s3:
        bucket = S3ImageBucket(s3, "images", signed_put := S3SignedPut(s3, "images", CREDENTIALS, 4))
        with pytest.raises(RowError, match="ProxyConnectionError"):
            bucket.put(upload(), None)

        assert not signed_put.put(io.BytesIO(png()), len(png()), "0" * 64, {"Key": "a"})
        assert signed_put._endpoint is None


# In DownloadBatch


@pytest.fixture
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """The environment of DownloadBatch in a new process."""
    cached = (
        *(download_batch.config, download_batch.signed_put, clients.client, clients._session),
        *(download_batch.web, download_batch.fetcher, download_batch.robots),
    )
    with S3() as server:
        for name, value in {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
            "AWS_SESSION_TOKEN": str(CREDENTIALS.token),
            "IMAGES_BUCKET": "images",
            "IMAGES_PREFIX": "images/",
            "INPUT_BUCKET": "input",
            "IMAGES_TABLE": "images",
            "HOSTS_TABLE": "hosts",
            "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:topic",
            "ALLOWED_NETWORKS": "",
            "CONTACT": "",
        }.items():
            monkeypatch.setenv(name, value)
        for function in cached:
            function.cache_clear()
        yield server
        for service in ("s3", "dynamodb", "sns"):
            clients.client(service).close()
        for function in cached:
            function.cache_clear()


def test_in_download_batch_boto3_sends_the_first_image_only(in_lambda: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: dict[str, Any] = {}
    monkeypatch.setattr(download_batch, "RowMirror", lambda **named: arguments.update(named))
    sent: list[str] = []
    clients.client("s3").meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request.url))

    for number in range(3):  # rounds of one environment
        download_batch.runner(Batch({"id": "r1", "options": {}}, {}, 1), Options(), Phases())
        arguments["store"].put(upload(f"{number}"), None)

    assert [urlsplit(url).path for url in sent] == ["/images/0"]
    assert in_lambda.signed_puts == [False, True, True]
    assert set(in_lambda.stored) == {"/images/0", "/images/1", "/images/2"}
