"""Runs over the same URLs, whose bytes change with every request: the record of each URL is about the object it names.

Record writes are delayed, batches are killed between PUT and record, a write of a killed batch may arrive after its
retry, and look-ups may return what the table had before. `SEED=7 MOMENTS=200` repeats the moments from seed 7 on.
"""

import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count

import pytest

from functions.core.download.batch import BatchMirror
from functions.core.download.mirror import RowMirror
from functions.core.model.options import Options
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.reasons import Reason
from functions.core.model.types import ImageFacts, ImageRecord
from tests.support.fakes import Answer, FakeImageStore, FakeImageTable, FakeWeb
from tests.support.images import png

SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**6)
MOMENTS = int(os.environ.get("MOMENTS", "20"))
ATTEMPTS = 4
DELAY_SECONDS = 0.01
URLS = [f"http://{number}.example/1.png" for number in range(10)]
NUMBERED: dict[int, object] = dict(enumerate(URLS, start=1))
KEYS = [("a", "b"), ("b", "a"), ("", "a"), ("a", ""), ("b", "c")]
"""The keys that the two rows of a URL name."""


class Killed(BaseException):
    """The process of a batch has ended."""


class ChangingWeb(FakeWeb):
    """Each response has other bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count()

    def _next(self, url: str) -> Answer:
        return png(note=b"%d" % next(self._numbers))


class World:
    """`late` are the writes that arrive after the process that sent them has been killed."""

    def __init__(self, rng: random.Random, on_existing: str) -> None:
        self.rng = rng
        self.web = ChangingWeb()
        self.store = FakeImageStore()
        self.table = FakeImageTable()
        self.options = Options(on_existing=on_existing, concurrency=3)  # type: ignore[arg-type]  # a parameter
        self.late: list[threading.Thread] = []
        self.results: dict[str, dict[int, tuple[str, ImageFacts | None]]] = {}

    def run(self, run_id: str, *, kills: bool = True, numbered: Mapping[int, object] = NUMBERED) -> None:
        """One batch, which is tried again until it ends, and whose rows are tried again if they are deferred: the
        object that one of them copies may be replaced meanwhile."""
        outcomes = self.results.setdefault(run_id, {})
        for attempt in range(2 * ATTEMPTS):
            table = Table(self, may_be_killed=kills and attempt < ATTEMPTS - 1)
            mirror = RowMirror(fetcher=self.web, store=self.store, table=table, options=self.options, run_id=run_id)
            batch = BatchMirror(mirror=mirror, table=table, options=self.options, run_id=run_id)
            try:
                result = batch.run(numbered, start_deadline=time.monotonic() + 60)
            except Killed:
                continue
            assert {row.error.reason for row in result.deferred} <= {Reason.STORAGE}
            outcomes |= {outcome.row: (outcome.kind, outcome.image) for outcome in result.outcomes}
            numbered = {row.number: numbered[row.number] for row in result.deferred}
            if not numbered:
                return
        raise AssertionError(f"not all rows of {run_id} have ended")

    def run_together(self, *batches: tuple[str, Mapping[int, object]]) -> None:
        """Batches by the run to which they belong."""
        threads = [
            threading.Thread(target=self.run, args=(run_id,), kwargs={"numbered": numbered})
            for run_id, numbered in batches
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for thread in self.late:
            thread.join()

    def wrong_records(self) -> list[str]:
        """URLs whose record has another SHA-256 than the object it names."""
        return [
            url
            for url, record in self.table.rows.items()
            if hashlib.sha256(self.store.objects[record["object_key"]].data).hexdigest() != record["sha256"]
        ]

    def wrong_lines(self, run_id: str, rows: Mapping[int, object]) -> list[int]:
        """Rows whose object is not the one that their outcome names, or has another key than they name."""
        wrong = []
        for row, (_, image) in self.results[run_id].items():
            assert image is not None
            data = self.store.objects[image["object_key"] or ""].data
            item = rows[row]
            key = item.get("key") if isinstance(item, dict) else None
            if hashlib.sha256(data).hexdigest() != image["sha256"] or (key and image["object_key"] != f"images/{key}"):
                wrong.append(row)
        return wrong


class Table:
    """The images table as one attempt at a batch sees it."""

    def __init__(self, world: World, *, may_be_killed: bool) -> None:
        self._world = world
        self._rng = random.Random(world.rng.random())
        self._may_be_killed = may_be_killed
        self._is_dead = False
        self._snapshot = dict(world.table.rows)

    def look_up(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        """An eventually consistent read."""
        self._pause()
        found = self._snapshot if self._rng.random() < 0.3 else self._world.table.look_up(urls)
        return {url: found[url] for url in urls if url in found}

    def record(self, rows: Sequence[ImageRecord]) -> None:
        self._pause()
        if self._may_be_killed and self._rng.random() < 0.5:
            self._is_dead = True
            if self._rng.random() < 0.5:
                self._write_later(lambda: self._world.table.record(rows))
            raise Killed
        self._world.table.record(rows)

    def read(self, url: str) -> ImageRecord | None:
        self._pause()
        return self._world.table.read(url)

    def replace(self, record: ImageRecord, former: ImageRecord | None) -> bool:
        self._pause()
        return self._world.table.replace(record, former)

    def _pause(self) -> None:
        """Raises Killed in a process that has ended."""
        if self._is_dead:
            raise Killed
        threading.Event().wait(self._rng.uniform(0, DELAY_SECONDS))

    def _write_later(self, write: Callable[[], None]) -> None:
        def arrive() -> None:
            threading.Event().wait(self._rng.uniform(0, 4 * DELAY_SECONDS))
            write()

        thread = threading.Thread(target=arrive)
        thread.start()
        self._world.late.append(thread)


def rows_with_keys(rng: random.Random) -> dict[int, object]:
    """Two rows for each URL, in any order, whose keys differ."""
    rows = []
    for number, url in enumerate(URLS):
        keys = rng.choice(KEYS)
        rows += [{"url": url, "key": f"{key}/{number}.png"} if key else {"url": url} for key in keys]
    rng.shuffle(rows)
    return dict(enumerate(rows, start=1))


@pytest.mark.parametrize("has_keys", [False, True], ids=["without keys", "with keys"])
@pytest.mark.parametrize("known", [False, True], ids=["new URLs", "known URLs"])
@pytest.mark.parametrize("on_existing", ["skip", "refresh", "overwrite"])
def test_the_record_of_each_url_is_about_its_object(on_existing: str, known: bool, has_keys: bool) -> None:
    print(f"SEED={SEED} MOMENTS={MOMENTS}")  # noqa: T201
    for seed in range(SEED, SEED + MOMENTS):
        world = World(random.Random(seed), on_existing)
        runs = [(f"r{n}", rows_with_keys(world.rng) if has_keys else NUMBERED) for n in range(4)]
        if known:
            world.run("r0", kills=False, numbered=runs[0][1])
        world.run_together(*runs[1:])

        assert set(world.table.rows) == set(URLS), seed
        assert world.wrong_records() == [], seed


@pytest.mark.parametrize("known", [False, True], ids=["new URLs", "known URLs"])
@pytest.mark.parametrize("on_existing", ["skip", "refresh", "overwrite"])
def test_each_key_has_the_image_of_its_row(on_existing: str, known: bool) -> None:
    """Batches of one run at once, in which each URL has two rows."""
    print(f"SEED={SEED} MOMENTS={MOMENTS}")  # noqa: T201
    for seed in range(SEED, SEED + MOMENTS):
        world = World(random.Random(seed), on_existing)
        rows = rows_with_keys(world.rng)
        if known:
            world.run("r0", kills=False, numbered=rows_with_keys(world.rng))
        batches: list[dict[int, object]] = [{}, {}, {}]
        for number, row in rows.items():
            world.rng.choice(batches)[number] = row
        world.run_together(*(("r1", batch) for batch in batches))

        assert world.wrong_records() == [], seed
        assert world.wrong_lines("r1", rows) == [], seed


def test_the_loser_of_two_runs_that_skip_has_the_facts_of_the_winner() -> None:
    """Without kills: each URL is stored by one run, and the other run names that object."""
    seed = SEED
    print(f"SEED={SEED}")  # noqa: T201
    world = World(random.Random(seed), "skip")
    threads = [threading.Thread(target=world.run, args=(run_id,), kwargs={"kills": False}) for run_id in ("r1", "r2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for row, url in NUMBERED.items():
        kinds = sorted(str(world.results[run_id][row][0]) for run_id in ("r1", "r2"))
        facts = [image for run_id in ("r1", "r2") for _, image in [world.results[run_id][row]] if image]
        assert kinds == [OutcomeKind.SKIPPED, OutcomeKind.STORED]
        assert {image["sha256"] for image in facts} == {world.table.rows[url]["sha256"]}


def test_nothing_is_requested_twice_where_nothing_collides() -> None:
    world = World(random.Random(SEED), "overwrite")
    world.run("r0", kills=False)
    world.run("r1", kills=False)

    assert len(world.store.requests) == 2 * len(URLS)
    assert {request.partition(" ")[0] for request in world.store.requests} == {"PUT"}
    assert (world.table.read_urls, world.table.replaced) == ([], [])
    assert world.table.written == [len(URLS)] * 2
