"""`kill -9` while an OUT folder of release 0.1.0 is taken over: nothing is lost, nothing is fetched again.

`KILLS=20 python -m pytest tests/integration/test_kills_of_take_over.py -s --timeout 3600` kills it more often, and
prints how many objects and rows had been taken over at each kill; SEED repeats the random moments.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from functions.core.model.keys import default_key
from tests.support.local_process import IMAGE, check_out, kill, recorded_rows, start_command
from tests.support.site import Site

KILLS = int(os.environ.get("KILLS", "2"))
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**6)
ROWS = 1_500
POLL_SECONDS = 0.02
LAST_MOMENT = 2 * ROWS - 10
"""Of the objects and rows together, which are fewer at the end by those of the damaged files."""


class Release010:
    """An OUT folder as release 0.1.0 has left it, a manifest of its URLs, and two rows whose file is not theirs."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.out, self.manifest = folder / "out", folder / "list.csv"
        self.urls = [site.put(f"/{number}.jpg", IMAGE) for number in range(ROWS)]
        self.damaged = self.urls[10], self.urls[ROWS // 2]
        self.manifest.write_text("\n".join(["url", *self.urls]) + "\n")
        lines = [self._store(row, url) for row, url in enumerate(self.urls, 1)]
        (self.out / "images.jsonl").write_text("".join(lines))
        self._path(self.damaged[0]).unlink()
        self._path(self.damaged[1]).write_bytes(b"changed")

    def _path(self, url: str) -> Path:
        return self.out / default_key(url, "jpg")

    def _store(self, row: int, url: str) -> str:
        """Writes the image and returns the line of its row."""
        body = IMAGE[:400] + url.encode()
        path = self._path(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        fields = {
            "url": url,
            "object_key": default_key(url, "jpg"),
            "bytes": len(body),
            "content_type": "image/jpeg",
            "sha256": hashlib.sha256(body).hexdigest(),
            "downloaded_at": "2026-11-20T12:00:00.000+00:00",
            "run_id": "list-0123456789ab",
            "row": row,
        }
        return json.dumps(fields) + "\n"

    def start(self) -> subprocess.Popen[str]:
        return start_command("run", str(self.manifest), out=self.out)

    def kill_in_the_take_over(self, rng: random.Random) -> tuple[int, int]:
        """Kills a command at a random moment; all kills together are spread over the take-over. Returns how many
        objects and rows there were."""
        before = sum(self._taken_over())
        target = max(before, min(LAST_MOMENT, before + rng.randrange(2 * LAST_MOMENT // KILLS)))
        process = self.start()
        while sum(self._taken_over()) < target and process.poll() is None:
            time.sleep(POLL_SECONDS)
        kill(process)
        return self._taken_over()

    def _taken_over(self) -> tuple[int, int]:
        """The numbers of images in the index of the objects and in the images table."""
        tables = self.out / "tables"
        return (
            count(tables / "objects.sqlite", "SELECT count(*) FROM objects WHERE key LIKE 'images/%'"),
            count(tables / "items.sqlite", "SELECT count(*) FROM items WHERE item LIKE '%object_key%'"),
        )


def count(database: Path, query: str) -> int:
    """0 while there is no such database."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            [(number,)] = connection.execute(query)
            return int(number)
    except sqlite3.OperationalError:
        return 0


@pytest.fixture
def release(tmp_path: Path, site: Site) -> Release010:
    return Release010(tmp_path, site)


def test_a_take_over_that_is_killed_at_random_moments_loses_nothing(release: Release010, site: Site) -> None:
    rng = random.Random(SEED)
    print(f"KILLS={KILLS} SEED={SEED}")  # noqa: T201
    taken_over = [release.kill_in_the_take_over(rng) for _ in range(KILLS)]
    print(f"objects and rows taken over at each kill: {taken_over}")  # noqa: T201

    process = release.start()
    output, _ = process.communicate(timeout=240)

    assert process.returncode == 0, (SEED, output)
    summaries = check_out(release.out)
    [last] = [summary for summary in summaries if summary["status"] == "succeeded"]
    assert (last["skipped"], last["stored"]) == (ROWS - len(release.damaged), len(release.damaged)), SEED
    asked = {site.url + path: count for path, count in site.asked.items() if path != "/robots.txt"}
    assert asked == dict.fromkeys(release.damaged, 1), SEED
    assert set(recorded_rows(release.out)) == set(release.urls)
