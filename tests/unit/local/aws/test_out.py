"""The OUT folder: files for people, and what an earlier process or an earlier release has left in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.core.model.keys import to_table_row
from local.aws import backend
from local.aws.clients import Clients, Credentials
from local.aws.http.server import Server
from local.aws.out import BucketFolders, Exporter, Names, import_release_0_1_0, reconcile_rows, release_places
from local.aws.store.files import Content
from local.aws.store.objects import ObjectStore

NAMES = Names("images-bucket", "input-bucket", "images", "runs")
URL, KEY, IMAGE = "https://example.com/a.jpg", "images/aa/a.jpg", b"image"
ROW = {"url": URL, "object_key": KEY, "sha256": hashlib.sha256(IMAGE).hexdigest(), "content_type": "image/jpeg"}


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """OUT of a cloud with both buckets, an images table and a hosts table; it has no objects."""
    backend.reset()
    server = Server()
    server.start(backend.application())
    clients = Clients(server.endpoint, Credentials.random())
    for bucket in (NAMES.images_bucket, NAMES.input_bucket):
        clients("s3").create_bucket(Bucket=bucket)
    for table, key in ((NAMES.images_table, "url"), ("hosts", "host")):
        clients("dynamodb").create_table(
            TableName=table,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    clients.close()
    server.stop()
    out = tmp_path / "out"
    out.mkdir()
    yield out
    backend.reset()


@pytest.fixture
def store(out: Path) -> Iterator[ObjectStore]:
    folders = BucketFolders(out)
    folders.assign(NAMES)
    store = ObjectStore(out, folders)
    yield store
    store.close()


def _put(store: ObjectStore, key: str, body: bytes, bucket: str = NAMES.images_bucket) -> None:
    path = store.temporary_file()
    path.write_bytes(body)
    digests = hashlib.md5(body).hexdigest(), hashlib.sha256(body).hexdigest()
    store.put(bucket, key, Content(path, len(body), *digests), {})


def _leave_release_0_1_0(out: Path) -> None:
    image = out / KEY
    image.parent.mkdir(parents=True)
    image.write_bytes(IMAGE)
    (out / "images.jsonl").write_text(json.dumps(ROW) + "\n")


def _restore(store: ObjectStore, out: Path) -> list[dict[str, object]]:
    import_release_0_1_0(store, NAMES, out)
    reconcile_rows(store, NAMES)
    return list(backend.rows(NAMES.images_table))


def test_an_image_is_a_file_under_its_key(store: ObjectStore, out: Path) -> None:
    _put(store, KEY, IMAGE)
    assert (out / KEY).read_bytes() == IMAGE


def test_the_images_folder_has_the_keys_without_the_prefix_of_the_stack(out: Path) -> None:
    folders = BucketFolders(out)
    folders.assign(replace(NAMES, images_prefix="mirror/pictures/"))
    store = ObjectStore(out, folders)

    for key in ("mirror/pictures/aa/a.jpg", "reports/a.pdf"):
        _put(store, key, IMAGE)

    assert (out / "images/aa/a.jpg").read_bytes() == IMAGE
    assert not (out / "images/reports").exists()
    assert read_object(store, "reports/a.pdf") == IMAGE
    store.close()


def read_object(store: ObjectStore, key: str) -> bytes:
    _, file = store.open(NAMES.images_bucket, key)
    with file:
        return file.read()


def test_images_and_rows_of_release_0_1_0_are_taken_over(store: ObjectStore, out: Path) -> None:
    _leave_release_0_1_0(out)
    assert _restore(store, out) == [ROW]
    stored = store.head(NAMES.images_bucket, KEY)
    assert (stored.sha256, stored.headers["content-type"]) == (ROW["sha256"], "image/jpeg")


def test_rows_of_release_0_1_0_are_taken_over_once(store: ObjectStore, out: Path) -> None:
    _leave_release_0_1_0(out)
    _restore(store, out)
    backend.delete_item(NAMES.images_table, {"url": URL})
    assert _restore(store, out) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda out: (out / KEY).unlink(),
        lambda out: (out / KEY).write_bytes(b"image that is longer"),
        lambda out: (out / KEY).write_bytes(b"other"),
        lambda out: (out / "images.jsonl").write_text('{"url": "https://exa'),
    ],
)
def test_a_row_without_its_file_is_deleted_so_that_its_image_is_downloaded_again(
    store: ObjectStore, out: Path, damage: Callable[[Path], Any]
) -> None:
    _leave_release_0_1_0(out)
    damage(out)
    assert _restore(store, out) == []


def test_a_row_whose_object_has_other_bytes_is_deleted(store: ObjectStore, out: Path) -> None:
    _put(store, KEY, b"other")
    backend.put_row(NAMES.images_table, ROW)
    assert _restore(store, out) == []


def test_a_run_is_exported_with_its_summary_and_the_others_are_not(store: ObjectStore, out: Path) -> None:
    for run in ("one", "two"):
        for name in ("summary.json", "results/part-0-0.jsonl", "started/0-0", "check/plan.jsonl"):
            _put(store, f"runs/{run}/{name}", run.encode(), NAMES.input_bucket)
    Exporter(out, store, NAMES).export("two", [])
    assert (out / "runs/two/results/part-0-0.jsonl").read_text() == "two"
    assert (out / "summary.json").read_text() == "two"
    assert not (out / "runs/one").exists()
    assert sorted(path.name for path in (out / "runs/two").iterdir()) == ["results", "summary.json"]


def test_messages_and_rows_are_written_one_a_line(store: ObjectStore, out: Path) -> None:
    backend.put_row(NAMES.images_table, ROW)
    messages = [{"type": "run_completed", "subject": "ü"}, {"type": "images_failed", "subject": ""}]
    Exporter(out, store, NAMES).export(None, messages)
    written = (out / "messages.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in written] == messages
    assert [json.loads(line) for line in (out / "images.jsonl").read_text().splitlines()] == [ROW]


def test_the_row_of_a_long_url_is_written_with_its_url_and_deleted_without_its_object(
    store: ObjectStore, out: Path
) -> None:
    row = {**ROW, "url": f"https://example.com/{'x' * 3000}.jpg"}
    backend.put_row(NAMES.images_table, to_table_row(row))
    Exporter(out, store, NAMES).export(None, [])
    assert json.loads((out / "images.jsonl").read_text()) == row
    assert reconcile_rows(store, NAMES) == 1
    assert list(backend.rows(NAMES.images_table)) == []


@pytest.mark.parametrize(
    ("offset", "size", "is_kept"), [(512, 5, True), (0, 1536, True), (1532, 5, False), (4096, 1, False)]
)
def test_the_row_of_an_image_in_a_shard_is_kept_while_the_shard_has_its_bytes(
    store: ObjectStore, offset: int, size: int, is_kept: bool
) -> None:
    _put(store, "images/shards/r1/a.tar", bytes(1536))
    row = {**ROW, "object_key": "images/shards/r1/a.tar", "offset": offset, "bytes": size}
    backend.put_row(NAMES.images_table, row)

    assert reconcile_rows(store, NAMES) == (not is_kept)
    assert list(backend.rows(NAMES.images_table)) == [row] * is_kept


def test_the_row_of_an_image_in_a_missing_shard_is_deleted(store: ObjectStore) -> None:
    backend.put_row(NAMES.images_table, {**ROW, "object_key": "images/shards/r1/a.tar", "offset": 512, "bytes": 5})

    assert reconcile_rows(store, NAMES) == 1


@pytest.mark.parametrize("link", ["runs", "runs/one", "runs/one/summary.json", "summary.json", "images.jsonl"])
def test_the_export_never_writes_through_a_symbolic_link(
    store: ObjectStore, out: Path, tmp_path: Path, link: str
) -> None:
    """A link to a file is replaced, a link to a folder is an error."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("mine")
    _put(store, "runs/one/summary.json", b"summary", NAMES.input_bucket)
    is_file = "." in link
    (out / link).parent.mkdir(parents=True, exist_ok=True)
    (out / link).symlink_to(elsewhere / "file" if is_file else elsewhere)
    if is_file:
        Exporter(out, store, NAMES).export("one", [])
    else:
        with pytest.raises(NotADirectoryError):
            Exporter(out, store, NAMES).export("one", [])
    assert [path.name for path in elsewhere.iterdir()] == ["file"]
    assert (elsewhere / "file").read_text() == "mine"


def test_the_folder_itself_may_be_a_symbolic_link(store: ObjectStore, out: Path, tmp_path: Path) -> None:
    _put(store, "runs/one/summary.json", b"summary", NAMES.input_bucket)
    link = tmp_path / "link"
    link.symlink_to(out)
    Exporter(link, store, NAMES).export("one", [])
    assert (out / "runs/one/summary.json").read_bytes() == b"summary"


def test_an_export_that_is_killed_leaves_only_files_that_the_next_start_removes(
    store: ObjectStore, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(store, "runs/one/summary.json", b"summary", NAMES.input_bucket)
    (out / "images.jsonl").write_text("before")
    left: list[Path] = []

    def killed(source: Path, target: Path) -> None:
        left.append(source)
        source.rename(source.with_name("999"))  # no code runs after a kill: nothing removes it
        raise KeyboardInterrupt

    monkeypatch.setattr("local.aws.out.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        Exporter(out, store, NAMES).export("one", [])
    monkeypatch.undo()
    assert [path.parent for path in left] == [out / ".partial-"]
    assert (out / "images.jsonl").read_text() == "before"
    store.recover()
    assert list((out / ".partial-").iterdir()) == []


def test_an_image_is_never_written_through_a_symbolic_link(store: ObjectStore, out: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (out / "images").mkdir(exist_ok=True)
    (out / "images/aa").symlink_to(elsewhere)
    _put(store, KEY, IMAGE)
    assert list(elsewhere.iterdir()) == []
    _, file = store.open(NAMES.images_bucket, KEY)
    with file:
        assert file.read() == IMAGE


def test_places_and_claims_of_an_earlier_process_are_free_and_what_it_has_learned_is_kept(out: Path) -> None:
    cool_down = {"not_before": 1_790_000_030.5, "refusals": 3, "rate": 2.5, "expires_at": 1_790_086_430}
    learned = {"host": "a.example:8080#limit", **cool_down}
    rules = {"host": "https://a.example#robots", "state": "rules", "expires_at": 1_790_086_430}
    claim = {"host": "https://b.example#robots", "state": "reading", "expires_at": 1_790_000_015}
    backend.put_rows("hosts", [{**learned, "p0": 1_790_000_105.250001, "p12": 1_790_000_105}, rules, claim])

    assert release_places("hosts") == 2

    assert list(backend.rows("hosts")) == [learned, rules]
    assert release_places("hosts") == 0
