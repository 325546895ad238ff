"""The object store without HTTP: versions, files that other programs change, failed changes, OUT folders of 0.1.0."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws.store.adoption import adopt_images
from local.aws.store.conditions import Condition
from local.aws.store.errors import S3Error
from local.aws.store.index import StoredObject
from local.aws.store.objects import ObjectStore
from tests.support.object_store import Buckets, content


@pytest.fixture
def buckets(tmp_path: Path) -> Buckets:
    return Buckets(tmp_path)


@pytest.fixture
def store(tmp_path: Path, buckets: Buckets) -> Iterator[ObjectStore]:
    store = ObjectStore(tmp_path, buckets)
    yield store
    store.close()


def put(store: ObjectStore, bucket: str, key: str, data: bytes) -> StoredObject:
    return store.put(bucket, key, content(store, data), {})


def read(store: ObjectStore, bucket: str, key: str, version: str = "") -> bytes:
    _, file = store.open(bucket, key, version)
    assert Path(str(file.name)).is_file()
    with file:
        return file.read()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_readable_file_is_always_the_latest_version(store: ObjectStore, tmp_path: Path) -> None:
    first, second = put(store, "input", "a/m.csv", b"1"), put(store, "input", "a/m.csv", b"2")
    readable = tmp_path / "input" / "a" / "m.csv"
    assert (readable.read_bytes(), read(store, "input", "a/m.csv", first.version)) == (b"2", b"1")

    store.delete("input", "a/m.csv", second.version)
    assert (readable.read_bytes(), read(store, "input", "a/m.csv")) == (b"1", b"1")
    store.delete("input", "a/m.csv", first.version)
    assert list((tmp_path / "input").iterdir()) == []


def test_a_deleted_marker_brings_the_readable_file_back(store: ObjectStore, tmp_path: Path) -> None:
    put(store, "input", "m", b"1")
    _, marker = store.delete("input", "m")
    assert not (tmp_path / "input" / "m").exists()

    assert store.delete("input", "m", marker) == (True, marker)
    assert (tmp_path / "input" / "m").read_bytes() == b"1"


def test_a_suspended_bucket_has_one_null_version(store: ObjectStore, buckets: Buckets, tmp_path: Path) -> None:
    kept = put(store, "input", "m", b"kept")
    buckets.enabled["input"] = "Suspended"
    put(store, "input", "m", b"null 1")
    buckets.enabled["input"] = "Enabled"
    last = put(store, "input", "m", b"last")
    buckets.enabled["input"] = "Suspended"
    put(store, "input", "m", b"null 2")

    versions = store.list_versions("input", "", "", "", 10)
    assert [each.version for each in versions] == ["null", last.version, kept.version]
    assert read(store, "input", "m") == b"null 2"
    assert sorted(files(tmp_path / "input").values()) == [b"kept", b"last", b"null 2"]
    assert store.delete("input", "m") == (True, "null")
    assert sorted(files(tmp_path / "input").values()) == [b"kept", b"last"]


def test_a_condition_of_a_delete_holds(store: ObjectStore) -> None:
    etag = put(store, "images", "a", b"1").etag

    with pytest.raises(S3Error, match="PreconditionFailed"):
        store.delete("images", "a", condition=Condition(if_match="other"))
    store.delete("images", "a", condition=Condition(if_match=etag))
    with pytest.raises(S3Error, match="NoSuchKey"):
        store.head("images", "a")


@pytest.mark.parametrize("bucket", ["images", "input"])
def test_a_move_that_fails_is_undone(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: str
) -> None:
    put(store, bucket, "k", b"old")
    target, replace = tmp_path / bucket / "k", os.replace

    def fail(source: str, path: str) -> None:
        if str(path) == str(target) and Path(source).read_bytes() == b"new":
            raise OSError(28, "No space left on device")
        replace(source, path)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        put(store, bucket, "k", b"new")
    assert (read(store, bucket, "k"), files(tmp_path / bucket)) == (b"old", {"k": b"old"})
    assert len(store.list_versions(bucket, "", "", "", 10)) == 1
    assert list((tmp_path / ".partial-").iterdir()) == []


def test_a_folder_that_the_user_removed_is_made_again(store: ObjectStore, tmp_path: Path) -> None:
    put(store, "images", "a/b/c", b"1")
    (tmp_path / "images" / "a" / "b" / "c").unlink()
    (tmp_path / "images" / "a" / "b").rmdir()

    with pytest.raises(S3Error, match="was removed from OUT"):
        store.open("images", "a/b/c")
    put(store, "images", "a/b/c", b"2")
    assert read(store, "images", "a/b/c") == b"2"


def test_a_file_whose_size_was_changed_is_not_sent(store: ObjectStore, tmp_path: Path) -> None:
    put(store, "images", "a", b"1")
    (tmp_path / "images" / "a").write_bytes(b"22")

    with pytest.raises(S3Error, match="changed by another program"):
        store.open("images", "a")


def test_a_file_that_was_only_touched_is_read_once(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, "images", "a", b"1")
    os.utime(tmp_path / "images" / "a", (1, 1))
    assert store.verify() == []

    monkeypatch.setattr(hashlib, "file_digest", None)
    assert store.verify() == []
    assert store.head("images", "a").mtime == 10**9


def test_the_version_before_becomes_the_latest_if_the_file_is_gone(store: ObjectStore, tmp_path: Path) -> None:
    put(store, "input", "m", b"1")
    put(store, "input", "m", b"2")
    (tmp_path / "input" / "m").unlink()

    assert [each.sha256 for each in store.verify()] == [hashlib.sha256(b"2").hexdigest()]
    assert read(store, "input", "m") == b"1"
    put(store, "input", "m", b"3")
    assert [read(store, "input", "m", each.version) for each in store.list_versions("input", "", "", "", 9)] == [
        b"3",
        b"1",
    ]
    assert store.verify() == []


def test_closing_removes_what_belongs_to_no_object(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path, Buckets(tmp_path))
    content(store, b"a part")
    store.close()

    assert not (tmp_path / ".partial-").exists()


def test_numbers_of_files_go_on_after_those_that_a_killed_process_left(tmp_path: Path) -> None:
    (tmp_path / ".partial-").mkdir()
    (tmp_path / ".partial-" / "7").write_bytes(b"left")
    store = ObjectStore(tmp_path, Buckets(tmp_path))
    temporary = content(store, b"new")
    assert temporary.path.name == "8"
    store.close()


def row(number: int, data: bytes, **more: object) -> dict[str, object]:
    sha256 = hashlib.sha256(data).hexdigest()
    return {
        "url": f"http://h/{number}",
        "object_key": f"images/{number}.jpg",
        "sha256": sha256,
        "bytes": len(data),
        **more,
    }


def test_images_of_release_0_1_0_are_adopted_where_they_are(tmp_path: Path) -> None:
    class ImagesInOut(Buckets):
        def folder(self, bucket: str) -> Path:
            return self.root

    folder = tmp_path / "images"
    folder.mkdir()
    rows = [row(n, b"%d" % n, content_type="image/png") for n in range(4)]
    rows += [row(4, b"<svg/>", content_type="image/svg+xml"), row(5, b"?", object_key="../5.jpg"), row(6, b"6")]
    for number, data in ((0, b"0"), (1, b"1"), (2, b"changed"), (4, b"<svg/>")):
        (folder / f"{number}.jpg").write_bytes(data)
    (tmp_path.parent / "5.jpg").write_bytes(b"?")
    (tmp_path / "images.jsonl").write_text("\n".join(["{damaged", *map(json.dumps, rows)]))
    store = ObjectStore(tmp_path, ImagesInOut(tmp_path))
    before = files(folder)

    assert adopt_images(store, "images", tmp_path) == 3
    assert adopt_images(store, "images", tmp_path) == 3
    found = store.head("images", "images/1.jpg")
    url_sha256 = hashlib.sha256(b"http://h/1").hexdigest()
    assert found.headers == {"content-type": "image/png", "x-amz-meta-url-sha256": url_sha256}
    assert (found.etag, read(store, "images", "images/1.jpg")) == (hashlib.md5(b"1").hexdigest(), b"1")
    assert store.head("images", "images/4.jpg").headers["content-disposition"] == "attachment"
    assert [each.key for each in store.list_keys("images", "", "", 9)] == [f"images/{n}.jpg" for n in (0, 1, 4)]
    assert (files(folder), store.verify()) == (before, [])
    put(store, "images", "images/1.jpg", b"new")
    assert (folder / "1.jpg").read_bytes() == b"new"
    store.close()
