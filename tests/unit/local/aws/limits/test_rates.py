"""Rates per second and S3's SlowDown, with a clock that the tests move."""

from __future__ import annotations

from typing import Any

import pytest

from local.aws.limits.objects import LimitedObjects
from local.aws.limits.token_bucket import TokenBucket
from tests.support.clock import FakeClock


def admitted(bucket: TokenBucket, attempts: int) -> int:
    return sum(bucket.take() for _ in range(attempts))


def test_no_more_than_the_rate_is_admitted_at_once(clock: FakeClock) -> None:
    assert admitted(TokenBucket(10, clock), 50) == 10


def test_the_rate_is_admitted_in_every_later_second(clock: FakeClock) -> None:
    bucket = TokenBucket(10, clock)
    admitted(bucket, 50)
    counts = []
    for _ in range(3):
        clock.seconds += 1
        counts.append(admitted(bucket, 50))

    assert counts == [10, 10, 10]


def test_only_one_second_is_saved(clock: FakeClock) -> None:
    bucket = TokenBucket(10, clock)
    clock.seconds += 60

    assert admitted(bucket, 50) == 10


def test_more_units_than_the_rate_are_admitted_and_then_regained(clock: FakeClock) -> None:
    bucket = TokenBucket(10, clock)

    assert bucket.take(25)
    clock.seconds += 1.5
    assert not bucket.take()
    clock.seconds += 0.1
    assert bucket.take()


def test_units_that_become_known_later_count(clock: FakeClock) -> None:
    bucket = TokenBucket(10, clock)
    assert bucket.take(0)
    bucket.charge(20)
    clock.seconds += 1
    assert not bucket.take(0)


def request(method: str, path: str) -> dict[str, Any]:
    return {"REQUEST_METHOD": method, "REQUEST_URI": path}


def call(app: Any, environ: dict[str, Any]) -> tuple[str, bytes]:
    answers: list[str] = []
    body = b"".join(app(environ, lambda status, headers: answers.append(status)))
    return answers[0], body


@pytest.fixture
def objects(clock: FakeClock) -> LimitedObjects:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"object"]

    return LimitedObjects(app, lambda environ: "?lifecycle" not in environ["REQUEST_URI"], 2, clock)


def test_requests_above_the_rate_are_told_to_slow_down(objects: LimitedObjects, clock: FakeClock) -> None:
    answers = [call(objects, request("PUT", "/images/a")) for _ in range(3)]
    clock.seconds += 0.5
    later = call(objects, request("PUT", "/images/a"))

    assert [status for status, _ in [*answers, later]] == ["200 OK", "200 OK", "503 Slow Down", "200 OK"]
    assert b"<Code>SlowDown</Code><Message>Please reduce your request rate.</Message>" in answers[2][1]


def test_the_answer_to_a_head_has_no_body(objects: LimitedObjects) -> None:
    answers = [call(objects, request("HEAD", "/images/a")) for _ in range(3)]

    assert answers[2] == ("503 Slow Down", b"")


def test_reads_and_writes_and_buckets_have_a_rate_of_their_own(objects: LimitedObjects) -> None:
    requests = [(method, path) for method in ("GET", "PUT") for path in ("/images/a", "/input/a")] * 2

    assert {call(objects, request(*each))[0] for each in requests} == {"200 OK"}
    assert {call(objects, request(*each))[0] for each in requests} == {"503 Slow Down"}


def test_the_settings_of_a_bucket_do_not_count(objects: LimitedObjects) -> None:
    assert {call(objects, request("GET", "/images?lifecycle"))[0] for _ in range(9)} == {"200 OK"}
