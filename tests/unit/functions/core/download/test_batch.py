"""One round of a batch: its outcomes and deferred rows."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.download.batch import BatchMirror
from functions.core.download.batch_results import BatchResult
from functions.core.download.mirror import RowMirror
from functions.core.download.record_buffer import BATCH_RECORDS
from functions.core.model.errors import RowError, StorageFault, TableFault
from functions.core.model.keys import default_key
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind
from functions.core.model.ports import ImageUpload
from functions.core.model.reasons import Reason
from functions.core.web.fetch import FetchRequest, FetchResult
from tests.support.fakes import Answer, FakeImageStore, FakeImageTable, FakeWeb
from tests.support.images import HTML, png

A, B, C, D = (f"http://{host}.example/1.png" for host in "abcd")
MISSING = RowError(Reason.HTTP_4XX, "404", status=404)
BUSY = RowError(Reason.HTTP_BUSY, "busy", status=503, wait=9.0)


class World:
    def __init__(self, answers: Mapping[str, Any] | None = None, **options: Any) -> None:
        self.web = FakeWeb(answers)
        self.store = FakeImageStore()
        self.table = FakeImageTable()
        self.options = Options(**options)
        self.clock = [0.0]
        self.throttle_count: Callable[[], int] = lambda: 0
        self.prefix = "images/"

    def run(self, *items: object, start_deadline: float = 1.0, run_id: str = "r1") -> BatchResult:
        numbered = dict(enumerate(items, start=1))
        mirror = RowMirror(
            fetcher=self.web,
            store=self.store,
            table=self.table,
            options=self.options,
            run_id=run_id,
            prefix=self.prefix,
        )
        batch = BatchMirror(
            mirror=mirror,
            table=self.table,
            options=self.options,
            run_id=run_id,
            monotonic=lambda: self.clock[0],
            throttle_count=self.throttle_count,
            prefix=self.prefix,
        )
        result = batch.run(numbered, start_deadline=start_deadline)
        ended = [outcome.row for outcome in result.outcomes] + [row.number for row in result.deferred]
        assert sorted(ended) == sorted(numbered), "each row ends once"
        return result


def outcome_kinds(result: BatchResult) -> dict[int, str]:
    return {outcome.row: outcome.kind.value for outcome in result.outcomes}


def reasons(result: BatchResult) -> dict[int, Reason]:
    return {outcome.row: outcome.failure.reason for outcome in result.outcomes if outcome.failure}


def outcome_of(result: BatchResult, row: int) -> Outcome:
    return next(outcome for outcome in result.outcomes if outcome.row == row)


def image_and_fault(faults: deque[Exception], fault: Exception) -> Callable[[], bytes]:
    """An image whose arrival adds a fault of our own side."""

    def arrive() -> bytes:
        faults.append(fault)
        return png()

    return arrive


def test_every_row_gets_its_outcome_and_every_stored_image_its_table_row() -> None:
    world = World({B: MISSING, C: HTML})

    result = world.run(A, {"url": B, "id": 7}, C, "no url", 5)

    assert outcome_kinds(result) == {1: "stored", 2: "failed", 3: "failed", 4: "failed", 5: "failed"}
    assert reasons(result) == {
        2: Reason.HTTP_4XX,
        3: Reason.NOT_AN_IMAGE,
        4: Reason.INVALID_URL,
        5: Reason.INVALID_ROW,
    }
    assert outcome_of(result, 2).user_columns == {"id": 7}
    assert list(world.table.rows) == [A]
    assert list(world.store.objects) == [default_key(A, "png")]


def test_an_empty_batch_has_no_results() -> None:
    assert World().run() == BatchResult()


def test_the_same_url_twice_is_fetched_once() -> None:
    world = World(base_url="http://a.example")

    result = world.run(A, {"url": A}, "1.png", B)

    assert outcome_kinds(result) == {1: "stored", 2: "duplicate", 3: "duplicate", 4: "stored"}
    assert sorted(world.web.requests) == [A, B]


def test_two_urls_of_one_key_are_a_conflict() -> None:
    world = World()

    result = world.run({"url": A, "key": "tom.png"}, {"url": B, "key": "/tom.png"}, {"url": C, "key": "tim.png"})

    assert outcome_kinds(result) == {1: "stored", 2: "failed", 3: "stored"}
    assert reasons(result) == {2: Reason.KEY_CONFLICT}
    assert world.web.requests.count(B) == 0


def test_a_url_with_a_key_conflict_may_appear_again_without_the_key() -> None:
    result = World().run({"url": A, "key": "tom.png"}, {"url": B, "key": "tom.png"}, B)

    assert outcome_kinds(result) == {1: "stored", 2: "failed", 3: "stored"}


def test_a_key_that_an_earlier_batch_has_stored_is_a_conflict() -> None:
    world = World()
    world.run({"url": A, "key": "tom.png"})

    assert reasons(world.run({"url": B, "key": "tom.png"})) == {1: Reason.KEY_CONFLICT}


def test_an_image_of_an_earlier_run_is_skipped() -> None:
    world = World()
    world.run(A, run_id="r0")

    result = world.run({"url": A, "id": 7}, B)

    assert outcome_kinds(result) == {1: "skipped", 2: "stored"}
    assert outcome_of(result, 1).user_columns == {"id": 7}
    assert world.web.requests == [A, B]


def test_an_image_of_an_earlier_run_is_fetched_again_where_the_run_overwrites() -> None:
    world = World(on_existing="overwrite")
    world.run(A, run_id="r0")

    result = world.run(A)

    assert outcome_kinds(result) == {1: "stored"}
    assert world.table.rows[A]["run_id"] == "r1"
    assert world.web.wanted[-1].validators == {}


def test_an_image_of_an_earlier_run_is_requested_conditionally_where_the_run_refreshes() -> None:
    world = World(on_existing="refresh")
    world.run(A, run_id="r0")

    world.run(A)

    assert world.web.wanted[-1].validators == {"If-None-Match": '"v1"'}


@pytest.mark.parametrize("on_existing", ["skip", "refresh", "overwrite"])
def test_a_repeated_batch_fetches_nothing_and_returns_the_same_outcomes(on_existing: str) -> None:
    world = World(on_existing=on_existing)
    first = world.run(A, A, B)

    again = world.run(A, A, B)

    assert outcome_kinds(again) == outcome_kinds(first) == {1: "stored", 2: "duplicate", 3: "stored"}
    assert {row.row: row.image for row in again.outcomes} == {row.row: row.image for row in first.outcomes}
    assert len(world.web.requests) == 2


def test_an_image_that_another_row_of_the_run_has_stored_is_a_duplicate() -> None:
    world = World()
    world.run(B, A)

    assert outcome_kinds(world.run(A)) == {1: "duplicate"}


def test_a_row_that_may_succeed_later_is_deferred_with_its_error() -> None:
    result = World({A: RowError(Reason.HTTP_5XX, "500")}).run(A, B)

    assert outcome_kinds(result) == {2: "stored"}
    assert [(row.number, row.error.reason, row.tried) for row in result.deferred] == [(1, Reason.HTTP_5XX, True)]


def test_a_retry_after_defers_the_other_rows_of_the_host_untried() -> None:
    urls = [f"http://a.example/{number}" for number in range(4)]
    world = World({urls[0]: BUSY}, per_host=1)

    result = world.run(*urls, B)

    assert outcome_kinds(result) == {5: "stored"}
    assert [(row.number, row.tried, row.error.wait) for row in result.deferred] == [
        (2, False, 9.0),
        (3, False, 9.0),
        (4, False, 9.0),
        (1, False, 9.0),  # a refused request is no attempt; others go first
    ]
    assert result.deferred[0].error.message == "Not attempted in this round: the host kept failing. busy"
    assert result.deferred[3].error.message == "busy"
    assert len(world.web.requests) == 2


def test_a_host_that_is_down_gets_three_requests() -> None:
    urls = [f"http://a.example/{number}" for number in range(50)]
    world = World({url: RowError(Reason.CONNECT, "refused") for url in urls}, per_host=1, rounds=1)

    result = world.run(*urls)

    assert len(world.web.requests) == 3
    assert [row.tried for row in result.deferred].count(True) == 3
    assert all(row.error.retryable for row in result.deferred)


def test_a_bad_certificate_fails_each_row_of_its_host() -> None:
    urls = [f"http://a.example/{number}" for number in range(5)]
    world = World({url: RowError(Reason.TLS, "expired", retryable=False) for url in urls}, per_host=1)

    assert reasons(world.run(*urls)) == dict.fromkeys(range(1, 6), Reason.TLS)


def test_after_the_deadline_no_row_is_started() -> None:
    world = World()
    world.clock[0] = 1.0

    result = world.run(A, B, "no url", start_deadline=1.0)

    assert outcome_kinds(result) == {3: "failed"}
    assert {row.number: (row.error.reason, row.tried) for row in result.deferred} == {
        1: (Reason.OUT_OF_TIME, False),
        2: (Reason.OUT_OF_TIME, False),
    }
    assert world.web.requests == []


def test_rows_in_flight_at_the_deadline_end() -> None:
    world = World(concurrency=1)

    def slow() -> bytes:
        world.clock[0] = 5.0
        return png()

    world.web = FakeWeb({A: slow})
    result = world.run(A, B, C)

    assert outcome_kinds(result) == {1: "stored"}
    assert sorted(row.number for row in result.deferred) == [2, 3]


def test_as_many_downloads_run_at_once_as_the_options_allow() -> None:
    barrier = threading.Barrier(4, timeout=20)

    def together() -> bytes:
        barrier.wait()
        return png()

    urls = [f"http://{host}.example/{number}" for number in range(4) for host in "ab"]
    world = World(dict.fromkeys(urls, together), concurrency=4, per_host=2)

    result = world.run(*urls)

    assert set(outcome_kinds(result).values()) == {"stored"}
    assert world.web.most == {"a.example": 2, "b.example": 2}


def test_the_next_image_is_requested_while_one_is_being_stored() -> None:
    requested = threading.Event()

    class WaitingStore(FakeImageStore):
        def put(self, upload: ImageUpload, if_match: str | None) -> str | None:
            assert requested.wait(10), "the second image was not requested"
            return super().put(upload, if_match)

    def arrive() -> bytes:
        requested.set()
        return png()

    world = World({B: arrive}, concurrency=1)
    world.store = WaitingStore()

    assert outcome_kinds(world.run(A, B)) == {1: "stored", 2: "stored"}


@pytest.mark.parametrize("slow", ["web", "store"])
def test_there_are_at_most_concurrency_requests_whatever_is_being_stored(slow: str) -> None:
    lock, active, peak = threading.Lock(), [0], [0]

    class Web(FakeWeb):
        def fetch(self, request: FetchRequest) -> FetchResult:
            with lock:
                active[0] += 1
                peak[0] = max(peak[0], active[0])
            try:
                threading.Event().wait(0.005 if slow == "web" else 0)
                return super().fetch(request)
            finally:
                with lock:
                    active[0] -= 1

    class SlowStore(FakeImageStore):
        def put(self, upload: ImageUpload, if_match: str | None) -> str | None:
            threading.Event().wait(0.005 if slow == "store" else 0)
            return super().put(upload, if_match)

    world = World(concurrency=3)
    world.web, world.store = Web(), SlowStore()

    result = world.run(*(f"http://{n}.example/1.png" for n in range(60)))

    assert set(outcome_kinds(result).values()) == {"stored"}
    assert peak[0] <= 3


def test_a_store_that_throttles_gets_fewer_uploads_at_once() -> None:
    lock, storing, peak, throttle_count = threading.Lock(), [0], [0], [0]

    class BusyStore(FakeImageStore):
        """Throttles the first uploads, then counts how many run at once."""

        def put(self, upload: ImageUpload, if_match: str | None) -> str | None:
            with lock:
                storing[0] += 1
                throttle_count[0] += len(self.uploads) < 20
                peak[0] = max(peak[0], storing[0]) if len(self.uploads) > 60 else 0
            threading.Event().wait(0.02)
            etag = super().put(upload, if_match)
            with lock:
                storing[0] -= 1
            return etag

    world = World(concurrency=24)
    world.store, world.throttle_count = BusyStore(), lambda: throttle_count[0]

    result = world.run(*(f"http://{n}.example/1.png" for n in range(120)), start_deadline=60.0)

    assert set(outcome_kinds(result).values()) == {"stored"}
    assert 1 <= peak[0] <= 20


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_storage_fault_aborts_the_batch(concurrency: int) -> None:
    urls = [f"http://{number}.example/" for number in range(100)]
    world = World(concurrency=concurrency)
    world.store.faults.append(StorageFault("denied"))

    with pytest.raises(StorageFault):
        world.run(*urls)

    assert len(world.web.requests) < 100
    assert set(world.table.rows) <= {row for row in urls if default_key(row, "png") in world.store.objects}


def test_images_stored_before_the_abort_are_known_to_the_retry() -> None:
    world = World(concurrency=1)
    world.web = FakeWeb({B: [image_and_fault(world.store.faults, StorageFault("denied")), png()]})
    with pytest.raises(StorageFault):
        world.run(A, B)
    assert list(world.table.rows) == [A]

    assert outcome_kinds(world.run(A, B)) == {1: "stored", 2: "stored"}
    assert world.web.requests == [A, B, B]


def test_a_table_fault_aborts_the_batch() -> None:
    world = World()
    world.table.faults.append(TableFault("gone"))

    with pytest.raises(TableFault):
        world.run(A)

    assert world.web.requests == []


def test_an_image_without_a_record_is_fetched_again_by_the_retry_and_its_object_is_kept() -> None:
    world = World()
    world.web = FakeWeb({A: [image_and_fault(world.table.faults, TableFault("gone")), png()]})
    item = {"url": A, "key": "tom.png"}
    with pytest.raises(TableFault):
        world.run(item)

    assert outcome_kinds(world.run(item)) == {1: "stored"}
    assert [upload.key for upload in world.store.uploads] == ["images/tom.png"]
    assert world.table.rows[A]["object_key"] == "images/tom.png"


def test_an_internal_error_in_one_row_fails_no_other_row() -> None:
    result = World({A: ZeroDivisionError()}).run(A, B)

    assert outcome_kinds(result) == {2: "stored"}
    assert [(row.number, row.error.reason, row.tried) for row in result.deferred] == [(1, Reason.BATCH_CRASHED, True)]
    assert "ZeroDivisionError" in result.deferred[0].error.message


def test_an_unexpected_exception_in_a_write_of_25_records_stores_none_of_their_rows() -> None:
    urls = [f"http://{number}.example/1.png" for number in range(BATCH_RECORDS + 5)]
    world = World()
    world.table.record_faults.append(ZeroDivisionError())

    result = world.run(*urls)

    assert {url for outcome in result.outcomes for url in [urls[outcome.row - 1]]} == set(world.table.rows)
    assert len(result.outcomes) == 5
    assert [row.error.reason for row in result.deferred] == [Reason.BATCH_CRASHED] * BATCH_RECORDS

    again = world.run(*(urls[row.number - 1] for row in result.deferred))
    assert set(outcome_kinds(again).values()) <= {"stored", "duplicate"}
    assert set(world.table.rows) == set(urls)


ITEM = st.one_of(
    st.builds("http://{}.example/{}".format, st.sampled_from("abc"), st.integers(0, 6)),
    st.fixed_dictionaries({"url": st.sampled_from([A, B, C]), "key": st.sampled_from(["x", "y", ".."])}),
    st.none() | st.text(max_size=3) | st.integers(),
)
ANSWERS: list[Answer] = [png(), HTML, MISSING, BUSY, RowError(Reason.CONNECT, "x"), RowError(Reason.HTTP_5XX, "x")]


@settings(max_examples=60)
@given(
    items=st.lists(ITEM, max_size=25),
    answers=st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=8),
    concurrency=st.integers(1, 6),
    per_host=st.integers(1, 3),
)
def test_each_row_ends_once_and_the_table_matches_the_bucket(
    items: list[Any], answers: list[Answer], concurrency: int, per_host: int
) -> None:
    urls = sorted({item for item in items if isinstance(item, str)} | {A, B, C})
    world = World(
        {url: answers[number % len(answers)] for number, url in enumerate(urls)},
        concurrency=concurrency,
        per_host=per_host,
    )

    result = world.run(*items)

    stored = [outcome for outcome in result.outcomes if outcome.kind is OutcomeKind.STORED]
    assert len(stored) == len(world.table.rows)
    assert {row["object_key"] for row in world.table.rows.values()} <= set(world.store.objects)
    assert {outcome.image["object_key"] for outcome in result.outcomes if outcome.image} == set(world.store.objects)
    assert max(world.web.most.values(), default=0) <= per_host


def test_all_keys_have_the_prefix_of_the_stack() -> None:
    world = World({A: png(), B: png()})
    world.prefix = "mirror/"

    world.run(A, {"url": B, "key": "cats/tom.png"})

    assert set(world.store.objects) == {default_key(A, "png", "mirror/"), "mirror/cats/tom.png"}


@pytest.mark.parametrize("on_existing", ["skip", "refresh", "overwrite"])
def test_an_image_under_an_earlier_prefix_is_replaced_by_one_under_the_prefix_of_the_stack(on_existing: str) -> None:
    """`skip` leaves it where it is; the record always names the object that was stored last."""
    world = World({A: png()}, on_existing=on_existing)
    world.run(A)
    before = world.table.rows[A]["object_key"]
    world.prefix = "mirror/"

    result = world.run(A, run_id="r2")

    expected = {"skip": before, "refresh": default_key(A, "png", "mirror/")}
    assert outcome_kinds(result) == {1: "skipped" if on_existing == "skip" else "stored"}
    assert world.table.rows[A]["object_key"] == expected.get(on_existing, default_key(A, "png", "mirror/"))
    assert world.table.rows[A]["object_key"] in world.store.objects
