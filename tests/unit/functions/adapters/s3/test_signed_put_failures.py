"""The signed PUT when something fails: boto3 takes over, or a new connection does."""

import hashlib
import io
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.s3 import connections as s3_connections
from functions.adapters.s3 import signed_put as signed_put
from functions.adapters.s3.connections import MAX_IDLE_SECONDS
from functions.adapters.s3.signed_put import (
    DISABLED_SECONDS,
    MAX_CONSECUTIVE_FAILURES,
)
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.reasons import Reason
from tests.support.images import jpeg, png
from tests.support.signed_put import World, connected, upload
from tests.support.signed_s3 import (
    Behaviour,
    Connection,
    ReceivedPut,
    error,
    reject_unread,
    reset,
    sends,
    stay_silent,
    store,
    store_and_close,
    store_without_response,
)

LARGE = random.Random(20_261_125).randbytes(3 * 1024 * 1024)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_put, "PAUSE_SECONDS", 0)


# Responses other than a 200 or a 412 of S3

NO_SUCCESS = {
    "truncated 200": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
    "200 with a content encoding": sends(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
    "200 with invalid chunks": sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"),
    "200 without an ETag": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "200 with an invalid length": sends(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nabc"),
    "204": sends(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "301": error(301, "PermanentRedirect", Location="http://127.0.0.1:1/"),
    "307": error(307, "TemporaryRedirect", Location="http://127.0.0.1:1/images/images/tom.png"),
    "400": error(400, "BadDigest"),
    "403": error(403, "AccessDenied"),
    "404": error(404, "NoSuchBucket"),
    "409": error(409, "ConditionalRequestConflict"),
    "500": error(500, "InternalError"),
    "503": error(503, "SlowDown", **{"Retry-After": "60"}),
    "503 before the body was read": reject_unread,
    "not HTTP": sends(b"\x00\xff SSH-2.0\r\n\r\n"),
    "endless line": sends(b"HTTP/1.1 200 " + b"O" * 100_000),
    "endless headers": sends(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1_000),
    "no response": sends(b""),
    "truncated status line": sends(b"HTTP/1.1 20"),
    "invalid status": sends(b"HTTP/1.1 2000 OK\r\n\r\n"),
}


@pytest.mark.parametrize("data", [pytest.param(png(), id="small"), pytest.param(LARGE, id="large")])
@pytest.mark.parametrize("failure", NO_SUCCESS)
def test_after_any_failure_boto3_sends_the_image_again_from_its_beginning(
    world: World, failure: str, data: bytes
) -> None:
    world.server.next_signed_puts(NO_SUCCESS[failure])

    world.bucket.put(upload(data=data), None)

    assert world.server.signed_puts == [True, False]
    assert world.server.stored["/images/images/tom.png"].body == data


def test_no_response_raises_and_only_a_200_is_a_success(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_put, "MAX_CONSECUTIVE_FAILURES", 10**9)

    @given(response=st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: b"HTTP/1.1 200 OK\r\n" + rest))
    def holds(response: bytes) -> None:
        world.server.next_signed_puts(sends(response))
        stored = world.signed_put.put(io.BytesIO(png()), len(png()), hashlib.sha256(png()).hexdigest(), {"Key": "a"})
        assert stored is None or response.startswith(b"HTTP/1.1 200 OK")

    holds()


@pytest.mark.parametrize(
    ("always", "error_class", "code"),
    [
        pytest.param(error(403, "AccessDenied"), StorageFault, "AccessDenied", id="403"),
        pytest.param(error(404, "NoSuchBucket"), StorageFault, "NoSuchBucket", id="404"),
        pytest.param(error(307, "TemporaryRedirect"), StorageFault, "TemporaryRedirect", id="307"),
        pytest.param(error(400, "BadDigest"), RowError, "BadDigest", id="400"),
        pytest.param(error(500, "InternalError"), RowError, "InternalError", id="500"),
        pytest.param(error(503, "SlowDown"), RowError, "SlowDown", id="503"),
        pytest.param(sends(b""), RowError, "ConnectionClosedError", id="no response"),
        pytest.param(sends(b"\x00\xff SSH\r\n\r\n"), RowError, "ConnectionClosedError", id="not HTTP"),
    ],
)
def test_if_boto3_fails_too_its_error_is_raised(
    world: World, always: Behaviour, error_class: type[Exception], code: str
) -> None:
    world.server.always = always

    with pytest.raises(error_class, match=code):
        world.bucket.put(upload(), None)

    assert world.server.signed_puts == [True, False]
    assert "/images/images/tom.png" not in world.server.stored


def test_boto3_retries_after_throttling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with connected(tries=3) as world:
        behaviours = iter([error(503, "SlowDown"), error(503, "SlowDown"), error(500, "InternalError"), store])
        world.server.always = lambda connection, put: next(behaviours)(connection, put)

        world.bucket.put(upload(), None)

        assert world.server.signed_puts == [True, False, False, False]
        assert "/images/images/tom.png" in world.server.stored
        assert world.signed_put.throttle_count == 2  # the signed PUT and one of boto3; not the 500


def test_a_server_without_a_response_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_connections, "READ_SECONDS", 0.1)
    with connected() as world:
        world.server.next_signed_puts(stay_silent)

        world.bucket.put(upload(), None)

        assert world.server.client_gave_up.wait(10)
        assert world.server.signed_puts == [True, False]
        assert "/images/images/tom.png" in world.server.stored


def test_more_threads_than_connections_lose_no_image(world: World) -> None:
    images = {f"/images/{number}": LARGE[:1000] + bytes([number]) for number in range(40)}
    with ThreadPoolExecutor(8) as threads:
        list(
            threads.map(
                lambda path: world.bucket.put(upload(path.removeprefix("/images/"), images[path]), None), images
            )
        )

    assert {path: put.body for path, put in world.server.stored.items() if path in images} == images
    assert all(world.server.signed_puts)


def test_a_body_with_another_digest_is_not_stored(world: World) -> None:
    with pytest.raises(RowError, match=r"BadDigest|XAmzContentSHA256Mismatch"):
        world.bucket.put(upload(sha256=hashlib.sha256(jpeg()).hexdigest()), None)

    assert "/images/images/tom.png" not in world.server.stored


def test_a_server_that_is_down_is_a_retryable_row_error() -> None:
    with connected() as world:
        world.server.__exit__()
        with pytest.raises(RowError) as raised:
            world.bucket.put(upload(), None)

    assert raised.value.reason is Reason.STORAGE


# Idle connections that are closed


def test_an_idle_connection_that_the_server_closed_is_no_failure(world: World) -> None:
    world.server.next_signed_puts(store_and_close)
    world.bucket.put(upload("one"), None)
    assert world.server.closed_connections.acquire(timeout=10)

    world.bucket.put(upload("two"), None)

    assert world.server.signed_puts == [True, True]
    assert set(world.server.stored) == {"/images/first", "/images/one", "/images/two"}


def test_an_idle_connection_that_is_closed_during_the_next_request_is_no_failure(world: World) -> None:
    world.server.next_signed_puts(store, sends(b""))
    world.bucket.put(upload("one"), None)
    world.bucket.put(upload("two"), None)

    first, second, repeated = (put.connection for put in world.server.received)
    assert first == second != repeated
    assert world.server.signed_puts == [True, True, True]
    assert set(world.server.stored) == {"/images/first", "/images/one", "/images/two"}


# Responses that are lost


def test_an_image_that_was_stored_without_a_response_meets_its_own_object(world: World) -> None:
    world.server.next_signed_puts(store_without_response)

    assert world.bucket.put(upload(), None) is None

    assert world.server.signed_puts == [True, False]
    found = world.bucket.head("images/tom.png")
    assert found is not None
    assert (found.run_id, found.row, found.sha256) == ("r1", 7, upload().sha256)
    assert world.server.stored["/images/images/tom.png"].body == png()


def test_an_idle_connection_that_breaks_after_the_image_was_stored_meets_its_own_object(world: World) -> None:
    world.bucket.put(upload("one"), None)
    world.server.next_signed_puts(store_without_response)

    assert world.bucket.put(upload(), None) is None

    assert world.server.signed_puts == [True, True, True]
    assert world.server.stored["/images/images/tom.png"].body == png()


# A condition that does not hold


@pytest.mark.parametrize("if_match", [None, '"0"'])
def test_a_412_is_an_answer_and_is_not_sent_again(world: World, if_match: str | None) -> None:
    world.bucket.put(upload(), None)
    world.server.received.clear()

    assert world.bucket.put(upload(data=jpeg()), if_match) is None

    assert world.server.signed_puts == [True]
    assert world.server.stored["/images/images/tom.png"].body == png()


def test_a_412_of_boto3_is_an_answer_too() -> None:
    with connected(tries=3) as world:
        world.server.next_signed_puts(error(500, "InternalError"))
        world.server.stored["/images/images/tom.png"] = world.server.stored["/images/first"]

        assert world.bucket.put(upload(), None) is None

        assert world.server.signed_puts == [True, False]


def test_an_object_that_was_deleted_is_a_condition_that_does_not_hold(world: World) -> None:
    assert world.bucket.put(upload(), '"0"') is None

    assert world.server.signed_puts == [True, False]  # boto3 reads the code: NoSuchKey, not NoSuchBucket
    assert "/images/images/tom.png" not in world.server.stored


# Failures that repeat


@pytest.mark.parametrize(
    "behaviour", [pytest.param(error(403, "AccessDenied"), id="forbidden"), pytest.param(sends(b""), id="no response")]
)
def test_repeated_failures_disable_the_fast_path_for_a_minute(behaviour: Behaviour) -> None:
    now = 1_000.0
    with connected(monotonic=lambda: now) as world:
        world.server.next_signed_puts(*[behaviour] * MAX_CONSECUTIVE_FAILURES)
        for _ in range(MAX_CONSECUTIVE_FAILURES + 2):
            world.bucket.put(upload(), None)
        assert world.server.signed_puts == [True, False] * MAX_CONSECUTIVE_FAILURES + [False] * 2

        world.server.received.clear()
        now += DISABLED_SECONDS
        for _ in range(3):
            world.bucket.put(upload(), None)
        assert world.server.signed_puts == [True] * 3


def test_a_failure_after_that_minute_disables_it_for_another_one() -> None:
    now = 1_000.0
    with connected(monotonic=lambda: now) as world:
        world.server.next_signed_puts(*[sends(b"")] * (MAX_CONSECUTIVE_FAILURES + 1))
        for _ in range(MAX_CONSECUTIVE_FAILURES):
            world.bucket.put(upload(), None)
        world.server.received.clear()

        now += DISABLED_SECONDS
        for _ in range(2):
            world.bucket.put(upload(), None)
        now += DISABLED_SECONDS
        world.bucket.put(upload(), None)

        assert world.server.signed_puts == [True, False, False, True]


def test_throttling_does_not_disable_it(world: World) -> None:
    world.server.next_signed_puts(*[error(503, "SlowDown")] * MAX_CONSECUTIVE_FAILURES)

    for number in range(MAX_CONSECUTIVE_FAILURES + 1):
        world.bucket.put(upload(f"{number}"), None)

    assert world.server.signed_puts == [True, False] * MAX_CONSECUTIVE_FAILURES + [True]


def test_keys_that_are_taken_do_not_disable_it(world: World) -> None:
    for _ in range(MAX_CONSECUTIVE_FAILURES + 2):
        world.bucket.put(upload(), None)

    assert world.server.signed_puts == [True] * (MAX_CONSECUTIVE_FAILURES + 2)


def test_a_success_resets_the_failure_count(world: World) -> None:
    for _ in range(MAX_CONSECUTIVE_FAILURES):
        world.server.next_signed_puts(error(403, "AccessDenied"))
        world.bucket.put(upload(), None)
        world.bucket.put(upload(), None)

    assert world.server.signed_puts == [True, False, True] * MAX_CONSECUTIVE_FAILURES


def test_boto3_sends_after_a_pause_where_s3_throttles(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    monkeypatch.setattr(signed_put, "PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(signed_put.time, "sleep", paused.append)
    world.server.next_signed_puts(error(503, "SlowDown"))

    world.bucket.put(upload(), None)

    assert len(paused) == 1
    assert 0 <= paused[0] <= 0.5


# Idle connections that broke between two batches

BATCH = [f"{number}" for number in range(40)]
THREADS = 4


def put_all(world: World, keys: list[str], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda key: world.bucket.put(upload(key), None), keys))


def put_together(world: World) -> None:
    """Puts THREADS images at the same time, so that each has a connection of its own."""
    together = threading.Barrier(THREADS)

    def store_together(connection: Connection, put: ReceivedPut) -> None:
        together.wait(10)
        store(connection, put)

    world.server.next_signed_puts(*[store_together] * THREADS)
    put_all(world, [f"together-{number}" for number in range(THREADS)], THREADS)


def open_connections(world: World) -> set[int]:
    """Opens THREADS connections, which are idle afterwards. Returns the client's port of each."""
    put_together(world)
    connections = {put.connection for put in world.server.received}
    assert len(connections) == THREADS
    world.server.received.clear()
    return connections


@pytest.mark.parametrize("threads", [1, THREADS])
@pytest.mark.parametrize("broken", [pytest.param(reset, id="reset"), pytest.param(stay_silent, id="silent")])
def test_after_idle_connections_broke_the_whole_next_batch_takes_the_fast_path(
    monkeypatch: pytest.MonkeyPatch, broken: Behaviour, threads: int
) -> None:
    monkeypatch.setattr(s3_connections, "READ_SECONDS", 1.0)
    monkeypatch.setattr(s3_connections, "MAX_IDLE_SECONDS", 300.0)
    with connected() as world:
        connections = open_connections(world)
        world.server.broken_connections = dict.fromkeys(connections, broken)

        put_all(world, BATCH, threads)

        assert {path for path in world.server.stored if "together" not in path} == {
            "/images/first",
            *(f"/images/{key}" for key in BATCH),
        }
        assert all(world.server.signed_puts)
        unanswered = [put for put in world.server.received if put.connection in connections]
        assert 1 <= len(unanswered) <= threads
        assert len(world.server.received) == len(BATCH) + len(unanswered)


@pytest.mark.parametrize("broken", [pytest.param(reset, id="reset"), pytest.param(stay_silent, id="silent")])
def test_the_failure_of_one_idle_connection_closes_all(monkeypatch: pytest.MonkeyPatch, broken: Behaviour) -> None:
    monkeypatch.setattr(s3_connections, "READ_SECONDS", 1.0)
    monkeypatch.setattr(s3_connections, "MAX_IDLE_SECONDS", 300.0)
    with connected() as world:
        world.server.broken_connections = dict.fromkeys(open_connections(world), broken)

        world.bucket.put(upload("one"), None)
        put_together(world)

        unanswered = [put for put in world.server.received if put.connection in world.server.broken_connections]
        assert len(unanswered) == 1
        assert world.server.signed_puts == [True] * (1 + 1 + THREADS)


@pytest.mark.parametrize("broken", [pytest.param(reset, id="reset"), pytest.param(stay_silent, id="silent")])
def test_connections_that_were_idle_for_long_are_not_used_at_all(broken: Behaviour) -> None:
    now = 1_000.0
    with connected(monotonic=lambda: now) as world:
        connections = open_connections(world)
        world.server.broken_connections = dict.fromkeys(connections, broken)
        now += MAX_IDLE_SECONDS + 0.1

        put_all(world, BATCH, THREADS)

        assert world.server.signed_puts == [True] * len(BATCH)
        assert connections.isdisjoint(put.connection for put in world.server.received)


def test_idle_connections_that_break_are_no_failures_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_connections, "MAX_IDLE_SECONDS", 300.0)
    with connected() as world:
        for number in range(2 * MAX_CONSECUTIVE_FAILURES):
            world.bucket.put(upload(f"{number}"), None)
            world.server.broken_connections[world.server.received[-1].connection] = reset

        unanswered = 2 * MAX_CONSECUTIVE_FAILURES - 1
        assert world.server.signed_puts == [True] * (2 * MAX_CONSECUTIVE_FAILURES + unanswered)


def test_a_large_file_is_sent_again_from_its_beginning_after_an_idle_connection_broke(world: World) -> None:
    world.bucket.put(upload("one"), None)
    world.server.broken_connections[world.server.received[0].connection] = reset

    world.bucket.put(upload("large", LARGE), None)

    assert world.server.signed_puts == [True, True, True]
    assert world.server.stored["/images/large"].body == LARGE


# Counters that many threads change


class SlowInt(int):
    """Lets other threads run between the read and the write of an increment."""

    def __add__(self, other: int) -> "SlowInt":
        time.sleep(0.0001)
        return SlowInt(int(self) + other)


def test_no_response_is_lost_from_the_counters(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, threads = 50, 4
    monkeypatch.setattr(signed_put, "MAX_CONSECUTIVE_FAILURES", 10**9)
    world.signed_put.throttle_count, world.signed_put._failures = SlowInt(0), SlowInt(0)

    with ThreadPoolExecutor(2 * threads) as pool:
        for _ in range(calls * threads):
            pool.submit(world.signed_put._count, 403)
            pool.submit(world.signed_put._on_boto3_response, {"status_code": 503})
    assert (world.signed_put._failures, world.signed_put.throttle_count) == (calls * threads, calls * threads)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(world.signed_put._count, [503] * calls))
    assert (world.signed_put._failures, world.signed_put.throttle_count) == (0, calls * threads + calls)
