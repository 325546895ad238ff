"""The OUT folder: export, restore, and keys that are not paths inside the folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from local.aws.disk import Disk, Store, UnsafeKeyError, path_of

from local.aws import backend
from local.aws.clients import Clients, Credentials
from local.aws.http.server import Server

STORE = Store(images_bucket="images-bucket", input_bucket="input-bucket", images_table="images")
ROW = {
    "url": "https://example.com/a.jpg",
    "object_key": "images/aa/a.jpg",
    "bytes": 5,
    "content_type": "image/jpeg",
    "width": 640,
    "ratio": 1.5,
    "tags": ["x", {"y": None}],
    "cached": True,
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    server.start(backend.application())
    yield server
    server.stop()


@pytest.fixture
def client(server: Server) -> Iterator[Callable[[str], Any]]:
    backend.reset()
    clients = Clients(server.endpoint, Credentials.random())
    for bucket in (STORE.images_bucket, STORE.input_bucket):
        clients("s3").create_bucket(Bucket=bucket)
    clients("dynamodb").create_table(
        TableName=STORE.images_table,
        KeySchema=[{"AttributeName": "url", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "url", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield clients
    clients.close()
    backend.reset()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of an earlier run: one image and its row."""
    image = tmp_path / "images/aa/a.jpg"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"image")
    (tmp_path / "images.jsonl").write_text(json.dumps(ROW) + "\n")
    return tmp_path


def _put(client: Callable[[str], Any], key: str, body: bytes, bucket: str = STORE.images_bucket) -> None:
    client("s3").put_object(Bucket=bucket, Key=key, Body=body)


def _rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "images.jsonl").read_text().splitlines()]


def test_images_are_restored_with_their_bytes_and_their_content_type(client: Callable[[str], Any], out: Path) -> None:
    assert Disk(out, STORE).restore() == 1
    response = client("s3").get_object(Bucket=STORE.images_bucket, Key="images/aa/a.jpg")
    assert (response["Body"].read(), response["ContentType"]) == (b"image", "image/jpeg")
    assert response["ETag"] == '"78805a221a988e79ef3f42d7c5bfd418"'


def test_a_restored_object_can_be_listed_copied_overwritten_and_deleted(
    client: Callable[[str], Any], out: Path
) -> None:
    Disk(out, STORE).restore()
    s3, where = client("s3"), {"Bucket": STORE.images_bucket}
    (listed,) = s3.list_objects_v2(**where)["Contents"]
    assert (listed["Key"], listed["Size"]) == ("images/aa/a.jpg", 5)
    s3.copy_object(**where, Key="images/copy.jpg", CopySource={**where, "Key": "images/aa/a.jpg"})
    assert s3.get_object(**where, Key="images/copy.jpg")["Body"].read() == b"image"
    _put(client, "images/aa/a.jpg", b"new")
    assert s3.get_object(**where, Key="images/aa/a.jpg")["Body"].read() == b"new"
    s3.delete_object(**where, Key="images/aa/a.jpg")
    assert (out / "images/aa/a.jpg").read_bytes() == b"image"


def test_rows_are_restored_with_dynamodb_types(client: Callable[[str], Any], out: Path) -> None:
    Disk(out, STORE).restore()
    item = client("dynamodb").get_item(TableName="images", Key={"url": {"S": str(ROW["url"])}})["Item"]
    assert item["bytes"] == {"N": "5"}
    assert item["ratio"] == {"N": "1.5"}
    assert item["cached"] == {"BOOL": True}
    assert item["tags"] == {"L": [{"S": "x"}, {"M": {"y": {"NULL": True}}}]}


def test_rows_survive_a_restore_and_an_export_unchanged(client: Callable[[str], Any], out: Path) -> None:
    disk = Disk(out, STORE)
    disk.restore()
    disk.export(None, [])
    assert _rows(out) == [ROW]


@pytest.mark.parametrize(
    "damage",
    [
        lambda out: (out / "images/aa/a.jpg").unlink(),
        lambda out: (out / "images/aa/a.jpg").write_bytes(b"im"),
        lambda out: (out / "images.jsonl").write_text('{"url": "https://exa'),
    ],
)
def test_a_row_without_its_complete_file_is_left_out_so_that_it_is_downloaded_again(
    client: Callable[[str], Any], out: Path, damage: Callable[[Path], Any]
) -> None:
    damage(out)
    assert Disk(out, STORE).restore() == 0
    assert client("dynamodb").scan(TableName="images")["Items"] == []


def test_a_folder_that_does_not_exist_yet_is_an_empty_one(client: Callable[[str], Any], tmp_path: Path) -> None:
    assert Disk(tmp_path / "new", STORE).restore() == 0


def test_only_new_and_changed_objects_are_written(client: Callable[[str], Any], out: Path) -> None:
    disk = Disk(out, STORE)
    disk.restore()
    _put(client, "images/b.jpg", b"new")
    assert disk.export(None, []).written == 1
    assert (out / "images/b.jpg").read_bytes() == b"new"
    assert disk.export(None, []).written == 0
    _put(client, "images/b.jpg", b"changed")
    assert disk.export(None, []).written == 1
    assert (out / "images/b.jpg").read_bytes() == b"changed"


def test_a_deleted_object_is_removed_from_the_folder_and_a_users_file_stays(
    client: Callable[[str], Any], out: Path
) -> None:
    disk = Disk(out, STORE)
    disk.restore()
    (out / "images/notes.txt").write_text("mine")
    client("s3").delete_object(Bucket=STORE.images_bucket, Key="images/aa/a.jpg")
    assert disk.export(None, []).removed == 1
    assert not (out / "images/aa/a.jpg").exists()
    assert (out / "images/notes.txt").read_text() == "mine"


def test_a_run_is_exported_with_its_summary_and_the_others_are_not(
    client: Callable[[str], Any], tmp_path: Path
) -> None:
    for run in ("one", "two"):
        for name in ("summary.json", "results/part-0-0.jsonl"):
            _put(client, f"runs/{run}/{name}", run.encode(), STORE.input_bucket)
    Disk(tmp_path, STORE).export("two", [])
    assert (tmp_path / "runs/two/results/part-0-0.jsonl").read_text() == "two"
    assert (tmp_path / "summary.json").read_text() == "two"
    assert not (tmp_path / "runs/one").exists()


def test_messages_are_written_one_a_line(client: Callable[[str], Any], tmp_path: Path) -> None:
    messages = [{"type": "run_completed", "subject": "ü"}, {"type": "images_failed", "subject": ""}]
    Disk(tmp_path, STORE).export(None, messages)
    written = (tmp_path / "messages.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in written] == messages


def test_images_are_listed_by_url(client: Callable[[str], Any], tmp_path: Path) -> None:
    for url in ("https://b/", "https://a/"):
        client("dynamodb").put_item(TableName="images", Item={"url": {"S": url}})
    Disk(tmp_path, STORE).export(None, [])
    assert [row["url"] for row in _rows(tmp_path)] == ["https://a/", "https://b/"]


@pytest.mark.parametrize(
    "key",
    ["images/../../escaped", "images//a", "images/.", "/images/a", "images/a\0b", "images/" + "x" * 256, ""],
)
def test_a_key_that_is_not_a_path_inside_the_folder_is_an_error(key: str) -> None:
    with pytest.raises(UnsafeKeyError):
        path_of(Path("out"), key)


def test_unsafe_keys_are_reported_and_do_not_stop_the_export(client: Callable[[str], Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    for key in ("images/../../escaped", "images/good", "images/good/below"):
        backend.put_file(STORE.images_bucket, key, Path(__file__), None)
    result = Disk(out, STORE).export(None, [])
    assert set(result.skipped) == {"images/../../escaped", "images/good/below"}
    assert result.written == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_partial_file_of_an_interrupted_export_is_not_restored(client: Callable[[str], Any], out: Path) -> None:
    (out / "images/.partial-1").write_bytes(b"half")
    Disk(out, STORE).restore()
    assert [key for key, _ in backend.objects(STORE.images_bucket)] == ["images/aa/a.jpg"]
