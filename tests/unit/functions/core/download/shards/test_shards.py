"""Shards of a batch: what they contain, when they are cut, and what is stored before what."""

import json
import os
from dataclasses import replace
from typing import Any

import pytest
from urllib3 import HTTPHeaderDict

from functions.core.download.batch_results import BatchResult
from functions.core.model.errors import RowError, StorageFault, TableFault
from functions.core.model.options import Options
from functions.core.model.ports import ShardUpload
from functions.core.model.reasons import Reason
from functions.core.web.fetch import FetchRequest, FetchResult, NotModifiedError
from tests.support.images import jpeg, png
from tests.support.shards import SHARD, URLS, facts, kinds
from tests.support.shards import ShardWorld as World


def test_an_image_is_followed_by_its_description() -> None:
    world = World({URLS[0]: jpeg(), URLS[1]: png()})

    result = world.run(*URLS[:2])

    names = [member.name for member in world.members()]
    assert sorted(names) == ["000000001.jpg", "000000001.json", "000000002.json", "000000002.png"]
    assert [name[:9] for name in names[::2]] == [name[:9] for name in names[1::2]]
    assert list(world.store.objects) == [SHARD]
    assert kinds(result) == {1: "stored", 2: "stored"}
    world.check(result)


def test_all_members_are_regular_files_of_ustar() -> None:
    world = World()
    world.run(*URLS)

    assert all(member.isfile() and member.mode == 0o644 for member in world.members())
    assert len(world.store.objects[SHARD].data) % 512 == 0
    assert world.store.objects[SHARD].data[257:265] == b"ustar\x0000"


def test_a_description_has_the_redacted_url_and_the_columns_of_the_user() -> None:
    world = World()
    url = "http://user:secret@a.example/1.png?token=secret"

    world.run({"url": url, "caption": "A cat", "size": ""})

    description = world.description(1)
    assert "secret" not in json.dumps(description)
    assert description["columns"] == {"caption": "A cat"}
    assert (description["row"], description["content_type"]) == (1, "image/png")
    assert description["final_url"] == description["url"]
    assert set(description) == {
        *("row", "url", "final_url", "sha256", "bytes", "content_type", "width", "height", "truncated"),
        *("downloaded_at", "ms", "etag", "last_modified", "signals", "columns"),
    }


@pytest.mark.parametrize("text", ["\ud800", "日本", '"', "a\nb"])
def test_any_text_of_a_column_can_be_read_back(text: str) -> None:
    world = World()

    world.run({"url": URLS[0], "caption": text})

    assert world.description(1)["columns"] == {"caption": text}


def test_a_json_file_and_its_description_have_different_names() -> None:
    world = World({URLS[0]: b'{"a": 1}'}, allowed_types=("json",))

    result = world.run(URLS[0])

    assert [member.name for member in world.members()] == ["000000001.content.json", "000000001.json"]
    world.check(result)
    assert world.run(URLS[0]).outcomes[0].image == result.outcomes[0].image


@pytest.mark.parametrize("max_bytes", [5_000, 12_000, 20_000, 60_000])
def test_a_shard_is_cut_before_it_is_too_large(max_bytes: int) -> None:
    world = World({url: png(note=bytes(3000)) for url in URLS}, max_bytes)

    result = world.run(*URLS, *(f"{url}?{number}" for url in URLS for number in range(3)))

    sizes = [len(stored.data) for stored in world.store.objects.values()]
    assert len(sizes) > 1
    assert max(sizes) <= max(max_bytes, 8_000)
    keys = [SHARD, *(f"images/shards/r1/0000-0000000001-00-{number}.tar" for number in range(1, len(sizes)))]
    assert list(world.store.objects) == keys
    world.check(result)


def test_an_image_larger_than_a_shard_has_one_of_its_own() -> None:
    world = World({URLS[0]: png(note=bytes(30_000))}, 10_000)

    world.check(world.run(*URLS))

    assert sum(len(stored.data) > 10_000 for stored in world.store.objects.values()) == 1


def test_rows_of_the_table_follow_their_shard() -> None:
    world = World({url: png(note=bytes(3000)) for url in URLS}, 5_000, concurrency=1)

    world.run(*URLS)

    assert world.store.order == ["shard True"] * 6 + ["6 rows"]


def test_nothing_is_stored_without_the_table_option() -> None:
    world = World(table=False)

    result = world.run(*URLS, URLS[0])

    assert kinds(result) == {**dict.fromkeys(range(1, 7), "stored"), 7: "duplicate"}
    assert (world.table.rows, world.table.asked) == ({}, [])
    world.check(result)


def test_duplicates_refer_to_the_same_bytes() -> None:
    world = World()

    result = world.run(URLS[0], URLS[1], URLS[0])
    later = world.run(URLS[0], first=501)

    assert kinds(result) == {1: "stored", 2: "stored", 3: "duplicate"}
    assert facts(result, 3) == facts(result, 1)
    assert kinds(later) == {501: "duplicate"}
    assert (facts(later, 501)["object_key"], facts(later, 501).get("offset")) == (SHARD, facts(result, 1)["offset"])


@pytest.mark.parametrize("item", [{"url": URLS[0], "key": "a.png"}, {"url": URLS[0], "key": "shards/r1/x.tar"}])
def test_a_row_with_a_key_is_refused(item: object) -> None:
    world = World()

    result = world.run(item, {"url": URLS[1], "key": ""})

    failure = result.outcomes[0].failure or result.outcomes[1].failure
    assert failure is not None
    assert (failure.reason, failure.message) == (
        Reason.INVALID_ROW,
        "key: with output=shards, images have no keys of their own. Rename the column.",
    )
    assert sorted(kinds(result).values()) == ["failed", "stored"]


def test_a_row_with_another_checksum_is_not_in_the_shard() -> None:
    world = World()

    result = world.run({"url": URLS[0], "sha256": "0" * 64}, URLS[0], URLS[1])

    assert kinds(result) == {1: "failed", 2: "stored", 3: "stored"}
    assert {member.name[:9] for member in world.members()} == {"000000002", "000000003"}
    world.check(result)


@pytest.mark.parametrize("error", [RowError(Reason.STORAGE, "S3 PutObject failed (503).")])
def test_rows_of_a_shard_that_is_not_stored_are_deferred(error: RowError) -> None:
    world = World(concurrency=1)
    put_shard = world.store.put_shard
    failing = iter([error])

    def fails_once(upload: ShardUpload) -> bool:
        for fault in failing:
            raise fault
        return put_shard(upload)

    world.store.put_shard = fails_once  # type: ignore[method-assign]
    result = world.run(*URLS)

    assert {row.error.reason for row in result.deferred} == {Reason.STORAGE}
    assert (len(result.deferred), world.table.rows, world.store.objects) == (6, {}, {})
    world.check(world.run(*URLS, round_number=1))


@pytest.mark.parametrize("fault", [StorageFault("S3 PutObject failed."), TableFault("DynamoDB failed.")])
def test_a_fault_of_an_upload_fails_the_batch(fault: Exception) -> None:
    world = World({url: png(note=bytes(3000)) for url in URLS}, 5_000)

    def fails(upload: ShardUpload) -> bool:
        raise fault

    world.store.put_shard = fails  # type: ignore[method-assign]
    with pytest.raises(type(fault)):
        world.run(*URLS)

    assert world.table.rows == {}


def test_a_full_disk_defers_the_row_and_keeps_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({URLS[1]: png(note=bytes(5000))}, concurrency=1)
    pwrite = os.pwrite

    def full(descriptor: int, data: Any, offset: int) -> int:
        if len(data) > 5000:
            pwrite(descriptor, data[:100], offset)
            raise OSError(28, "No space left on device")
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr("functions.core.download.shards.shard.os.pwrite", full)
    result = world.run(*URLS)

    assert [(row.number, row.error.reason) for row in result.deferred] == [(2, Reason.STORAGE)]
    assert "no space left on device" in result.deferred[0].error.message
    assert len(world.members()) == 10
    world.check(result)


def test_a_repeated_batch_fetches_nothing_again() -> None:
    world = World({url: png(note=bytes(3000)) for url in URLS}, 12_000)
    first = world.run(*URLS, URLS[0])
    world.table.rows.clear()
    before = len(world.web.requests), list(world.store.objects)

    second = world.run(*URLS, URLS[0])

    assert (len(world.web.requests), list(world.store.objects)) == before
    assert kinds(second) == kinds(first) == {**dict.fromkeys(range(1, 7), "stored"), 7: "duplicate"}
    assert {row: facts(second, row) for row in range(1, 8)} == {row: facts(first, row) for row in range(1, 8)}
    assert len(world.table.rows) == 6
    world.check(second)


@pytest.mark.parametrize(("year", "is_kept"), [(2099, True), (2001, False)])
def test_a_repeated_batch_leaves_the_record_of_a_later_download(year: int, is_kept: bool) -> None:
    world = World(on_existing="overwrite")
    first = world.run(*URLS)
    world.table.rows[URLS[0]] |= {"run_id": "r2", "downloaded_at": f"{year}-01-01T00:00:00.000Z"}

    second = world.run(*URLS)

    assert kinds(second) == kinds(first)
    assert world.table.rows[URLS[0]]["run_id"] == ("r2" if is_kept else "r1")
    world.check(second)


def test_a_repeated_batch_without_the_table_fetches_nothing_again() -> None:
    world = World(table=False)
    first = world.run(*URLS)

    second = world.run(*URLS)

    assert (len(world.web.requests), kinds(second)) == (6, kinds(first))
    world.check(second)


def test_a_repeated_batch_fetches_what_its_shards_lack() -> None:
    world = World({url: png(note=bytes(3000)) for url in URLS}, 5_000, concurrency=1)
    world.run(*URLS)
    del world.store.objects["images/shards/r1/0000-0000000001-00-5.tar"]
    world.table.rows.clear()

    second = world.run(*URLS)

    assert len(world.web.requests) == 7
    assert len(world.store.objects) == 6
    assert set(kinds(second).values()) == {"stored"}
    world.check(second)


def test_a_shard_with_the_name_of_the_next_one_stays() -> None:
    """Two attempts of a round at the same time: the second one finds the name taken when it uploads."""
    world = World()
    other: list[BatchResult] = []
    put_shard = world.store.put_shard

    def after_another_attempt(upload: ShardUpload) -> bool:
        if not other:
            other.append(BatchResult())
            other[0] = world.run(*URLS)
        return put_shard(upload)

    world.store.put_shard = after_another_attempt  # type: ignore[method-assign]
    mine = world.run(*URLS)

    assert list(world.store.objects) == [SHARD, SHARD.replace(".tar", "-1.tar")]
    world.check(mine, other[0])


def test_an_upload_whose_answer_is_lost_is_not_repeated() -> None:
    world = World()
    put_shard = world.store.put_shard
    world.store.put_shard = lambda upload: put_shard(upload) and put_shard(upload)  # type: ignore[method-assign]

    world.check(world.run(*URLS))

    assert list(world.store.objects) == [SHARD]


def test_an_object_of_another_program_is_left_as_it_is() -> None:
    world = World()
    world.run(URLS[0])
    world.store.objects[SHARD] = replace(world.store.objects[SHARD], data=b"not a shard", shard_id="")
    world.table.rows.clear()

    result = world.run(*URLS)

    assert world.store.objects[SHARD].data == b"not a shard"
    world.check(result)


def test_signals_are_in_the_description_and_in_the_line_of_a_repeated_batch() -> None:
    world = World(robots="ignore")

    fetch = world.web.fetch

    def with_signal(wanted: FetchRequest) -> FetchResult:
        wanted.signals.read_headers(HTTPHeaderDict({"TDM-Reservation": "1"}))
        return fetch(wanted)

    world.web.fetch = with_signal  # type: ignore[method-assign]
    first = world.run(URLS[0])
    world.table.rows.clear()
    second = world.run(URLS[0])

    assert first.outcomes[0].signals
    assert world.description(1)["signals"] == {name: list(v) for name, v in first.outcomes[0].signals.items()}
    assert second.outcomes[0].signals == world.description(1)["signals"]


def other_run(world: World, run_id: str, on_existing: str, output: str = "shards", **item: object) -> BatchResult:
    values = {"on_existing": on_existing, "output": output}
    world.options = Options(**values)  # type: ignore[arg-type]  # parameters
    return world.run(*({"url": url, **item} for url in URLS[:2]), run_id=run_id)


@pytest.mark.parametrize(("first", "second"), [("shards", "shards"), ("shards", "objects"), ("objects", "shards")])
def test_skip_finds_images_wherever_they_are(first: str, second: str) -> None:
    world = World()
    other_run(world, "r1", "skip", first)
    requests = len(world.web.requests)

    result = other_run(world, "r2", "skip", second)

    assert kinds(result) == {1: "skipped", 2: "skipped"}
    assert len(world.web.requests) == requests
    world.check(result)


@pytest.mark.parametrize(("first", "second"), [("shards", "shards"), ("shards", "objects"), ("objects", "shards")])
@pytest.mark.parametrize("on_existing", ["refresh", "overwrite"])
def test_what_has_changed_is_stored_where_the_run_keeps_images(first: str, second: str, on_existing: str) -> None:
    world = World({URLS[0]: [png(note=b"1"), png(note=b"2")]})
    before = other_run(world, "r1", "skip", first)
    objects = {key: stored.data for key, stored in world.store.objects.items()}

    result = other_run(world, "r2", on_existing, second)

    assert kinds(result) == {1: "stored", 2: "stored"}
    assert all(("offset" in facts(result, row)) == (second == "shards") for row in (1, 2))
    assert {key: world.store.objects[key].data for key in objects} == objects
    assert result.outcomes[0].former_key == facts(before, result.outcomes[0].row)["object_key"]
    world.check(result)


@pytest.mark.parametrize(("first", "second"), [("shards", "shards"), ("shards", "objects"), ("objects", "shards")])
def test_what_has_not_changed_stays_where_it_is(first: str, second: str) -> None:
    world = World({url: [png(), NotModifiedError()] for url in URLS})
    before = other_run(world, "r1", "skip", first)

    result = other_run(world, "r2", "refresh", second)

    assert kinds(result) == {1: "unchanged", 2: "unchanged"}
    assert facts(result, 1)["object_key"] == facts(before, 1)["object_key"]
    world.check(result)


@pytest.mark.parametrize("on_existing", ["skip", "refresh"])
def test_a_row_with_a_key_gets_a_copy_of_its_image_out_of_the_shard(on_existing: str) -> None:
    world = World({url: [png(note=bytes(2000)), NotModifiedError()] for url in URLS})
    other_run(world, "r1", "skip")

    world.options = Options(on_existing=on_existing)  # type: ignore[arg-type]  # a parameter
    result = world.run({"url": URLS[0], "key": "cat.png"}, run_id="r2")

    assert facts(result, 1)["object_key"] == "images/cat.png"
    assert "offset" not in facts(result, 1)
    world.check(result)


def test_a_copy_out_of_a_shard_that_was_deleted_is_downloaded() -> None:
    world = World()
    other_run(world, "r1", "skip")
    world.store.objects.clear()

    result = other_run(world, "r2", "skip", "objects", key="")
    copied = world.run({"url": URLS[0], "key": "cat.png"}, run_id="r3")

    assert kinds(result) == {1: "skipped", 2: "skipped"}  # the table is trusted, as for objects
    assert kinds(copied) == {1: "stored"}
