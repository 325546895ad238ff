"""Random manifests whose URLs and keys repeat, in batches one after the other, in runs of every kind.

After each run the key of every row that has not failed exists with the SHA-256 of its line, the record of each URL is
about its object, and an image is downloaded once.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.download.batch import BatchMirror
from functions.core.download.conditional_put import WRITER_SECONDS
from functions.core.download.mirror import RowMirror
from functions.core.model.errors import RowError
from functions.core.model.options import Options
from functions.core.model.outcomes import Outcome, OutcomeKind, tally
from functions.core.model.reasons import Reason
from functions.core.web.fetch import FetchRequest, FetchResult, NotModifiedError
from tests.support.fakes import FakeImageStore, FakeImageTable, FakeWeb
from tests.support.images import png

URLS = [f"http://{host}.example/1.png" for host in "abc"]
MISSING = "http://d.example/1.png"


class Web(FakeWeb):
    """Each URL has a version, which its bytes and its ETag depend on. A 304 does not count as a request."""

    def __init__(self) -> None:
        super().__init__({MISSING: RowError(Reason.HTTP_4XX, "404", status=404)})
        self.versions: Counter[str] = Counter()

    def body(self, url: str) -> bytes:
        return png(note=f"{url} {self.versions[url]}".encode())

    def fetch(self, wanted: FetchRequest) -> FetchResult:
        etag = f'"{self.versions[wanted.url]}"'
        if wanted.validators.get("If-None-Match") == etag:
            raise NotModifiedError
        return replace(super().fetch(wanted), etag=etag)

    def _next(self, url: str) -> bytes | RowError:  # type: ignore[override]  # narrower
        answer = super()._next(url)
        return answer if url == MISSING else self.body(url)  # type: ignore[return-value]


@dataclass(frozen=True)
class Item:
    url: str
    key: str
    matches: bool

    def as_json(self, web: Web) -> dict[str, object]:
        sha256 = hashlib.sha256(web.body(self.url)).hexdigest() if self.matches else "0" * 64
        item: dict[str, object] = {"url": self.url} if self.matches else {"url": self.url, "sha256": sha256}
        return item | ({"key": self.key} if self.key else {})


@dataclass(frozen=True)
class Run:
    """`changed` are the URLs that have other bytes since the run before, `deleted` the keys without an object.

    `later` is whether the functions of earlier runs have certainly ended.
    """

    batches: list[list[Item]]
    on_existing: str
    changed: set[str]
    deleted: set[str]
    later: bool


ITEM = st.builds(
    Item,
    url=st.sampled_from([*URLS, MISSING]),
    key=st.sampled_from(["", "x.png", "y.png", "z.png"]),
    matches=st.sampled_from([True, True, True, False]),
)
RUN = st.builds(
    Run,
    batches=st.lists(st.lists(ITEM, max_size=6), min_size=1, max_size=3),
    on_existing=st.sampled_from(["skip", "overwrite", "refresh"]),
    changed=st.sets(st.sampled_from(URLS)),
    deleted=st.sets(st.sampled_from(["images/x.png", "images/y.png", "images/z.png"]), max_size=1),
    later=st.booleans(),
)


@dataclass
class World:
    web: Web = field(default_factory=Web)
    store: FakeImageStore = field(default_factory=FakeImageStore)
    table: FakeImageTable = field(default_factory=FakeImageTable)
    deleted: set[str] = field(default_factory=set)

    def prepare(self, run: Run) -> None:
        self.web.versions.update(run.changed)
        self.web.wanted.clear()
        self.deleted |= run.deleted
        for key in run.deleted & self.store.objects.keys():
            del self.store.objects[key]
        if run.later:
            before = datetime.now(UTC) - timedelta(seconds=WRITER_SECONDS + 1)
            self.store.objects = {key: replace(stored, stored_at=before) for key, stored in self.store.objects.items()}

    def run(self, run: Run, run_id: str) -> list[tuple[Item, Outcome]]:
        options = Options(on_existing=run.on_existing)  # type: ignore[arg-type]  # a parameter
        mirror = RowMirror(fetcher=self.web, store=self.store, table=self.table, options=options, run_id=run_id)
        batch = BatchMirror(mirror=mirror, table=self.table, options=options, run_id=run_id)
        ended: list[tuple[Item, Outcome]] = []
        for items in run.batches:
            numbered = {len(ended) + number: item.as_json(self.web) for number, item in enumerate(items, start=1)}
            result = batch.run(numbered, start_deadline=time.monotonic() + 60)
            assert result.deferred == []
            assert sorted(outcome.row for outcome in result.outcomes) == sorted(numbered)
            ended += zip(items, sorted(result.outcomes, key=lambda outcome: outcome.row), strict=True)
        return ended

    def sha256(self, key: str) -> str:
        return hashlib.sha256(self.store.objects[key].data).hexdigest()


def check_keys(world: World, ended: Sequence[tuple[Item, Outcome]], recorded: Mapping[str, str]) -> None:
    """`recorded` are the keys of the records before the run: a run that skips does not look at those objects."""
    for item, outcome in ended:
        if outcome.kind is not OutcomeKind.FAILED:
            assert outcome.image
            key = outcome.image["object_key"] or ""
            assert not item.key or key == f"images/{item.key}"
            if key != recorded.get(item.url) or key not in world.deleted:
                assert outcome.image["sha256"] == world.sha256(key)


def check_failures(ended: Sequence[tuple[Item, Outcome]]) -> None:
    for item, outcome in ended:
        allowed = {Reason.KEY_CONFLICT} if item.key else set()
        allowed |= {Reason.HTTP_4XX} if item.url == MISSING else set()
        allowed |= set() if item.matches else {Reason.CHECKSUM_MISMATCH}
        assert outcome.failure is None or outcome.failure.reason in allowed


@settings(max_examples=150, deadline=None)
@given(st.lists(RUN, min_size=1, max_size=4))
def test_every_key_that_a_row_names_has_its_image_or_the_row_fails(runs: list[Run]) -> None:
    world = World()
    for number, run in enumerate(runs):
        world.prepare(run)
        recorded = {url: record["object_key"] for url, record in world.table.rows.items()}
        ended = world.run(run, f"r{number}")

        check_keys(world, ended, recorded)
        check_failures(ended)
        assert sum(count for kind, count in tally(outcome for _, outcome in ended).items() if kind != "bytes") == len(
            ended
        )
        for record in world.table.rows.values():
            if record["object_key"] not in world.deleted:
                assert record["sha256"] == world.sha256(record["object_key"])


@settings(max_examples=150, deadline=None)
@given(st.lists(RUN, min_size=1, max_size=4))
def test_an_image_is_downloaded_once_in_a_run_and_all_its_keys_have_its_bytes(runs: list[Run]) -> None:
    """Where no row fails for a reason of its own, no object is deleted, and each run begins when the one before has
    ended for long."""
    world = World()
    for number, run in enumerate(runs):
        owned = [[replace(item, matches=True, key=_key_of(item)) for item in batch] for batch in run.batches]
        run = replace(run, batches=owned, deleted=set(), later=True)
        world.prepare(run)
        known = set(world.table.rows)
        ended = world.run(run, f"r{number}")

        requests = Counter(url for url in world.web.requests if url != MISSING)
        assert set(requests.values()) <= {1}
        assert not (run.on_existing == "skip" and known & requests.keys())
        if run.on_existing != "skip":
            current = {url: hashlib.sha256(world.web.body(url)).hexdigest() for url in URLS}
            assert all(
                outcome.image and outcome.image["sha256"] == current[item.url]
                for item, outcome in ended
                if item.url != MISSING
            )


def _key_of(item: Item) -> str:
    """A key that no other URL has."""
    return f"{URLS.index(item.url)}-{item.key}" if item.key and item.url != MISSING else ""
