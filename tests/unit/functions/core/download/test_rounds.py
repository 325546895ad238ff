"""One round of a batch, as the workflow calls it."""

import json
from typing import Any

import pytest

from functions.core.download.batch import BatchMirror
from functions.core.download.batch_results import DeferredRow
from functions.core.download.hosts.pace import HostState
from functions.core.download.mirror import RowMirror
from functions.core.download.passes import Passes
from functions.core.download.rounds import (
    BACKOFF_SECONDS,
    CHILD_MARGIN_SECONDS,
    MAX_LISTED_FAILURES,
    RETURN_SECONDS,
    Batch,
    RoundReport,
    RoundRunner,
)
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.limits import LATER_ROUND_WAIT_SECONDS, MAX_ROUNDS, RESERVE_SECONDS
from functions.core.model.options import Options
from functions.core.model.ports import NOTICE_SECONDS
from functions.core.model.reasons import Reason
from tests.support.fakes import FakeImageStore, FakeImageTable, FakeNotices, FakeRunFiles, FakeWeb
from tests.support.images import HTML, png

A, B, C = (f"http://{host}.example/1.png" for host in "abc")
DOWN = RowError(Reason.HTTP_5XX, "500", status=500)
BUSY = RowError(Reason.HTTP_BUSY, "503", status=503, wait=20.0)


def first_payload(*items: object, after: int = 0) -> dict[str, Any]:
    """The payload of ItemBatcher for rows that follow `after` others."""
    return {
        "BatchInput": {"run": {"id": "r1", "manifest": "manifests/demo.csv", "options": {}}},
        "Items": [{"row": row, "item": item} for row, item in enumerate(items, start=after)],
    }


class World:
    """`now` is a clock that tests advance. Without the option `passes` there are none."""

    def __init__(self, answers: dict[str, Any] | None = None, **options: Any) -> None:
        self.web = FakeWeb(answers)
        self.store = FakeImageStore()
        self.table = FakeImageTable()
        self.files = FakeRunFiles()
        self.notices = FakeNotices()
        self.options = Options(**{"passes": 0, **options})
        self.now = 1_000.0

    def run(
        self,
        payload: dict[str, Any],
        *,
        start_within: float = 50.0,
        child_seconds_left: float = 300.0,
        end_within: float = 90.0,
        is_retry: bool = False,
        epoch: float = 5_000.0,
    ) -> RoundReport:
        """`epoch` is the time in seconds since the epoch."""
        mirror = RowMirror(fetcher=self.web, store=self.store, table=self.table, options=self.options, run_id="r1")
        batch = BatchMirror(
            mirror=mirror, table=self.table, options=self.options, run_id="r1", monotonic=lambda: self.now
        )
        runner = RoundRunner(
            mirror=batch,
            files=self.files,
            notices=self.notices,
            options=self.options,
            passes=Passes(self.options, clock=lambda: epoch),
            monotonic=lambda: self.now,
        )
        report = runner.run(
            Batch.from_payload(payload),
            start_deadline=self.now + start_within,
            child_seconds_left=child_seconds_left,
            end=self.now + end_within,
            is_retry=is_retry,
        )
        assert json.loads(json.dumps(report.payload)) == report.payload
        return report

    def play(self, payload: dict[str, Any]) -> list[dict[str, Any]]:
        """Run all rounds and return their payloads."""
        payloads = [self.run(payload).payload]
        while payloads[-1]["Items"]:
            payloads.append(self.run(payloads[-1]).payload)
        return payloads

    def rows(self, folder: str) -> dict[str, list[int]]:
        return {
            name: [line["row"] for line in lines] for name, lines in self.files.files.items() if name.startswith(folder)
        }


def test_rows_are_counted_from_one_and_parts_are_named_by_the_first_row() -> None:
    batch = Batch.from_payload(first_payload(A, B, after=100))

    assert batch.items == {101: A, 102: B}
    assert (batch.first_row, batch.round, batch.part_name()) == (101, 0, "part-0000000101-00.jsonl")


def test_part_names_of_a_hundred_million_rows_stay_in_order() -> None:
    rows = [1, 9, 10, 99_999_901, 100_000_000]
    names = [Batch.from_payload(first_payload(A, after=row - 1)).part_name() for row in rows]

    assert sorted(names) == names


def test_the_payload_of_a_batch_that_ends_in_one_round_has_its_counts() -> None:
    world = World({B: HTML})

    report = world.run(first_payload(A, {"url": B, "id": 7}, A))

    assert report.payload == {
        "BatchInput": {"run": {"id": "r1", "manifest": "manifests/demo.csv", "options": {}}},
        "Items": [],
        "first_row": 1,
        "round": 1,
        "wait_seconds": 0,
        "counts": {
            "stored": 1,
            "unchanged": 0,
            "skipped": 0,
            "duplicate": 1,
            "failed": 1,
            "bytes": len(png(note=A.encode())),
        },
    }
    assert [outcome.row for outcome in report.outcomes] == [1, 2, 3]
    assert (report.deferred, report.notified) == (0, True)


def test_outcomes_are_written_by_row_and_failures_also_to_a_file_of_their_own() -> None:
    world = World({B: HTML})

    world.run(first_payload(C, {"url": B, "id": 7}, A))

    assert world.rows("results") == {"results/part-0000000001-00.jsonl": [1, 2, 3]}
    assert world.rows("failures") == {"failures/part-0000000001-00.jsonl": [2]}
    assert world.files.files["failures/part-0000000001-00.jsonl"] == [
        {
            "row": 2,
            "url": B,
            "outcome": "failed",
            "reason": "not_an_image",
            "http_status": 200,
            "retryable": False,
            "message": "The response body is HTML, not an image (Content-Type is ignored).",
            "columns": {"id": 7},
        }
    ]


def test_without_failures_there_is_no_failures_file_and_no_message() -> None:
    world = World()

    world.run(first_payload(A))

    assert world.rows("failures") == {}
    assert world.notices.published == []


def test_without_outcomes_the_results_file_is_empty() -> None:
    world = World({A: DOWN})

    world.run(first_payload(A))

    assert world.files.files == {"results/part-0000000001-00.jsonl": []}


def test_a_round_records_its_start_under_the_name_of_its_part() -> None:
    world = World({})

    world.run(first_payload(A))

    assert list(world.files.started) == ["part-0000000001-00.jsonl"]
    assert world.files.unfinished_rounds() == []


def test_a_round_of_a_run_that_was_closed_does_nothing_and_ends_its_batch() -> None:
    world = World({})
    world.files.close_run()

    report = world.run(first_payload(A, B))

    assert (world.web.requests, world.table.asked) == ([], [])
    assert (report.outcomes, report.deferred, report.payload["Items"]) == ([], 0, [])
    assert world.files.unfinished_rounds() == []


def test_deferred_rows_are_returned_to_the_workflow_unchanged() -> None:
    item = {"url": A, "id": 7, "headers": {"X-A": "b"}}
    world = World({A: DOWN})

    payload = world.run(first_payload(item, B, after=100)).payload

    assert payload["Items"] == [{"row": 100, "item": item, "tried": 1}]
    assert (payload["first_row"], payload["round"]) == (101, 1)
    assert payload["counts"]["stored"] == 1
    assert 1 <= payload["wait_seconds"] <= BACKOFF_SECONDS
    assert world.notices.published == []


def test_counts_add_up_over_the_rounds() -> None:
    world = World({A: [DOWN, png()], B: [DOWN, DOWN, HTML]})

    payloads = world.play(first_payload(A, B, C))

    last = payloads[-1]["counts"]
    assert [payload["round"] for payload in payloads] == [1, 2, 3]
    assert (last["stored"], last["failed"]) == (2, 1)
    assert last["bytes"] == len(png(note=C.encode())) + len(png())
    assert world.rows("results") == {
        "results/part-0000000001-00.jsonl": [3],
        "results/part-0000000001-01.jsonl": [1],
        "results/part-0000000001-02.jsonl": [2],
    }


def test_after_the_last_round_a_row_fails_with_its_last_error() -> None:
    world = World({A: DOWN}, rounds=3)

    payloads = world.play(first_payload({"url": A, "id": 7}))

    assert len(payloads) == 3
    assert payloads[-1]["wait_seconds"] == 0
    (line,) = world.files.files["results/part-0000000001-02.jsonl"]
    assert (line["outcome"], line["reason"], line["retryable"]) == ("failed", "http_5xx", True)
    assert line["columns"] == {"id": 7}


def test_with_one_round_there_is_no_retry() -> None:
    world = World({A: DOWN}, rounds=1)

    assert world.run(first_payload(A)).payload["Items"] == []


@pytest.mark.parametrize(
    ("left", "deferred"), [(20 + 1 + 30 + CHILD_MARGIN_SECONDS, 1), (20 + 30 + CHILD_MARGIN_SECONDS - 0.1, 0)]
)
def test_there_is_another_round_only_if_the_child_execution_has_enough_time(left: float, deferred: int) -> None:
    """Enough to write its outcomes and to wait for a Lambda execution, too."""
    world = World({A: BUSY}, timeout=30.0)

    report = world.run(first_payload(A), child_seconds_left=left + LATER_ROUND_WAIT_SECONDS + RESERVE_SECONDS)

    assert report.deferred == deferred


def test_the_duration_of_a_round_reduces_the_time_for_the_next() -> None:
    world = World({A: lambda: slow(world)}, timeout=30.0)

    assert world.run(first_payload(A), child_seconds_left=100.0).deferred == 0


def slow(world: World) -> bytes:
    world.now += 60.0
    raise DOWN


def test_no_row_is_started_that_cannot_end_before_the_child_execution() -> None:
    world = World(timeout=30.0)

    report = world.run(first_payload(A), child_seconds_left=30.0 + CHILD_MARGIN_SECONDS - 1)

    assert world.web.requests == []
    assert [outcome.failure and outcome.failure.reason for outcome in report.outcomes] == [Reason.OUT_OF_TIME]


def test_rows_that_were_not_attempted_are_the_first_of_the_next_round() -> None:
    payload = first_payload(A, B, C)
    for element, tried in zip(payload["Items"], [True, False, True], strict=True):
        element["tried"] = tried

    assert list(Batch.from_payload(payload).items) == [2, 1, 3]


def test_a_row_that_was_attempted_once_stays_behind_those_that_were_not() -> None:
    urls = [f"http://a.example/{number}" for number in range(5)]
    world = World(dict.fromkeys(urls, BUSY), per_host=1, concurrency=1, rounds=10)
    payload = first_payload(*urls)

    left = 300.0
    for _ in urls:
        payload = world.run(payload, child_seconds_left=left).payload
        left -= payload["wait_seconds"]

    assert sorted(world.web.requests) == urls


def test_a_batch_that_is_tried_again_replaces_its_own_part() -> None:
    world = World()
    world.files.faults.append(StorageFault("slow down"))
    with pytest.raises(StorageFault):
        world.run(first_payload(A, B))

    report = world.run(first_payload(A, B))

    assert report.payload["counts"]["stored"] == 2
    assert world.rows("results") == {"results/part-0000000001-00.jsonl": [1, 2]}
    assert len(world.web.requests) == 2


def test_the_message_has_the_run_and_its_failures_without_the_users_columns() -> None:
    world = World({A: HTML})

    world.run(first_payload({"url": A, "name": "private"}, B))

    (notice,) = world.notices.published
    assert (notice.kind, notice.subject) == ("images_failed", "Image Mirror: 1 image failed")
    assert {name: notice.body[name] for name in ("run_id", "manifest", "failed", "omitted")} == {
        "run_id": "r1",
        "manifest": "manifests/demo.csv",
        "failed": 1,
        "omitted": 0,
    }
    assert notice.body["failures"][0]["url"] == A
    assert "private" not in json.dumps(notice.body)


def test_a_message_lists_some_failures_and_the_number_of_the_others() -> None:
    world = World()

    world.run(first_payload(*[""] * (MAX_LISTED_FAILURES + 5)))

    (notice,) = world.notices.published
    assert notice.subject == f"Image Mirror: {MAX_LISTED_FAILURES + 5} images failed"
    assert (len(notice.body["failures"]), notice.body["omitted"]) == (MAX_LISTED_FAILURES, 5)


def test_a_failed_publish_does_not_fail_the_round() -> None:
    world = World({A: HTML})
    world.notices.down = True

    report = world.run(first_payload(A, B))

    assert not report.notified
    assert report.payload["counts"]["stored"] == 1


@pytest.mark.parametrize(
    ("left", "seconds"),
    [(60.0, [NOTICE_SECONDS]), (5.0, [5.0 - RETURN_SECONDS]), (RETURN_SECONDS, []), (0.0, []), (-3.0, [])],
)
def test_a_message_is_published_only_in_time_that_the_result_does_not_need(left: float, seconds: list[float]) -> None:
    world = World({A: HTML, B: DOWN})

    report = world.run(first_payload(A, B), end_within=left)

    assert world.notices.seconds == pytest.approx(seconds)
    assert report.notified is bool(seconds)
    assert [item["row"] for item in report.payload["Items"]] == [1]
    assert world.rows("results") == {"results/part-0000000001-00.jsonl": [1]}


def test_the_outcomes_are_written_before_the_message_is_published() -> None:
    world = World({A: HTML})
    written: list[list[str]] = []
    world.notices.publish = lambda *_: not written.append(sorted(world.files.files))  # type: ignore[method-assign]

    assert world.run(first_payload(A)).notified
    assert written == [["failures/part-0000000001-00.jsonl", "results/part-0000000001-00.jsonl"]]


def test_a_refused_row_is_deferred_without_an_attempt_and_its_host_with_its_time() -> None:
    """The state of the host is in one of its items, in seconds since the start of the child execution."""
    urls = [f"http://a.example/{number}" for number in range(3)]
    world = World({urls[0]: BUSY}, per_host=1)

    payload = world.run(first_payload(*urls), child_seconds_left=250.0).payload

    assert [item["row"] for item in payload["Items"]] == [1, 2, 0]
    assert not any("tried" in item for item in payload["Items"])
    assert [len(item.get("host", [])) for item in payload["Items"]] == [4, 0, 0]
    not_before, refusals, rate, _ = payload["Items"][0]["host"]
    assert 70 <= not_before <= 71.1
    assert (refusals, rate) == (1, 0)
    assert 20 <= payload["wait_seconds"] <= 21


def test_a_host_is_not_asked_in_a_round_that_begins_before_its_time() -> None:
    world = World({A: BUSY, B: [DOWN, png()]})
    payload = world.run(first_payload(A, B)).payload
    assert payload["wait_seconds"] <= BACKOFF_SECONDS

    report = world.run(payload, child_seconds_left=300.0 - 2)

    assert world.web.requests == [A, B, B]
    assert report.payload["counts"]["stored"] == 1
    assert 18 <= report.payload["wait_seconds"] <= 20


def test_a_host_that_asks_for_an_hour_is_not_asked_again_and_delays_no_other() -> None:
    """Not even for a row that failed before, and may be tried again."""
    hour = RowError(Reason.HTTP_BUSY, "asked to wait for 3600 seconds", status=429, wait=3600.0)
    first, second, third = (f"http://a.example/{number}" for number in range(3))
    world = World({first: DOWN, second: hour, third: hour, B: [BUSY, png()]}, per_host=1)

    report = world.run(first_payload(first, second, third, B))

    assert [item["item"] for item in report.payload["Items"]] == [B]
    assert [(outcome.row, outcome.failure and outcome.failure.retryable) for outcome in report.outcomes] == [
        (1, True),
        (2, True),
        (3, True),
    ]
    assert "3600" in str(report.outcomes[2].failure)
    assert third not in world.web.requests


def test_a_batch_has_more_rounds_than_attempts_while_its_host_answers() -> None:
    limited = [RowError(Reason.HTTP_BUSY, "429", status=429, wait=5.0)] * 2
    urls = [f"http://a.example/{number}" for number in range(9)]
    world = World({url: [*limited, png(note=url.encode())] for url in urls}, per_host=1, rounds=3)

    payload, left, rounds = first_payload(*urls), 300.0, 0
    while payload["Items"]:
        payload = world.run(payload, child_seconds_left=left).payload
        left, rounds = left - payload["wait_seconds"], rounds + 1

    assert payload["counts"]["failed"] + payload["counts"]["stored"] == 9


def test_there_are_no_more_rounds_than_names_of_parts() -> None:
    world = World({A: BUSY}, rounds=10)

    report = world.run({**first_payload(A), "round": MAX_ROUNDS - 1, "first_row": 1})

    assert report.payload["Items"] == []
    assert world.rows("results") == {f"results/part-0000000001-{MAX_ROUNDS - 1}.jsonl": [1]}


def test_a_payload_of_an_earlier_release_is_read() -> None:
    """Its `tried` is true after the first attempt."""
    payload = first_payload(A, B)
    payload["Items"][0]["tried"] = True

    batch = Batch.from_payload(payload)

    assert (list(batch.items), batch.tried) == ([2, 1], {1: 1})


def test_the_states_of_a_thousand_hosts_fit_into_the_state_of_the_workflow() -> None:
    """It has 256 KiB, of which the items of a batch take 192 at most."""
    numbers = range(1_000_000, 1_001_000)
    batch = Batch.from_payload(first_payload(*numbers, after=1_000_000))
    deferred = [
        DeferredRow(number, BUSY, tried=True, host=HostState(123.456, 3, 123.45, 0.02)) for number in batch.items
    ]

    before = len(json.dumps(batch.next_payload([], {}, 0, 0.0))) + sum(len(json.dumps(item)) for item in numbers)
    payload = json.dumps(batch.next_payload(deferred, {}, 60, 100.0), separators=(",", ":"))

    assert payload.count("host") == 1000
    assert len(payload) - before - len('{"row":1000000,"item":},') * 1000 < 48 * 1024
