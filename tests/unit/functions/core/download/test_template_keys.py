"""Keys by template that are known only after the download, and keys that have the SHA-256 of their image."""

from dataclasses import replace
from typing import Any

import pytest

from functions.core.model.keys import default_key
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from tests.support.images import jpeg
from tests.unit.functions.core.download.test_requested_keys import NEW, OLD, U, V, World, item, keys, kinds, sha256

SHARED = {"key_template": "{sha256:.2}/{sha256}.{ext}"}
KEY = f"images/{sha256(OLD)[:2]}/{sha256(OLD)}.png"


def both(**columns: Any) -> list[dict[str, Any]]:
    return [item(url=U, **columns), item(url=V, **columns)]


@pytest.mark.parametrize("batches", [1, 2], ids=["one batch", "two batches"])
def test_urls_of_one_image_share_the_key_that_has_its_digest(batches: int) -> None:
    world = World(OLD, other=OLD, **SHARED)
    first, second = both()

    lines = world.run(*([[first, second]] if batches == 1 else [[first], [second]]))

    assert sorted(kinds(lines).values()) == ["duplicate", "stored"]
    assert set(keys(lines).values()) == {KEY}
    assert {url: row["object_key"] for url, row in world.table.rows.items()} == {U: KEY, V: KEY}
    assert [*world.store.objects] == [KEY]


@pytest.mark.parametrize(
    ("on_existing", "kind"), [("skip", "skipped"), ("refresh", "unchanged"), ("overwrite", "skipped")]
)
def test_a_later_run_of_another_url_of_the_image_shares_its_key(on_existing: str, kind: str) -> None:
    world = World(OLD, other=OLD, **SHARED)
    world.run([item(url=U)])
    world.let_writers_end()

    lines = world.run([item(url=V)], run_id="r2", on_existing=on_existing)

    assert keys(lines) == {1: KEY}
    assert kinds(lines) == {1: kind}
    assert world.table.rows[V]["object_key"] == KEY


def test_a_url_whose_image_changes_leaves_the_shared_object_to_the_others() -> None:
    world = World(OLD, NEW, other=OLD, **SHARED)
    world.run(both())
    world.let_writers_end()

    lines = world.run([item(url=U)], run_id="r2", on_existing="overwrite")

    assert keys(lines) == {1: f"images/{sha256(NEW)[:2]}/{sha256(NEW)}.png"}
    assert lines[1]["former_key"] == KEY
    assert world.data(KEY) == OLD
    assert world.table.rows[V]["object_key"] == KEY


@pytest.mark.parametrize("template", ["{sha256:.8}.{ext}", "{title}", "{title}.{ext}"])
def test_urls_with_another_key_in_common_are_a_conflict(template: str) -> None:
    world = World(OLD, other=OLD, key_template=template)

    lines = world.run(both(title="same"))

    assert sorted(kinds(lines).values()) == ["failed", "stored"]
    assert {line["reason"] for line in lines.values() if line["outcome"] == "failed"} == {Reason.KEY_CONFLICT}


def test_an_object_of_another_program_is_not_shared() -> None:
    world = World(OLD, other=OLD, **SHARED)
    world.run([item(url=V)])
    world.store.objects[KEY] = replace(world.store.objects[KEY], url_sha256="")

    lines = world.run([item(url=U)], run_id="r2")

    assert (lines[1]["reason"], lines[1]["message"]) == (
        "key_conflict",
        f"The key {KEY} already holds an object of another program.",
    )


@pytest.mark.parametrize("template", ["{row:04}.{ext}", "{sha256}.{ext}", "{name}-{sha256:.6}.{ext}", "{host}.{ext}"])
def test_what_the_default_key_has_is_copied_to_the_key_of_the_template(template: str) -> None:
    world = World(OLD)
    world.run([item()])
    asked = world.web.requests
    world.options = Options(key_template=template)

    lines = world.run([item()], run_id="r2")

    assert kinds(lines) == {1: "skipped"}
    assert keys(lines)[1] != default_key(U, "png")
    assert world.data(keys(lines)[1] or "") == OLD
    assert world.web.requests == asked
    assert kinds(world.run([item()], run_id="r3")) == {1: "skipped"}


def test_the_extension_is_that_of_the_bytes() -> None:
    world = World(jpeg(), key_template="{name}.{ext}")

    assert keys(world.run([item()])) == {1: "images/1.jpg"}
