"""Mirroring one row."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.adapters.discarded_images import DiscardedImages
from functions.core.download.mirror import RowMirror
from functions.core.download.mirrored_rows import MirroredRows
from functions.core.download.outputs.no_table import NoImagesTable
from functions.core.model.errors import RowError, StorageFault
from functions.core.model.keys import default_key
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind
from functions.core.model.reasons import Reason
from functions.core.model.rows import Row
from functions.core.model.types import ImageRecord
from functions.core.web.fetch import FetchRequest, FetchResult, NotModifiedError
from tests.support.fakes import Answer, FakeImageStore, FakeImageTable, FakeWeb
from tests.support.images import HTML, SAMPLES, Sample, jpeg, png, svg

URL = "http://user:pw@a.example/1.png?sig=secret"
SHOWN = "http://a.example/1.png?sig=\u2026"


@dataclass(frozen=True)
class MirroredRow:
    outcome: Outcome
    record: ImageRecord | None


def mirrored_row(mirrored: MirroredRows) -> MirroredRow:
    """Raises the error of the row."""
    for _, error in mirrored.errors:
        raise error
    (outcome,) = mirrored.outcomes
    return MirroredRow(outcome, mirrored.record)


class World:
    def __init__(self, answer: Answer | list[Answer], **options: Any) -> None:
        self.web = FakeWeb({URL: answer})
        self.store = FakeImageStore()
        self.table = FakeImageTable()
        self._options = Options(**options)

    def mirror(self, existing_record: ImageRecord | None = None, **columns: Any) -> MirroredRow:
        return mirrored_row(self.row_mirror().mirror([Row(7, URL, **columns)], existing_record))

    def row_mirror(self) -> RowMirror:
        return RowMirror(fetcher=self.web, store=self.store, table=self.table, options=self._options, run_id="r1")

    def error(self, **columns: Any) -> RowError:
        with pytest.raises(RowError) as raised:
            self.mirror(**columns)
        assert not self.store.objects
        return raised.value


def test_an_image_is_stored_and_recorded() -> None:
    world = World(png(6, 4))

    mirrored = world.mirror(user_columns={"id": 7})

    key = default_key(URL, "png")
    image = {
        "object_key": key,
        "bytes": len(png(6, 4)),
        "content_type": "image/png",
        "sha256": hashlib.sha256(png(6, 4)).hexdigest(),
        "width": 6,
        "height": 4,
    }
    assert world.store.objects[key].data == png(6, 4)
    assert world.store.objects[key].url_sha256 == hashlib.sha256(URL.encode()).hexdigest()
    assert mirrored.outcome.kind is OutcomeKind.STORED
    image_facts = mirrored.outcome.image or {}
    when = {"downloaded_at": image_facts["downloaded_at"], "ms": image_facts["ms"]}
    assert image_facts == {**image, **when}
    assert datetime.fromisoformat(when["downloaded_at"]).utcoffset() == timedelta(0)
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z", when["downloaded_at"])
    assert 0 <= when["ms"] < 60_000
    assert (mirrored.outcome.row, mirrored.outcome.url, mirrored.outcome.user_columns) == (7, SHOWN, {"id": 7})
    assert mirrored.record is not None
    assert mirrored.record == {
        "url": URL,
        **image,
        "object_etag": world.store.objects[key].etag,
        "etag": '"v1"',
        "run_id": "r1",
        "row": 7,
        **when,
    }


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_an_image_is_stored_as_what_it_is(sample: Sample) -> None:
    world = World(sample.data, allowed_types=(sample.name,))

    world.mirror()

    stored = world.store.objects[default_key(URL, sample.extension)]
    assert (stored.data, stored.content_type) == (sample.data, sample.content_type)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HTML, Reason.NOT_AN_IMAGE),
        (b"x", Reason.NOT_AN_IMAGE),
        (svg(), Reason.NOT_AN_IMAGE),
        (png()[:-1], Reason.INCOMPLETE_BODY),
        (RowError(Reason.HTTP_4XX, "404", status=404), Reason.HTTP_4XX),
    ],
)
def test_a_body_that_is_not_a_complete_image_of_an_allowed_type_is_not_stored(answer: Answer, reason: Reason) -> None:
    assert World(answer).error().reason is reason


def test_only_allowed_types_are_stored() -> None:
    error = World(jpeg(), allowed_types=("png",)).error()
    assert error.message == "The image type jpeg is not in allowed_types."


@pytest.mark.parametrize(
    "columns",
    [
        {"size": len(png())},
        {"sha256": hashlib.sha256(png()).hexdigest()},
        {"md5": hashlib.md5(png()).hexdigest()},
    ],
)
def test_an_image_that_matches_the_row_is_stored(columns: dict[str, Any]) -> None:
    assert World(png()).mirror(**columns).outcome.kind is OutcomeKind.STORED


@pytest.mark.parametrize("columns", [{"size": 1}, {"sha256": "0" * 64}, {"md5": "0" * 32}])
def test_an_image_that_does_not_match_the_row_is_not_stored(columns: dict[str, Any]) -> None:
    error = World(png()).error(**columns)

    assert error.reason is Reason.CHECKSUM_MISMATCH
    ((name, expected),) = columns.items()
    assert error.message.startswith(f"{name} mismatch: expected {expected}, got ")


def test_a_truncated_image_is_incomplete_even_if_it_matches_the_row() -> None:
    error = World(png()[:-1]).error(sha256=hashlib.sha256(png()[:-1]).hexdigest())
    assert (error.reason, error.retryable) == (Reason.INCOMPLETE_BODY, False)
    assert error.message == (
        "The PNG is truncated. The server has no more of it; accept_truncated=true stores such images."
    )


def test_a_truncated_image_without_a_length_may_be_whole_at_another_time() -> None:
    world = World(png()[:-1], accept_truncated=True)
    world.web.announced = False

    error = world.error()
    assert (error.reason, error.retryable) == (Reason.INCOMPLETE_BODY, True)
    assert error.message == "The PNG is truncated."


def test_a_truncated_image_is_stored_and_marked_where_the_run_accepts_it() -> None:
    mirrored = World(png()[:-1], accept_truncated=True).mirror()

    assert mirrored.outcome.kind is OutcomeKind.STORED
    assert mirrored.outcome.as_json()["truncated"] is True
    assert mirrored.record is not None
    assert mirrored.record["truncated"] is True
    assert "truncated" not in World(png(), accept_truncated=True).mirror().outcome.as_json()


@pytest.mark.parametrize(("least", "stored"), [((6, 4), True), ((7, 4), False), ((6, 5), False)])
def test_images_may_be_too_small(least: tuple[int, int], stored: bool) -> None:
    world = World(png(6, 4), min_width=least[0], min_height=least[1])

    if stored:
        assert world.mirror().outcome.kind is OutcomeKind.STORED
    else:
        assert f"6 x 4 pixels: min_width and min_height require {least[0]} x {least[1]} pixels" in world.error().message


def test_an_image_of_unknown_size_is_too_small_only_where_a_size_is_asked() -> None:
    assert World(svg(), allowed_types=("svg",)).mirror().outcome.image is not None
    assert "of unknown size" in World(svg(), allowed_types=("svg",), min_width=1).error().message


def test_a_row_may_name_its_key() -> None:
    world = World(png())

    world.mirror(key="images/tom.png")

    assert list(world.store.objects) == ["images/tom.png"]


def test_the_key_of_another_url_is_not_overwritten() -> None:
    world = World(png())
    world.mirror(key="images/tom.png")

    with pytest.raises(RowError) as raised:
        mirrored_row(world.row_mirror().mirror([Row(8, "http://b.example/", key="images/tom.png")], None))

    assert raised.value.reason is Reason.KEY_CONFLICT


def test_an_image_with_a_record_is_requested_conditionally_and_may_be_unchanged() -> None:
    world = World(NotModifiedError(), on_existing="refresh")

    mirrored = world.mirror(existing_record={"etag": '"v0"', "last_modified": "Sat, 25 Jul 2026 12:00:00 GMT"})

    assert world.web.wanted[0].validators == {
        "If-None-Match": '"v0"',
        "If-Modified-Since": "Sat, 25 Jul 2026 12:00:00 GMT",
    }
    assert mirrored.record is None
    assert (mirrored.outcome.kind, mirrored.outcome.row) == (OutcomeKind.UNCHANGED, 7)


def test_an_image_with_a_record_of_another_key_is_requested_conditionally_too() -> None:
    world = World(png(), on_existing="refresh")

    mirrored = world.mirror(existing_record={"etag": '"v0"', "object_key": "images/old.png"}, key="images/new.png")

    assert world.web.wanted[0].validators == {"If-None-Match": '"v0"'}
    assert (mirrored.outcome.kind, mirrored.outcome.former_key) == (OutcomeKind.STORED, "images/old.png")


def test_an_image_that_has_changed_replaces_the_object_of_its_record() -> None:
    world = World([png(note=b"old"), png(note=b"new")], on_existing="refresh")
    first = world.mirror(key="images/tom.png").record
    assert first is not None

    world.mirror(existing_record=first, key="images/tom.png")

    assert world.store.objects["images/tom.png"].data == png(note=b"new")
    assert world.store.requests == ["PUT *", f"PUT {first['object_etag']}"]


def test_an_image_of_another_type_has_another_key_and_the_former_object_is_left() -> None:
    world = World([png(), jpeg()], on_existing="refresh")
    first = world.mirror().record

    mirrored = world.mirror(existing_record=first)

    assert mirrored.record is not None
    assert set(world.store.objects) == {default_key(URL, "png"), default_key(URL, "jpg")}
    assert mirrored.record["object_key"] == default_key(URL, "jpg")
    assert mirrored.outcome.former_key == default_key(URL, "png")
    assert mirrored.outcome.as_json()["former_key"] == default_key(URL, "png")
    assert world.store.requests == ["PUT *", "PUT *"]


def test_an_image_that_is_overwritten_is_requested_unconditionally() -> None:
    world = World([png(note=b"old"), png(note=b"new")], on_existing="overwrite")
    first = world.mirror().record

    mirrored = world.mirror(existing_record=first)

    assert world.web.wanted[-1].validators == {}
    assert mirrored.outcome.former_key is None
    assert "former_key" not in mirrored.outcome.as_json()


def test_the_options_of_the_run_are_passed_to_the_download() -> None:
    world = World(png(), timeout=2.0, max_bytes=999, user_agent="me", storage_class="STANDARD_IA")
    world.mirror(headers={"X-A": "b"})

    request = world.web.wanted[0]
    assert (request.timeout, request.max_bytes, request.user_agent) == (2.0, 999, "me")
    assert (request.headers, request.want_md5) == ({"X-A": "b"}, False)
    assert next(iter(world.store.objects.values())).storage_class == "STANDARD_IA"


class Twice(FakeWeb):
    """Receives the start of one image, then another image: the second attempt of a Fetcher may differ."""

    def fetch(self, request: FetchRequest) -> FetchResult:
        request.check_head(png())
        return super().fetch(request)


def test_the_type_is_that_of_the_last_attempt() -> None:
    store = FakeImageStore()
    mirror = RowMirror(
        fetcher=Twice({URL: jpeg()}), store=store, table=FakeImageTable(), options=Options(), run_id="r1"
    )

    image = mirrored_row(mirror.mirror([Row(1, URL)], None)).outcome.image or {}

    assert {name: value for name, value in image.items() if name not in ("downloaded_at", "ms")} == {
        "object_key": default_key(URL, "jpg"),
        "bytes": len(jpeg()),
        "content_type": "image/jpeg",
        "sha256": hashlib.sha256(jpeg()).hexdigest(),
        "width": 6,
        "height": 4,
    }


def test_a_storage_fault_is_raised_and_not_an_outcome() -> None:
    world = World(png())
    world.store.faults.append(StorageFault("denied"))

    with pytest.raises(StorageFault):
        world.mirror()


def test_a_probe_has_the_facts_of_an_image_and_no_key() -> None:
    world = World(png(6, 4), probe=300)

    outcome = world.mirror().outcome

    assert outcome.image is not None
    assert (outcome.kind, outcome.image["object_key"], outcome.image["width"]) == (OutcomeKind.STORED, None, 6)


def test_the_rows_of_a_url_in_a_probe_are_duplicates_whatever_key_they_name() -> None:
    mirror = RowMirror(
        fetcher=FakeWeb({URL: png(6, 4)}),
        store=DiscardedImages(),
        table=NoImagesTable(),
        options=Options(probe=300),
        run_id="r1",
    )

    mirrored = mirror.mirror([Row(1, URL, key="images/a.png"), Row(2, URL), Row(3, URL, key="images/b.png")], None)

    assert [outcome.kind for outcome in mirrored.outcomes] == ["stored", "duplicate", "duplicate"]
    assert all(outcome.image and outcome.image["object_key"] is None for outcome in mirrored.outcomes)
    assert mirrored.errors == []
