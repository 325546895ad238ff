"""A process that is killed at any step leaves a store in which every row and its file agree."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.aws.store import files
from local.aws.store.index import Index
from local.aws.store.objects import ObjectStore
from tests.support.object_store import Buckets, content

OLD, NEW = b"old", b"new content"


class KilledError(BaseException):
    """The end of the process, as far as the store can tell."""


class Steps:
    """Counts the steps that change something; the one with the number `fatal` is not taken."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.taken = 0
        self.fatal: int | None = None
        for owner, name in (
            (os, "replace"),
            (Index, "change"),
            (Index, "_write"),
            (Path, "unlink"),
        ):
            patch.setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, step: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **named: object) -> object:
            if self.fatal is not None and self.taken >= self.fatal:
                raise KilledError
            self.taken += 1
            return step(*arguments, **named)

        return counted


def check(store: ObjectStore, root: Path) -> None:
    """Rows and files agree, one to one, and nothing else is left."""
    rows = {f"{each.bucket}/{each.path}": each.sha256 for each in store.everything()}
    files = {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for bucket in ("images", "input")
        for path in (root / bucket).rglob("*")
        if path.is_file()
    }
    assert rows == files
    assert list((root / ".partial-").iterdir()) == []


CHANGES: dict[str, Callable[[ObjectStore, str], object]] = {
    "put": lambda store, bucket: store.put(bucket, "k", content(store, NEW), {}),
    "new": lambda store, bucket: store.put(bucket, "other", content(store, NEW), {}),
    "delete": lambda store, bucket: store.delete(bucket, "k"),
    "remove": lambda store, bucket: store.delete(bucket, "k", store.head(bucket, "k").version),
}


@pytest.mark.parametrize("bucket", ["images", "input"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_kill_at_any_step_is_recovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, bucket: str
) -> None:
    ended = False
    for fatal in range(40):
        root = tmp_path / str(fatal)
        store = ObjectStore(root, Buckets(root))
        store.put(bucket, "k", content(store, OLD), {})
        with monkeypatch.context() as patch:
            steps = Steps(patch)
            steps.fatal = fatal
            try:
                CHANGES[change](store, bucket)
                ended = True
            except KilledError:
                pass
        store._index._db.close()
        again = ObjectStore(root, Buckets(root))
        again.recover()
        check(again, root)
        assert again.verify() == []
        found = [each.sha256 for each in again.list_keys(bucket, "", "", 10)]
        possible = {hashlib.sha256(data).hexdigest() for data in (OLD, NEW)}
        assert set(found) <= possible
        assert change in ("delete", "remove") or len(found) >= 1
        again.close()
        if ended:
            return
    pytest.fail("the change never ended")


WRITER = """
import hashlib, itertools, sys
from pathlib import Path
from local.aws.store.objects import ObjectStore
from tests.support.object_store import Buckets, content
root = Path(sys.argv[1])
store = ObjectStore(root, Buckets(root))
store.recover()
print("ready", flush=True)
for n in itertools.count():
    bucket = ("images", "input")[n % 2]
    store.put(bucket, f"{n % 7}/{n % 13}", content(store, str(n).encode() * 500), {})
    if n % 3 == 0:
        store.delete(bucket, f"{n % 5}/{n % 11}")
"""


def test_a_process_that_is_killed_ten_times_leaves_rows_and_files_that_agree(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    for _ in range(10):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0, 0.15))  # the moment of the kill is what varies
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    store = ObjectStore(tmp_path, Buckets(tmp_path))
    store.recover()
    check(store, tmp_path)
    store.close()


def test_a_file_that_was_changed_or_removed_is_dropped(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path, Buckets(tmp_path))
    for key in ("same", "changed", "gone", "touched"):
        store.put("images", key, content(store, OLD), {})
    (tmp_path / "images" / "changed").write_bytes(NEW)
    (tmp_path / "images" / "gone").unlink()
    os.utime(tmp_path / "images" / "touched", (1, 1))

    assert {each.key for each in store.verify()} == {"changed", "gone"}
    assert [each.key for each in store.list_keys("images", "", "", 10)] == ["same", "touched"]
    store.close()


def test_no_file_is_written_through_a_symbolic_link(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    store = ObjectStore(root, Buckets(root))
    elsewhere.mkdir()
    (root / "images").mkdir()
    (root / "images" / "link").symlink_to(elsewhere)

    store.put("images", "link/a", content(store, NEW), {})
    assert list(elsewhere.iterdir()) == []
    _, file = store.open("images", "link/a")
    with file:
        assert file.read() == NEW
    store.close()


def test_flush_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ObjectStore(tmp_path, Buckets(tmp_path))
    store.put("images", "a", content(store, NEW), {})
    store.flush()
    monkeypatch.setattr(files, "_SYNCFS", None)
    store.flush()
    store.close()
