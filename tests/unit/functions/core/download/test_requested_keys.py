"""Every key that a row names has the image at the end of the run, or the row fails."""

import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.core.download import copies
from functions.core.download.batch import BatchMirror
from functions.core.download.conditional_put import WRITER_SECONDS
from functions.core.download.mirror import RowMirror
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.keys import default_key
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from functions.core.model.types import ResultLine
from functions.core.web.fetch import NotModifiedError
from functions.core.web.response import IN_MEMORY_BYTES
from tests.support.fakes import Answer, FakeImageStore, FakeImageTable, FakeWeb
from tests.support.images import jpeg, png

U, V = "http://a.example/1.png", "http://b.example/2.png"
OLD, NEW = png(note=b"old"), png(note=b"new")
GONE = RowError(Reason.HTTP_4XX, "404", status=404)
BUSY = RowError(Reason.HTTP_BUSY, "busy", status=503, wait=9.0)
A, B, C = "images/a.png", "images/b.png", "images/c.png"


def item(key: str = "", url: str = U, **columns: Any) -> dict[str, Any]:
    return {"url": url, **({"key": key.removeprefix("images/")} if key else {}), **columns}


class World:
    """`answers` are those of the URLs U and V."""

    def __init__(self, *answers: Answer, other: Answer = OLD, **options: Any) -> None:
        self.web = FakeWeb({U: list(answers) or [OLD], V: other})
        self.store = FakeImageStore()
        self.table = FakeImageTable()
        self.options = Options(**options)
        self.deferred: Mapping[int, RowError] = {}

    def run(
        self,
        *batches: Sequence[object],
        run_id: str = "r1",
        on_existing: str = "skip",
        start_deadline: float = math.inf,
    ) -> dict[int, ResultLine]:
        """Batches one after the other: the lines of the rows that have ended."""
        options = replace(self.options, on_existing=on_existing)
        number, lines, self.deferred = 0, {}, {}
        for items in batches:
            numbered = dict(enumerate(items, start=number + 1))
            number += len(items)
            mirror = RowMirror(fetcher=self.web, store=self.store, table=self.table, options=options, run_id=run_id)
            batch = BatchMirror(mirror=mirror, table=self.table, options=options, run_id=run_id)
            result = batch.run(numbered, start_deadline=start_deadline)
            lines |= {outcome.row: outcome.as_json() for outcome in result.outcomes}
            self.deferred |= {row.number: row.error for row in result.deferred}
        self.check(lines)
        return lines

    def check(self, lines: Mapping[int, ResultLine]) -> None:
        """Each line names an object with its bytes, and each record too."""
        for line in [line for line in lines.values() if line["outcome"] != "failed"] + list(self.table.rows.values()):
            data = self.data(line["object_key"] or "")
            assert (sha256(data), len(data)) == (line["sha256"], line["bytes"])

    def data(self, key: str) -> bytes:
        return self.store.objects[key].data

    @property
    def recorded_key(self) -> str:
        return self.table.rows[U]["object_key"]

    def let_writers_end(self) -> None:
        """All objects become so old that the functions that stored them have ended."""
        self.store.now = lambda: datetime.now(UTC)
        before = datetime.now(UTC) - timedelta(seconds=WRITER_SECONDS + 1)
        for key, stored in self.store.objects.items():
            self.store.objects[key] = replace(stored, stored_at=before)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def kinds(lines: Mapping[int, ResultLine]) -> dict[int, str]:
    return {row: line["outcome"] for row, line in sorted(lines.items())}


def keys(lines: Mapping[int, ResultLine]) -> dict[int, str | None]:
    return {row: line.get("object_key") for row, line in sorted(lines.items())}


# within a run


@pytest.mark.parametrize("batches", [1, 2], ids=["one batch", "two batches"])
@pytest.mark.parametrize(("first", "second"), [(A, B), (B, A)])
def test_the_same_url_with_two_keys_is_stored_under_both_by_one_request(first: str, second: str, batches: int) -> None:
    world = World()
    rows = [item(first), item(second)]

    lines = world.run(*([rows] if batches == 1 else [[row] for row in rows]))

    assert kinds(lines) == {1: "stored", 2: "duplicate"}
    assert keys(lines) == {1: first, 2: second}
    assert set(world.store.objects) == {A, B}
    assert world.web.requests == [U]
    assert world.recorded_key == first


@pytest.mark.parametrize("batches", [1, 3], ids=["one batch", "three batches"])
def test_three_rows_with_two_keys_are_two_objects(batches: int) -> None:
    world = World()
    rows = [item(A), item(B), item(B)]

    lines = world.run(*([rows] if batches == 1 else [[row] for row in rows]))

    assert kinds(lines) == {1: "stored", 2: "duplicate", 3: "duplicate"}
    assert keys(lines) == {1: A, 2: B, 3: B}
    assert len(world.store.uploads) == 2


@pytest.mark.parametrize("batches", [1, 2], ids=["one batch", "two batches"])
def test_a_row_without_a_key_is_a_duplicate_of_the_one_with_a_key(batches: int) -> None:
    world = World()
    rows = [item(A), item()]

    lines = world.run(*([rows] if batches == 1 else [[row] for row in rows]))

    assert kinds(lines) == {1: "stored", 2: "duplicate"}
    assert keys(lines) == {1: A, 2: A}
    assert world.store.requests == ["PUT *"]


@pytest.mark.parametrize("batches", [1, 2], ids=["one batch", "two batches"])
def test_a_key_that_is_named_after_a_row_without_one_has_the_image_too(batches: int) -> None:
    world = World()
    rows = [item(), item(A)]

    lines = world.run(*([rows] if batches == 1 else [[row] for row in rows]))

    assert kinds(lines) == {1: "stored", 2: "duplicate"}
    assert keys(lines) == {1: default_key(U, "png"), 2: A}
    assert world.web.requests == [U]


@pytest.mark.parametrize("batches", [1, 2], ids=["one batch", "two batches"])
def test_the_same_url_with_the_same_key_is_not_copied(batches: int) -> None:
    world = World()
    rows = [item(A), item(A)]

    lines = world.run(*([rows] if batches == 1 else [[row] for row in rows]))

    assert kinds(lines) == {1: "stored", 2: "duplicate"}
    assert lines[2] == {**lines[1], "row": 2, "outcome": "duplicate"}
    assert world.store.requests == ["PUT *"]


def test_a_copy_has_the_facts_of_its_own_row_and_of_the_image() -> None:
    world = World(jpeg(9, 5))

    world.run([item(A), item(B, id=7)])

    first, second = world.store.objects[A], world.store.objects[B]
    assert (first.row, first.is_copy) == (1, False)
    assert second == replace(first, row=2, is_copy=True, stored_at=second.stored_at)
    assert (second.run_id, second.content_type, second.width, second.height) == ("r1", "image/jpeg", 9, 5)
    assert second.url_sha256 == sha256(U.encode())


def test_a_copy_from_the_bucket_has_the_same_facts_as_one_from_memory() -> None:
    in_memory, read = World(jpeg(9, 5)), World(jpeg(9, 5))

    in_memory.run([item(A), item(B)])
    read.run([item(A)], [item(B)])

    assert read.store.requests == ["PUT *", "HEAD", "GET", "PUT *"]
    stored_at = in_memory.store.objects[B].stored_at
    assert replace(read.store.objects[B], stored_at=stored_at) == in_memory.store.objects[B]


@pytest.mark.parametrize("on_existing", ["skip", "refresh", "overwrite"])
def test_a_repeated_batch_finds_its_copies(on_existing: str) -> None:
    world = World(OLD, NEW)
    rows = [item(A), item(B), item()]
    first = world.run(rows, on_existing=on_existing)

    again = world.run(rows, on_existing=on_existing)

    assert kinds(again) == kinds(first) == {1: "stored", 2: "duplicate", 3: "duplicate"}
    assert keys(again) == keys(first)
    assert len(world.store.uploads) == 2
    assert world.web.requests == [U]


# failures


@pytest.mark.parametrize("error", [GONE, RowError(Reason.NOT_AN_IMAGE, "HTML", status=200)], ids=["404", "HTML"])
def test_a_url_that_fails_has_no_duplicates_and_is_requested_once(error: RowError) -> None:
    world = World(error)

    lines = world.run([item(A), item(), item(B)])

    assert kinds(lines) == {1: "failed", 2: "failed", 3: "failed"}
    assert {line["message"] for line in lines.values()} == {error.message}
    assert world.web.requests == [U]


def test_rows_of_a_url_that_may_succeed_later_are_all_deferred() -> None:
    world = World(BUSY)

    assert world.run([item(A), item(), item(B)]) == {}
    assert world.deferred == {1: BUSY, 2: BUSY, 3: BUSY}


@pytest.mark.parametrize("late", [False, True], ids=["circuit open", "out of time"])
def test_all_rows_of_a_url_that_is_not_requested_are_deferred(late: bool) -> None:
    world = World(other=BUSY, per_host=1)
    same_host = V.replace("2.png", "3.png")

    lines = world.run([item(url=V), item(A, same_host), item(B, same_host)], start_deadline=0 if late else math.inf)

    assert lines == {}
    assert sorted(world.deferred) == [1, 2, 3]
    assert world.web.requests == ([] if late else [V])


def test_copies_are_not_started_when_the_time_is_over() -> None:
    world = World()
    world.run([item(A)], run_id="r0")

    assert world.run([item(B), item()], start_deadline=0) == {}
    assert {error.reason for error in world.deferred.values()} == {Reason.OUT_OF_TIME}


def test_a_row_that_does_not_match_does_not_fail_the_next_one() -> None:
    world = World()

    lines = world.run([item(A, sha256="0" * 64), item(B), item(C, size=1), item()])

    assert kinds(lines) == {1: "failed", 2: "stored", 3: "failed", 4: "duplicate"}
    assert {lines[row]["reason"] for row in (1, 3)} == {Reason.CHECKSUM_MISMATCH}
    assert set(world.store.objects) == {B}
    assert world.web.requests == [U]


@pytest.mark.parametrize("batches", [1, 2], ids=["one batch", "two batches"])
@pytest.mark.parametrize("name", ["sha256", "md5"])
def test_the_image_of_a_copy_is_checked_against_the_row(name: str, batches: int) -> None:
    world = World()
    digest = hashlib.new(name, OLD).hexdigest()
    rows = [item(A), item(B, **{name: digest}), item(C, **{name: digest[::-1]})]

    lines = world.run(*([rows] if batches == 1 else [rows[:1], rows[1:]]))

    assert kinds(lines) == {1: "stored", 2: "duplicate", 3: "failed"}
    assert lines[3]["reason"] == Reason.CHECKSUM_MISMATCH
    assert set(world.store.objects) == {A, B}


def test_a_key_of_another_url_fails_its_row_only() -> None:
    world = World()
    world.run([item(B, V)], run_id="r0")

    lines = world.run([item(A), item(B), item(C)])

    assert kinds(lines) == {1: "stored", 2: "failed", 3: "duplicate"}
    assert lines[2]["reason"] == Reason.KEY_CONFLICT


def test_the_first_row_whose_key_is_free_is_stored() -> None:
    world = World()
    world.run([item(A, V)], run_id="r0")

    lines = world.run([item(A), item(B)])

    assert kinds(lines) == {1: "failed", 2: "stored"}
    assert world.web.requests == [V, U]


def test_a_key_that_a_repeated_url_names_is_taken_for_other_urls() -> None:
    lines = World().run([item(A), item(B), item(B, V)])

    assert kinds(lines) == {1: "stored", 2: "duplicate", 3: "failed"}
    assert lines[3]["reason"] == Reason.KEY_CONFLICT


def test_a_row_whose_copy_fails_is_tried_again_without_a_request_to_the_server() -> None:
    world = World()
    put = world.store.put
    failures = [RowError(Reason.STORAGE, "SlowDown")]

    def failing_put(upload: Any, if_match: str | None) -> str | None:
        if upload.key == B and failures:
            raise failures.pop()
        return put(upload, if_match)

    world.store.put = failing_put  # type: ignore[method-assign]
    assert kinds(world.run([item(A), item(B)])) == {1: "stored"}
    assert set(world.deferred) == {2}

    assert kinds(world.run([], [item(A), item(B)])) == {1: "stored", 2: "duplicate"}
    assert world.web.requests == [U]


def test_rows_are_duplicates_once_the_record_of_their_image_is_written() -> None:
    world = World()
    world.table.record_faults.append(ZeroDivisionError())

    assert world.run([item(A), item(B), item()]) == {}
    assert {row: error.reason for row, error in world.deferred.items()} == dict.fromkeys(
        (1, 2, 3), Reason.BATCH_CRASHED
    )
    assert kinds(world.run([item(A), item(B), item()])) == {1: "stored", 2: "duplicate", 3: "duplicate"}


def test_a_row_with_other_headers_is_requested_with_them_if_the_first_row_is_rejected() -> None:
    world = World(GONE, OLD)

    lines = world.run([item(A), item(B), item(C, headers={"Referer": "http://a.example/"}), item()])

    assert kinds(lines) == {1: "failed", 2: "failed", 3: "stored", 4: "failed"}
    assert [request.headers for request in world.web.wanted] == [{}, {"Referer": "http://a.example/"}]


def test_all_rows_are_deferred_if_the_request_with_other_headers_may_succeed_later() -> None:
    world = World(GONE, BUSY)

    assert world.run([item(A), item(B, headers={"Referer": "http://a.example/"})]) == {}
    assert sorted(world.deferred) == [1, 2]


def test_each_row_fails_for_its_own_headers() -> None:
    forbidden = RowError(Reason.HTTP_4XX, "403", status=403)
    world = World(GONE, forbidden)

    lines = world.run([item(A), item(B, headers={"Referer": "http://a.example/"}), item()])

    assert {row: line["http_status"] for row, line in lines.items()} == {1: 404, 2: 403, 3: 404}


# across runs


def test_skip_copies_the_image_to_another_key_without_a_request() -> None:
    world = World(OLD, NEW)
    world.run([item(A)], run_id="r0")

    lines = world.run([item(B), item(), item(A), item(C)])

    assert kinds(lines) == {1: "skipped", 2: "duplicate", 3: "duplicate", 4: "duplicate"}
    assert keys(lines) == {1: B, 2: A, 3: A, 4: C}
    assert {key: world.data(key) for key in world.store.objects} == {A: OLD, B: OLD, C: OLD}
    assert world.web.requests == [U]
    assert world.recorded_key == A


def test_skip_finds_a_key_that_has_the_image_already() -> None:
    world = World()
    world.run([item(A), item(B)], run_id="r0")
    world.store.requests.clear()

    lines = world.run([item(B), item(A)])

    assert kinds(lines) == {1: "skipped", 2: "duplicate"}
    assert world.store.requests == ["HEAD"]


@pytest.mark.parametrize("source", ["deleted", "replaced", "replaced by a larger one"])
@pytest.mark.parametrize("on_existing", ["skip", "refresh"])
def test_an_image_whose_object_is_gone_is_downloaded_as_if_it_was_not_known(on_existing: str, source: str) -> None:
    answers = [NEW] if on_existing == "skip" else [NotModifiedError(), NEW]
    world = World(OLD, *answers)
    world.run([item(A)], run_id="r0")
    if source == "deleted":
        del world.store.objects[A]
    else:
        data = jpeg() if source == "replaced" else png(200, 200, note=b"x" * 5000)
        world.store.objects[A] = replace(world.store.objects[A], data=data, url_sha256="", run_id="")
    del world.table.rows[U]["object_etag"]

    lines = world.run([item(B), item()], on_existing=on_existing)

    assert kinds(lines) == {1: "stored", 2: "duplicate"}
    assert keys(lines) == {1: B, 2: B}
    assert (world.data(B), world.recorded_key) == (NEW, B)
    assert "former_key" not in lines[1]


def test_the_record_of_a_release_without_a_sha256_is_not_copied() -> None:
    world = World(OLD, NEW)
    world.run([item(A)], run_id="r0")
    del world.table.rows[U]["sha256"]

    lines = world.run([item(B)])

    assert kinds(lines) == {1: "stored"}
    assert world.data(B) == NEW


@pytest.mark.parametrize("order", [(A, B), (B, A)], ids=["the key of the record first", "the other key first"])
def test_an_image_that_is_not_modified_is_copied_to_another_key(order: tuple[str, str]) -> None:
    world = World(OLD, NotModifiedError())
    world.run([item(A)], run_id="r0")

    lines = world.run([item(key) for key in order], on_existing="refresh")

    assert sorted(kinds(lines).values()) == ["duplicate", "unchanged"]
    assert keys(lines) == dict(enumerate(order, start=1))
    assert (world.data(B), world.recorded_key) == (OLD, A)
    assert world.web.wanted[-1].validators == {"If-None-Match": '"v1"'}


def test_an_image_that_is_not_modified_is_found_under_its_other_key() -> None:
    world = World(OLD, NotModifiedError())
    world.run([item(A), item(B)], run_id="r0")

    lines = world.run([item(B)], on_existing="refresh")

    assert kinds(lines) == {1: "unchanged"}
    assert keys(lines) == {1: B}
    assert len(world.store.uploads) == 2


@pytest.mark.parametrize("on_existing", ["refresh", "overwrite"])
@pytest.mark.parametrize("order", [(A, B), (B, A)], ids=["the key of the record first", "the other key first"])
@pytest.mark.parametrize("batches", [1, 2], ids=["one batch", "two batches"])
def test_new_bytes_replace_all_objects_of_the_url(order: tuple[str, str], on_existing: str, batches: int) -> None:
    """Also right after the run that stored them: no record is about a copy."""
    world = World(OLD, NEW)
    world.run([item(A), item(B)], run_id="r0")
    if batches == 2:
        world.let_writers_end()
    rows = [item(key) for key in order]

    lines = world.run(*([rows] if batches == 1 else [[row] for row in rows]), on_existing=on_existing)

    assert sorted(kinds(lines).values()) == ["duplicate", "stored"]
    assert (world.data(A), world.data(B)) == (NEW, NEW)
    assert world.web.requests == [U, U]


def test_the_record_keeps_its_key_if_a_row_names_it() -> None:
    world = World(OLD, NEW)
    world.run([item(B)], run_id="r0")

    lines = world.run([item(A), item(), item(B)], on_existing="overwrite")

    assert keys(lines) == {1: A, 2: B, 3: B}
    assert world.recorded_key == B
    assert not any("former_key" in line for line in lines.values())


def test_new_bytes_under_another_key_leave_the_former_object() -> None:
    world = World(OLD, NEW)
    world.run([item(A)], run_id="r0")

    lines = world.run([item(B), item(C)], on_existing="overwrite")

    assert kinds(lines) == {1: "stored", 2: "duplicate"}
    assert lines[1]["former_key"] == A
    assert {key: world.data(key) for key in (A, B, C)} == {A: OLD, B: NEW, C: NEW}
    assert world.recorded_key == B


def test_skip_leaves_an_older_image_of_the_url_under_another_key() -> None:
    world = World(OLD, NEW)
    world.run([item(A)], run_id="r0")
    world.run([item(B)], run_id="r1", on_existing="overwrite")
    world.let_writers_end()

    lines = world.run([item(A), item(B)], run_id="r2")

    assert kinds(lines) == {1: "skipped", 2: "duplicate"}
    assert [lines[row]["sha256"] for row in (1, 2)] == [sha256(OLD), sha256(NEW)]


def test_a_copy_becomes_the_image_of_its_url_if_the_record_is_lost() -> None:
    world = World(OLD, NEW)
    world.run([item(A), item(B)], run_id="r0")
    world.table.rows.clear()

    lines = world.run([item(B)])

    assert kinds(lines) == {1: "stored"}
    assert (world.recorded_key, world.data(B)) == (B, NEW)
    assert not world.store.objects[B].is_copy


def test_an_object_that_a_record_is_about_is_never_replaced_by_a_copy() -> None:
    """The look-up is eventually consistent: it returns a record that was replaced long ago."""
    world = World(OLD, NEW, NotModifiedError())
    world.run([item(A)], run_id="r0")
    former = world.table.rows[U].copy()
    world.run([item(B)], run_id="r1", on_existing="overwrite")
    world.let_writers_end()
    world.table.look_up = lambda urls: {U: former}  # type: ignore[method-assign]

    lines = world.run([item(B)], run_id="r2", on_existing="refresh")

    assert kinds(lines) == {1: "unchanged"}
    assert (world.data(B), world.recorded_key) == (NEW, B)


def test_many_rows_are_copied_side_by_side() -> None:
    urls = [f"http://a.example/{number}.png" for number in range(40)]
    world = World()
    world.run([item(url=url) for url in urls], run_id="r0")

    lines = world.run([item(f"images/{number}.png", url) for number, url in enumerate(urls)])

    assert set(kinds(lines).values()) == {"skipped"}
    assert len(world.web.requests) == 40


def test_a_storage_fault_during_a_copy_aborts_the_batch() -> None:
    world = World()
    world.run([item(), item(url=V)], run_id="r0")
    world.store.faults.append(StorageFault("denied"))

    with pytest.raises(StorageFault):
        world.run([item(A), item(B, V)])


def test_an_internal_error_in_one_copy_fails_no_other_row() -> None:
    world = World()
    world.run([item(), item(url=V)], run_id="r0")
    world.store.faults.append(ZeroDivisionError())

    lines = world.run([item(A), item(B), item(C, V)])

    assert len(lines) + len(world.deferred) == 3
    assert 1 <= len(world.deferred) <= 2
    assert {error.reason for error in world.deferred.values()} == {Reason.BATCH_CRASHED}


def test_a_large_image_is_copied_from_a_file() -> None:
    large = png(note=bytes(IN_MEMORY_BYTES + 1))
    world = World(large)

    lines = world.run([item(A), item(B)], [item(C)])

    assert kinds(lines) == {1: "stored", 2: "duplicate", 3: "duplicate"}
    assert {world.data(key) for key in (A, B, C)} == {large}


def test_a_full_disk_is_a_failure_that_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.run([item(A)], run_id="r0")

    class FullDisk(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies.tempfile, "SpooledTemporaryFile", lambda **_: FullDisk())

    assert world.run([item(B)]) == {}
    assert (world.deferred[1].reason, world.deferred[1].message) == (
        Reason.STORAGE,
        "Writing the image to temporary storage failed: no space left on device.",
    )


@pytest.mark.parametrize("key", ["/a.png", "images/a.png", "a.png"])
def test_a_key_in_another_spelling_is_the_same_key(key: str) -> None:
    world = World()

    lines = world.run([item(A), {"url": U, "key": key}])

    assert keys(lines) == {1: A, 2: A}
    assert len(world.store.uploads) == 1
