"""Who owns a key: the table of decisions after a PUT whose condition does not hold, and the requests of each."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.core.download.conditional_put import MAX_ATTEMPTS, WRITER_SECONDS, ConditionalPut, StoredImage
from functions.core.model.errors import RowError
from functions.core.model.options import Options
from functions.core.model.ports import ImageObject, ImageUpload
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.types import ImageRecord
from tests.support.image_fakes import FakeImageStore, FakeImageTable, StoredObject
from tests.support.images import jpeg, png

URL, KEY = "http://a.example/1.png", "images/tom.png"
URL_SHA256 = hashlib.sha256(URL.encode()).hexdigest()
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
YOUNG, OLD = NOW - timedelta(seconds=WRITER_SECONDS - 1), NOW - timedelta(seconds=WRITER_SECONDS + 1)
OURS, THEIRS = png(note=b"ours"), png(9, 5, note=b"theirs")

FREE = "PUT *"


def held(run_id: str = "r0", row: int = 3, stored_at: datetime = YOUNG, **more: Any) -> StoredObject:
    fields: dict[str, Any] = {"data": THEIRS, "url_sha256": URL_SHA256, "content_type": "image/png"}
    fields |= {"run_id": run_id, "row": row, "stored_at": stored_at, "width": 9, "height": 5}
    return StoredObject(**{**fields, **more})


def record_of(found: ImageObject) -> ImageRecord:
    return {
        "url": URL,
        "object_key": KEY,
        "sha256": found.sha256,
        "run_id": found.run_id,
        "row": found.row,
    }


def recorded(stored: StoredObject) -> ImageRecord:
    """The record of an object, written by the function that stored it."""
    return {
        "url": URL,
        "object_key": KEY,
        "object_etag": stored.etag,
        "sha256": hashlib.sha256(stored.data).hexdigest(),
        "run_id": stored.run_id,
        "row": stored.row,
    }


def without_etag(record: ImageRecord) -> ImageRecord:
    """As release 0.1.0 wrote it, or a function that found the object."""
    copy = record.copy()
    del copy["object_etag"]
    return copy


class World:
    """Row 7 of run r1. `known` is the record that the batch has read, `table` has the one that is there now."""

    def __init__(self, on_existing: str, there: StoredObject | None, now: ImageRecord | None) -> None:
        self.store = FakeImageStore()
        self.table = FakeImageTable([now] if now else [])
        self.store.now = lambda: NOW
        if there is not None:
            self.store.objects[KEY] = there
        options = Options(on_existing=on_existing)  # type: ignore[arg-type]  # a parameter of a test
        self.conditional_put = ConditionalPut(
            store=self.store, table=self.table, options=options, run_id="r1", now=lambda: NOW
        )

    def put(self, known: ImageRecord | None = None) -> StoredImage:
        return self.conditional_put.put(URL, self.upload(), known, record_of)

    def copy(self) -> ImageObject | None:
        row = Row(7, URL, key=KEY)
        return self.conditional_put.copy(
            row, KEY, hashlib.sha256(OURS).hexdigest(), lambda: replace(self.upload(), is_copy=True)
        )

    def upload(self) -> ImageUpload:
        return ImageUpload(
            key=KEY,
            file=io.BytesIO(OURS),
            size=len(OURS),
            sha256=hashlib.sha256(OURS).hexdigest(),
            content_type="image/png",
            url_sha256=URL_SHA256,
            run_id="r1",
            row=7,
            width=6,
            height=4,
        )

    @property
    def requests(self) -> list[str]:
        """All requests of the bucket, and of the table after a condition that does not hold."""
        return self.store.requests


OLDER = held("r-1", 1, OLD, data=jpeg())
"""The object that the batch knows from the table."""


@dataclass(frozen=True)
class Case:
    """`known` is the record that the batch has read, `there` the object, `now` the record at the time of the PUT.

    `requests` are those of the bucket. `kept` is whether the object stays, `written` whether its record is written.
    """

    name: str
    on_existing: str
    there: StoredObject | None
    kind: str
    requests: list[str]
    known: ImageRecord | None = None
    now: ImageRecord | None = None
    kept: bool = True
    written: bool = True


def match(stored: StoredObject) -> str:
    return f"PUT {stored.etag}"


OWN = held("r1", 7)
OF_0_1_0 = held("", 0, OLD, width=None, height=None)
OTHER_ROW = held("r1", 3)
OTHER_RUN = held("r0", 7)
OLD_RUN = held("r0", 7, OLD)
OWN_COPY = held("r1", 7, is_copy=True)
OTHER_ROW_COPY = held("r1", 3, is_copy=True)
OTHER_RUN_COPY = held("r0", 7, is_copy=True)

CASES = [
    # nothing collides: one request
    Case("unknown and free", "skip", None, "stored", [FREE], kept=False),
    Case("known", "refresh", OLDER, "stored", [match(OLDER)], known=recorded(OLDER), kept=False),
    Case("known", "overwrite", OLDER, "stored", [match(OLDER)], known=recorded(OLDER), kept=False),
    # the object of an earlier attempt at this row: killed between PUT and record, or an answer that was lost
    *(Case("own, unknown", mode, OWN, "stored", [FREE, "HEAD"]) for mode in ("skip", "refresh", "overwrite")),
    *(
        Case("own, known", mode, OWN, "stored", [match(OLDER), "HEAD"], known=recorded(OLDER), now=recorded(OLDER))
        for mode in ("refresh", "overwrite")
    ),
    Case("own, and recorded since", "skip", OWN, "stored", [FREE, "HEAD"], now=recorded(OWN), written=False),
    Case("own, however old", "overwrite", replace(OWN, stored_at=OLD), "stored", [FREE, "HEAD"]),
    # of another row of this run
    *(Case("other row", mode, OTHER_ROW, "duplicate", [FREE, "HEAD"]) for mode in ("skip", "refresh", "overwrite")),
    Case("other row, recorded", "skip", OTHER_ROW, "duplicate", [FREE, "HEAD"], now=recorded(OTHER_ROW), written=False),
    # a copy: no record is about it
    *(
        Case(f"copy of {whose}", mode, copy, "stored", [FREE, "HEAD", match(copy)], kept=False)
        for mode in ("skip", "refresh", "overwrite")
        for whose, copy in (("this row", OWN_COPY), ("another run", OTHER_RUN_COPY))
    ),
    # of another run
    Case("other run", "skip", OTHER_RUN, "skipped", [FREE, "HEAD"]),
    Case("other run, recorded", "skip", OTHER_RUN, "skipped", [FREE, "HEAD"], now=recorded(OTHER_RUN), written=False),
    Case("other run, ended", "skip", OLD_RUN, "skipped", [FREE, "HEAD"]),
    Case("other run", "refresh", OTHER_RUN, "unchanged", [FREE, "HEAD"]),
    Case("other run", "overwrite", OTHER_RUN, "skipped", [FREE, "HEAD"]),
    Case(
        "other run, known before",
        "overwrite",
        OTHER_RUN,
        "skipped",
        [match(OLDER), "HEAD"],
        known=recorded(OLDER),
        now=recorded(OLDER),
    ),
    *(
        Case("other run, ended", mode, OLD_RUN, "stored", [FREE, "HEAD", match(OLD_RUN)], kept=False)
        for mode in ("refresh", "overwrite")
    ),
    Case(
        "other run, ended, known before",
        "refresh",
        OLD_RUN,
        "stored",
        [match(OLDER), "HEAD", match(OLD_RUN)],
        known=recorded(OLDER),
        now=recorded(OLDER),
        kept=False,
    ),
    # of release 0.1.0, which left neither a run nor a SHA-256
    *(
        Case("of 0.1.0", mode, OF_0_1_0, "stored", [FREE, "HEAD", match(OF_0_1_0)], kept=False)
        for mode in ("skip", "refresh", "overwrite")
    ),
    *(
        Case(
            "record of 0.1.0",
            mode,
            OF_0_1_0,
            "stored",
            ["HEAD", match(OF_0_1_0)],
            known=without_etag(recorded(OF_0_1_0)),
            kept=False,
        )
        for mode in ("refresh", "overwrite")
    ),
    Case(
        "record of 0.1.0, replaced since",
        "overwrite",
        OTHER_RUN,
        "skipped",
        ["HEAD", FREE, "HEAD"],
        known=without_etag(recorded(OLDER)),
    ),
    *(
        Case(
            "record by another function",
            mode,
            OLD_RUN,
            "stored",
            ["HEAD", match(OLD_RUN)],
            known=without_etag(recorded(OLD_RUN)),
            kept=False,
        )
        for mode in ("refresh", "overwrite")
    ),
    Case(
        "record by another function, whose own may follow",
        "overwrite",
        OTHER_RUN,
        "skipped",
        ["HEAD", FREE, "HEAD"],
        known=without_etag(recorded(OTHER_RUN)),
        now=recorded(OTHER_RUN),
        written=False,
    ),
    Case(
        "record of 0.1.0, object deleted",
        "refresh",
        None,
        "stored",
        ["HEAD", FREE],
        known=without_etag(recorded(OLDER)),
        kept=False,
    ),
    # the object is gone
    Case("known, deleted", "refresh", None, "stored", [match(OLDER), "HEAD", FREE], known=recorded(OLDER), kept=False),
    # the record is about another key: the former object does not matter
    Case("known by another key", "refresh", None, "stored", [FREE], known=recorded(OLDER) | {"object_key": "images/x"}),
]


def case_id(case: Case) -> str:
    return f"{case.on_existing}: {case.name}"


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_the_object_of_the_key_decides(case: Case) -> None:
    world = World(case.on_existing, case.there, case.now)

    stored = world.put(case.known)

    final = world.store.objects[KEY]
    assert stored.kind == case.kind
    assert world.requests == case.requests
    assert stored.etag == final.etag
    if stored.found is None:
        assert (final.data, final.run_id, final.row) == (OURS, "r1", 7)
        assert world.table.replaced == []  # the record is written with those of other rows
    else:
        assert case.kept
        assert final == case.there
        record = recorded(final)
        assert world.table.rows[URL] == (without_etag(record) if case.written else record)
        assert world.table.replaced == ([URL] if case.written else [])


@pytest.mark.parametrize("on_existing", ["skip", "refresh", "overwrite"])
@pytest.mark.parametrize("stored_at", [YOUNG, OLD], ids=["young", "old"])
@pytest.mark.parametrize("url_sha256", ["b" * 64, ""], ids=["of another URL", "of another program"])
def test_the_object_of_another_url_is_a_conflict_and_is_kept(
    on_existing: str, stored_at: datetime, url_sha256: str
) -> None:
    theirs = held(stored_at=stored_at, url_sha256=url_sha256)
    world = World(on_existing, theirs, None)

    with pytest.raises(RowError) as raised:
        world.put()

    assert (raised.value.reason, raised.value.retryable) == (Reason.KEY_CONFLICT, False)
    assert world.store.objects[KEY] == theirs
    assert world.table.rows == {}


def test_an_object_that_is_replaced_again_in_the_meantime_is_taken() -> None:
    """Two runs find the object of an ended run: the first one replaces it, and the second one takes what it finds."""
    world = World("overwrite", OLD_RUN, None)
    newer = held("r2", 1, data=png(note=b"newer"))
    head = world.store.head

    def replaced_after_head(key: str) -> ImageObject | None:
        found = head(key)
        world.store.objects[KEY] = newer
        return found

    world.store.head = replaced_after_head  # type: ignore[method-assign]
    stored = world.put()

    assert world.requests == [FREE, "HEAD", match(OLD_RUN), "HEAD"]
    assert (stored.kind, stored.found and stored.found.run_id) == ("skipped", "r2")
    assert world.table.rows[URL] == without_etag(recorded(newer))


def changing(world: World, change: Callable[[], None]) -> None:
    """Calls `change` between the HEAD and the write of the record, once."""
    replace_record, pending = world.table.replace, [change]

    def changed_before(record: ImageRecord, former: ImageRecord | None) -> bool:
        if pending:
            pending.pop()()
        return replace_record(record, former)

    world.table.replace = changed_before  # type: ignore[method-assign]


@pytest.mark.parametrize("known", [None, recorded(OLDER)], ids=["no record", "a record"])
def test_a_record_that_is_written_after_the_head_is_kept(known: ImageRecord | None) -> None:
    """Another run replaces the object and writes its record between our HEAD and our write."""
    newer = held("r2", 1, data=png(note=b"newer"))
    world = World("skip", OTHER_RUN, known)

    def replace_object_and_record() -> None:
        world.store.objects[KEY] = newer
        world.table.rows[URL] = recorded(newer)

    changing(world, replace_object_and_record)
    stored = world.put()

    assert stored.etag == newer.etag
    assert world.table.rows[URL] == recorded(newer)
    assert world.table.replaced == []


def test_an_object_that_changes_with_each_attempt_is_left_to_the_next_round() -> None:
    world = World("skip", OTHER_RUN, None)
    numbers = iter(range(100))

    def change() -> None:
        changing(world, change)
        world.store.objects[KEY] = newer = held("r2", 1, data=png(note=b"%d" % next(numbers)))
        world.table.rows[URL] = {**recorded(newer), "row": 100 + next(numbers)}

    changing(world, change)
    with pytest.raises(RowError, match=rf"has changed between {MAX_ATTEMPTS} attempts") as raised:
        world.put()

    assert (raised.value.reason, raised.value.retryable) == (Reason.STORAGE, True)


def test_a_key_whose_object_cannot_be_read_is_left_to_the_next_round() -> None:
    world = World("skip", OTHER_RUN, None)
    world.store.head = lambda key: None  # type: ignore[method-assign]

    with pytest.raises(RowError, match="cannot be read"):
        world.put()

    assert world.requests == [FREE] * (MAX_ATTEMPTS + 1)


@pytest.mark.parametrize("on_existing", ["skip", "refresh", "overwrite"])
def test_a_copy_that_another_row_of_the_run_has_made_is_kept_without_a_record(on_existing: str) -> None:
    """The record of the URL is that of the image from which it was copied."""
    world = World(on_existing, OTHER_ROW_COPY, None)

    stored = world.put()

    assert (stored.kind, stored.found and stored.found.row) == ("duplicate", 3)
    assert world.store.objects[KEY] == OTHER_ROW_COPY
    assert world.table.rows == {}


@dataclass(frozen=True)
class CopyCase:
    """`there` is the object of the key, `now` the record of the URL, `kept` whether the object stays."""

    name: str
    modes: str
    there: StoredObject | None
    kept: bool
    now: ImageRecord | None = None


COPY_CASES = [
    CopyCase("free", "skip refresh overwrite", None, False),
    CopyCase("the same image", "skip refresh overwrite", replace(OLD_RUN, data=OURS), True),
    CopyCase("a copy of another run", "skip", OTHER_RUN_COPY, True),
    CopyCase("a copy of another run", "refresh overwrite", OTHER_RUN_COPY, False),
    CopyCase("a copy of another row", "skip refresh overwrite", OTHER_ROW_COPY, True),
    CopyCase("an earlier copy of this row", "skip", OWN_COPY, True),
    CopyCase("an earlier copy of this row", "refresh overwrite", OWN_COPY, False),
    CopyCase("of this run", "skip refresh overwrite", OTHER_ROW, True),
    CopyCase("of another run, whose record may follow", "skip refresh overwrite", OTHER_RUN, True),
    CopyCase("of another run, ended", "skip", OLD_RUN, True),
    CopyCase("of another run, ended", "refresh overwrite", OLD_RUN, False),
    CopyCase("of another run, ended, recorded", "refresh overwrite", OLD_RUN, True, now=recorded(OLD_RUN)),
    CopyCase("of 0.1.0", "skip refresh overwrite", OF_0_1_0, False),
]


@pytest.mark.parametrize(
    ("on_existing", "case"),
    [pytest.param(mode, case, id=f"{mode}: {case.name}") for case in COPY_CASES for mode in case.modes.split()],
)
def test_the_object_of_the_key_decides_whether_it_is_copied_over(on_existing: str, case: CopyCase) -> None:
    world = World(on_existing, case.there, case.now)

    found = world.copy()

    final = world.store.objects[KEY]
    assert (found is not None) == case.kept
    assert (final == case.there) == case.kept
    assert case.kept or (final.data, final.is_copy) == (OURS, True)
    assert world.table.rows == ({URL: case.now} if case.now else {})


@pytest.mark.parametrize("url_sha256", ["b" * 64, ""], ids=["of another URL", "of another program"])
def test_the_object_of_another_url_is_not_copied_over(url_sha256: str) -> None:
    world = World("overwrite", held(stored_at=OLD, url_sha256=url_sha256, is_copy=True), None)

    with pytest.raises(RowError) as raised:
        world.copy()

    assert raised.value.reason is Reason.KEY_CONFLICT


def test_a_key_that_is_taken_before_the_copy_is_looked_at_again() -> None:
    world = World("skip", None, None)
    head = world.store.head

    def taken_after_head(key: str) -> ImageObject | None:
        found = head(key)
        world.store.objects.setdefault(KEY, OTHER_RUN)
        return found

    world.store.head = taken_after_head  # type: ignore[method-assign]
    found = world.copy()

    assert found is not None
    assert world.requests == ["HEAD", FREE, "HEAD"]


def test_a_copy_whose_key_cannot_be_read_is_left_to_the_next_round() -> None:
    world = World("skip", OTHER_RUN, None)
    world.store.head = lambda key: None  # type: ignore[method-assign]

    with pytest.raises(RowError, match="cannot be read"):
        world.copy()
