"""A batch to its outcomes and deferrals."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.download.batch import BatchMirror, BatchResult
from functions.core.download.mirror import RowMirror
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

    def run(self, *items: object, begin_until: float = 1.0, run_id: str = "r1") -> BatchResult:
        numbered = dict(enumerate(items, start=1))
        mirror = RowMirror(fetcher=self.web, store=self.store, options=self.options, run_id=run_id)
        batch = BatchMirror(
            mirror=mirror,
            table=self.table,
            options=self.options,
            run_id=run_id,
            monotonic=lambda: self.clock[0],
            throttle_count=self.throttle_count,
        )
        made = batch.run(numbered, begin_until=begin_until)
        ended = [outcome.row for outcome in made.outcomes] + [row.number for row in made.deferred]
        assert sorted(ended) == sorted(numbered), "each row ends once"
        return made


def endings(made: BatchResult) -> dict[int, str]:
    return {outcome.row: outcome.kind.value for outcome in made.outcomes}


def reasons(made: BatchResult) -> dict[int, Reason]:
    return {outcome.row: outcome.failure.reason for outcome in made.outcomes if outcome.failure}


def outcome_of(made: BatchResult, row: int) -> Outcome:
    return next(outcome for outcome in made.outcomes if outcome.row == row)


def broken_by(faults: deque[Exception], fault: Exception) -> Callable[[], bytes]:
    """An image that arrives just when something of ours breaks."""

    def arrive() -> bytes:
        faults.append(fault)
        return png()

    return arrive


def test_every_row_gets_its_outcome_and_every_stored_image_its_table_row() -> None:
    world = World({B: MISSING, C: HTML})

    made = world.run(A, {"url": B, "id": 7}, C, "no url", 5)

    assert endings(made) == {1: "stored", 2: "failed", 3: "failed", 4: "failed", 5: "failed"}
    assert reasons(made) == {
        2: Reason.HTTP_4XX,
        3: Reason.NOT_AN_IMAGE,
        4: Reason.INVALID_URL,
        5: Reason.INVALID_ROW,
    }
    assert outcome_of(made, 2).user_columns == {"id": 7}
    assert list(world.table.rows) == [A]
    assert list(world.store.objects) == [default_key(A, "png")]


def test_an_empty_batch_is_nothing_to_do() -> None:
    assert World().run() == BatchResult()


def test_the_same_url_twice_is_fetched_once() -> None:
    world = World(base_url="http://a.example")

    made = world.run(A, {"url": A}, "1.png", B)

    assert endings(made) == {1: "stored", 2: "duplicate", 3: "duplicate", 4: "stored"}
    assert sorted(world.web.requests) == [A, B]


def test_two_urls_of_one_key_are_a_conflict() -> None:
    world = World()

    made = world.run({"url": A, "key": "tom.png"}, {"url": B, "key": "/tom.png"}, {"url": C, "key": "tim.png"})

    assert endings(made) == {1: "stored", 2: "failed", 3: "stored"}
    assert reasons(made) == {2: Reason.KEY_CONFLICT}
    assert world.web.requests.count(B) == 0


def test_a_url_whose_key_was_refused_may_come_again_without_it() -> None:
    made = World().run({"url": A, "key": "tom.png"}, {"url": B, "key": "tom.png"}, B)

    assert endings(made) == {1: "stored", 2: "failed", 3: "stored"}


def test_a_key_that_an_earlier_batch_has_taken_is_a_conflict() -> None:
    world = World()
    world.run({"url": A, "key": "tom.png"})

    assert reasons(world.run({"url": B, "key": "tom.png"})) == {1: Reason.KEY_CONFLICT}


def test_what_an_earlier_run_has_is_skipped() -> None:
    world = World()
    world.run(A, run_id="r0")

    made = world.run({"url": A, "id": 7}, B)

    assert endings(made) == {1: "skipped", 2: "stored"}
    assert outcome_of(made, 1).user_columns == {"id": 7}
    assert world.web.requests == [A, B]


def test_what_an_earlier_run_has_is_fetched_again_where_the_run_overwrites() -> None:
    world = World(on_existing="overwrite")
    world.run(A, run_id="r0")

    made = world.run(A)

    assert endings(made) == {1: "stored"}
    assert world.table.rows[A]["run_id"] == "r1"
    assert world.web.wanted[-1].validators == {}


def test_what_an_earlier_run_has_is_asked_for_conditionally_where_the_run_refreshes() -> None:
    world = World(on_existing="refresh")
    world.run(A, run_id="r0")

    world.run(A)

    assert world.web.wanted[-1].validators == {"If-None-Match": '"v1"'}


@pytest.mark.parametrize("on_existing", ["skip", "refresh", "overwrite"])
def test_a_batch_that_is_repeated_fetches_nothing_and_says_the_same(on_existing: str) -> None:
    world = World(on_existing=on_existing)
    first = world.run(A, A, B)

    again = world.run(A, A, B)

    assert endings(again) == endings(first) == {1: "stored", 2: "duplicate", 3: "stored"}
    assert {row.row: row.image for row in again.outcomes} == {row.row: row.image for row in first.outcomes}
    assert len(world.web.requests) == 2


def test_what_another_row_of_the_run_has_stored_is_a_duplicate() -> None:
    world = World()
    world.run(B, A)

    assert endings(world.run(A)) == {1: "duplicate"}


def test_a_row_that_may_succeed_later_is_deferred_with_its_fault() -> None:
    made = World({A: RowError(Reason.HTTP_5XX, "500")}).run(A, B)

    assert endings(made) == {2: "stored"}
    assert [(row.number, row.fault.reason, row.tried) for row in made.deferred] == [(1, Reason.HTTP_5XX, True)]


def test_a_host_that_asks_to_wait_keeps_its_other_rows_waiting_untried() -> None:
    urls = [f"http://a.example/{number}" for number in range(4)]
    world = World({urls[0]: BUSY}, per_host=1)

    made = world.run(*urls, B)

    assert endings(made) == {5: "stored"}
    assert [(row.number, row.tried, row.fault.wait) for row in made.deferred] == [
        (1, True, 9.0),
        (2, False, 9.0),
        (3, False, 9.0),
        (4, False, 9.0),
    ]
    assert made.deferred[1].fault.message == ("The host was left alone for a while, for it refused others. busy")
    assert len(world.web.requests) == 2


def test_a_host_that_is_down_is_asked_three_times() -> None:
    urls = [f"http://a.example/{number}" for number in range(50)]
    world = World({url: RowError(Reason.CONNECT, "refused") for url in urls}, per_host=1)

    made = world.run(*urls)

    assert len(world.web.requests) == 3
    assert [row.tried for row in made.deferred].count(True) == 3
    assert all(row.fault.retryable for row in made.deferred)


def test_bad_certificates_are_told_row_by_row() -> None:
    urls = [f"http://a.example/{number}" for number in range(5)]
    world = World({url: RowError(Reason.TLS, "expired", retryable=False) for url in urls}, per_host=1)

    assert reasons(world.run(*urls)) == dict.fromkeys(range(1, 6), Reason.TLS)


def test_when_the_time_is_up_nothing_is_begun() -> None:
    world = World()
    world.clock[0] = 1.0

    made = world.run(A, B, "no url", begin_until=1.0)

    assert endings(made) == {3: "failed"}
    assert {row.number: (row.fault.reason, row.tried) for row in made.deferred} == {
        1: (Reason.OUT_OF_TIME, False),
        2: (Reason.OUT_OF_TIME, False),
    }
    assert world.web.requests == []


def test_when_the_time_runs_out_under_way_what_was_begun_ends() -> None:
    world = World(concurrency=1)

    def slow() -> bytes:
        world.clock[0] = 5.0
        return png()

    world.web = FakeWeb({A: slow})
    made = world.run(A, B, C)

    assert endings(made) == {1: "stored"}
    assert sorted(row.number for row in made.deferred) == [2, 3]


def test_as_many_downloads_run_at_once_as_the_run_allows_and_a_host_takes() -> None:
    barrier = threading.Barrier(4, timeout=20)

    def together() -> bytes:
        barrier.wait()
        return png()

    urls = [f"http://{host}.example/{number}" for number in range(4) for host in "ab"]
    world = World(dict.fromkeys(urls, together), concurrency=4, per_host=2)

    made = world.run(*urls)

    assert set(endings(made).values()) == {"stored"}
    assert world.web.most == {"a.example": 2, "b.example": 2}


def test_servers_are_asked_for_the_next_image_while_one_is_being_stored() -> None:
    asked = threading.Event()

    class WaitingStore(FakeImageStore):
        def put(self, upload: ImageUpload) -> None:
            assert asked.wait(10), "nobody asked for the second image"
            super().put(upload)

    def arrive() -> bytes:
        asked.set()
        return png()

    world = World({B: arrive}, concurrency=1)
    world.store = WaitingStore()

    assert endings(world.run(A, B)) == {1: "stored", 2: "stored"}


@pytest.mark.parametrize("slow", ["web", "store"])
def test_no_more_servers_are_asked_at_once_than_the_run_allows_whatever_is_being_stored(slow: str) -> None:
    lock, asking, most = threading.Lock(), [0], [0]

    class Web(FakeWeb):
        def fetch(self, wanted: FetchRequest) -> FetchResult:
            with lock:
                asking[0] += 1
                most[0] = max(most[0], asking[0])
            try:
                threading.Event().wait(0.005 if slow == "web" else 0)
                return super().fetch(wanted)
            finally:
                with lock:
                    asking[0] -= 1

    class SlowStore(FakeImageStore):
        def put(self, upload: ImageUpload) -> None:
            threading.Event().wait(0.005 if slow == "store" else 0)
            super().put(upload)

    world = World(concurrency=3)
    world.web, world.store = Web(), SlowStore()

    made = world.run(*(f"http://{n}.example/1.png" for n in range(60)))

    assert set(endings(made).values()) == {"stored"}
    assert most[0] <= 3


def test_a_store_that_asks_for_less_is_given_less() -> None:
    lock, storing, most, throttle_count = threading.Lock(), [0], [0], [0]

    class BusyStore(FakeImageStore):
        """Asks for less for the first few, and then looks how many come at once."""

        def put(self, upload: ImageUpload) -> None:
            with lock:
                storing[0] += 1
                throttle_count[0] += len(self.uploads) < 20
                most[0] = max(most[0], storing[0]) if len(self.uploads) > 60 else 0
            threading.Event().wait(0.02)
            super().put(upload)
            with lock:
                storing[0] -= 1

    world = World(concurrency=24)
    world.store, world.throttle_count = BusyStore(), lambda: throttle_count[0]

    made = world.run(*(f"http://{n}.example/1.png" for n in range(120)), begin_until=60.0)

    assert set(endings(made).values()) == {"stored"}
    assert 1 <= most[0] <= 20


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_broken_store_breaks_the_batch_off(concurrency: int) -> None:
    urls = [f"http://{number}.example/" for number in range(100)]
    world = World(concurrency=concurrency)
    world.store.faults.append(StorageFault("denied"))

    with pytest.raises(StorageFault):
        world.run(*urls)

    assert len(world.web.requests) < 100
    assert set(world.table.rows) <= {row for row in urls if default_key(row, "png") in world.store.objects}


def test_what_was_stored_before_the_batch_broke_off_is_known_to_the_next_try() -> None:
    world = World(concurrency=1)
    world.web = FakeWeb({B: [broken_by(world.store.faults, StorageFault("denied")), png()]})
    with pytest.raises(StorageFault):
        world.run(A, B)
    assert list(world.table.rows) == [A]

    assert endings(world.run(A, B)) == {1: "stored", 2: "stored"}
    assert world.web.requests == [A, B, B]


def test_a_table_that_cannot_be_read_breaks_the_batch_off() -> None:
    world = World()
    world.table.faults.append(TableFault("gone"))

    with pytest.raises(TableFault):
        world.run(A)

    assert world.web.requests == []


def test_images_without_a_table_row_are_fetched_again_by_the_next_try() -> None:
    world = World()
    world.web = FakeWeb({A: [broken_by(world.table.faults, TableFault("gone")), png()]})
    item = {"url": A, "key": "tom.png"}
    with pytest.raises(TableFault):
        world.run(item)

    assert endings(world.run(item)) == {1: "stored"}
    assert [upload.key for upload in world.store.uploads] == ["images/tom.png", "images/tom.png"]
    assert world.table.rows[A]["object_key"] == "images/tom.png"


def test_a_row_that_our_own_code_stumbles_over_takes_no_other_down() -> None:
    made = World({A: ZeroDivisionError()}).run(A, B)

    assert endings(made) == {2: "stored"}
    assert [(row.number, row.fault.reason, row.tried) for row in made.deferred] == [(1, Reason.BATCH_CRASHED, True)]
    assert "ZeroDivisionError" in made.deferred[0].fault.message


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
def test_whatever_comes_each_row_ends_once_and_the_table_knows_the_bucket(
    items: list[Any], answers: list[Answer], concurrency: int, per_host: int
) -> None:
    urls = sorted({item for item in items if isinstance(item, str)} | {A, B, C})
    world = World(
        {url: answers[number % len(answers)] for number, url in enumerate(urls)},
        concurrency=concurrency,
        per_host=per_host,
    )

    made = world.run(*items)

    stored = [outcome for outcome in made.outcomes if outcome.kind is OutcomeKind.STORED]
    assert len(stored) == len(world.table.rows) == len(world.store.objects)
    assert {row["object_key"] for row in world.table.rows.values()} == set(world.store.objects)
    assert max(world.web.most.values(), default=0) <= per_host
