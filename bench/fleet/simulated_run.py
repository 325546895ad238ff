"""A run on a simulated clock: rounds, batches and hosts are the real code; web, S3 and workflow are simulated.

Rows are put into batches in their order, some of which are in progress at once, as in the Distributed Map. A batch has
rounds and waits as in the state machine.
"""

import hashlib
import io
import json
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from bench.fleet.virtual_threads import Executor
from bench.fleet.virtual_time import VirtualTime
from bench.rig.images import jpeg
from functions.core.download.batch import BatchMirror
from functions.core.download.mirror import RowMirror
from functions.core.download.rounds import Batch, RoundRunner
from functions.core.model.errors import RowError
from functions.core.model.limits import CHILD_SECONDS, DOWNLOAD_TIMEOUT_SECONDS, RESERVE_SECONDS
from functions.core.model.options import Options
from functions.core.model.ports import NOTICE_SECONDS, ImageObject, ImageUpload, Notification
from functions.core.model.types import BatchPayload, BatchRun, ImageRecord
from functions.core.model.urls import host_of
from functions.core.web.fetch import Fetcher, FetchRequest, FetchResult
from functions.core.web.response import Body

RUN_ID = "simulated"
IMAGE = jpeg(500, seed=1)
SHA256 = hashlib.sha256(IMAGE).hexdigest()
STORE_SECONDS = 0.03
LATENCY_SECONDS, LATENCY_SIGMA = 0.2, 0.5
"""Median and standard deviation of the logarithm of the time until a server answers."""

START_SECONDS = 0.1
"""Time of an invocation before and after its rows: the event, the look-up, the part files."""

Behaviour = Callable[[float], RowError | None]
"""What a host answers at a time, in seconds since the start: None is an image."""


def works(now: float) -> RowError | None:
    """The host always answers with an image."""
    return None


@dataclass(slots=True)
class SimulatedWeb:
    """Replaces a Fetcher. `hosts` are those that do not always answer with an image. `asked` are the times of the
    requests of each host."""

    time: VirtualTime
    numbers: random.Random
    hosts: Mapping[str, Behaviour] = field(default_factory=dict)
    asked: dict[str, list[float]] = field(default_factory=dict)

    def fetch(self, request: FetchRequest) -> FetchResult:
        request.check_url(request.url)
        host = host_of(request.url)
        self.asked.setdefault(host, []).append(self.time.now)
        error = self.hosts.get(host, works)(self.time.now)
        self.time.sleep(LATENCY_SECONDS * self.numbers.lognormvariate(0, LATENCY_SIGMA))
        if error is not None:
            raise error
        request.check_head(IMAGE)
        body = Body(io.BytesIO(IMAGE), len(IMAGE), SHA256, None)
        return FetchResult(body=body, announced=True, final_url=None, etag=None, last_modified=None)


@dataclass(slots=True)
class SimulatedBucket:
    """The images bucket. `stored` are the times at which the image of each row was stored."""

    time: VirtualTime
    stored: dict[int, float] = field(default_factory=dict)

    def put(self, upload: ImageUpload, if_match: str | None) -> str | None:
        self.time.sleep(STORE_SECONDS)
        self.stored[upload.row] = self.time.now
        return '"etag"'

    def head(self, key: str) -> ImageObject | None:
        return None

    def read(self, key: str, write: Callable[[bytes], None]) -> bool:
        return False


class EmptyTable:
    """An images table that knows no image."""

    def look_up(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        return {}

    def record(self, rows: Sequence[ImageRecord]) -> None:
        pass

    def read(self, url: str) -> ImageRecord | None:
        return None

    def replace(self, record: ImageRecord, former: ImageRecord | None) -> bool:
        return True


@dataclass(slots=True)
class SimulatedFiles:
    """The files of the run, by name."""

    files: dict[str, list[Mapping[str, object]]] = field(default_factory=dict)

    def write(self, name: str, lines: Iterable[Mapping[str, object]]) -> None:
        self.files[name] = [json.loads(json.dumps(line)) for line in lines]

    def start_round(self, part_name: str) -> bool:
        return True

    def outcomes(self) -> Mapping[int, Mapping[str, object]]:
        """The result lines by row; each row has one."""
        lines = [line for name, part in self.files.items() if name.startswith("results/") for line in part]
        outcomes = {cast(int, line["row"]): line for line in lines}
        if len(outcomes) < len(lines):
            raise RuntimeError("A row has two outcomes.")
        return outcomes


class NoNotices:
    def publish(self, notice: Notification, seconds: float = NOTICE_SECONDS) -> bool:
        return True


class SimulatedRun:
    """`billed` is the time of all invocations, in seconds."""

    def __init__(self, urls: Sequence[str], hosts: Mapping[str, Behaviour], *, options: Options, seed: int) -> None:
        self.time = VirtualTime()
        self.web = SimulatedWeb(self.time, random.Random(seed), hosts)
        self.bucket = SimulatedBucket(self.time)
        self.files = SimulatedFiles()
        self.billed = 0.0
        self._urls = urls
        self._options = options
        self._seed = seed

    def run(self) -> None:
        """Run to the end. The numbers of the module `random` are those of the seed, and then as before."""
        state = random.getstate()
        random.seed(self._seed)
        try:
            with self.time.replacing("functions.core.download"):
                self.time.run(self._run_map)
        finally:
            random.setstate(state)

    def stored(self) -> Mapping[str, float]:
        """The time at which the image of each URL was stored."""
        return {self._urls[row - 1]: time for row, time in self.bucket.stored.items()}

    def _run_map(self) -> None:
        """The Distributed Map: batches in their order, so many at a time."""
        size = self._options.batch_size
        run: BatchRun = {"id": RUN_ID, "options": {}}
        waiting: deque[BatchPayload] = deque(
            {
                "BatchInput": {"run": run},
                "Items": [{"row": row, "item": {"url": url}} for row, url in batch],
            }
            for batch in _batches(list(enumerate(self._urls)), size)
        )

        def run_children() -> None:
            while waiting:
                self._run_child(waiting.popleft())

        with Executor(self.time) as pool:
            for _ in range(min(self._options.max_concurrency, len(waiting))):
                pool.submit(run_children)

    def _run_child(self, payload: BatchPayload) -> None:
        start = self.time.now
        payload = self._invoke(payload, start)
        while payload["Items"]:
            self.time.sleep(payload["wait_seconds"])
            payload = self._invoke(payload, start)

    def _invoke(self, payload: BatchPayload, child_start: float) -> BatchPayload:
        """An invocation of DownloadBatch."""
        start = self.time.now
        self.time.sleep(START_SECONDS)
        end = start + DOWNLOAD_TIMEOUT_SECONDS
        report = self._runner().run(
            Batch.from_payload(payload),
            start_deadline=end - self._options.timeout - RESERVE_SECONDS,
            child_seconds_left=CHILD_SECONDS - (self.time.now - child_start),
            end=end,
        )
        self.billed += self.time.now - start
        return cast(BatchPayload, json.loads(json.dumps(report.payload)))

    def _runner(self) -> RoundRunner:
        table = EmptyTable()
        mirror = RowMirror(
            fetcher=cast(Fetcher, self.web), store=self.bucket, table=table, options=self._options, run_id=RUN_ID
        )
        return RoundRunner(
            mirror=BatchMirror(mirror=mirror, table=table, options=self._options, run_id=RUN_ID),
            files=self.files,
            notices=NoNotices(),
            options=self._options,
        )


def _batches(rows: Sequence[tuple[int, str]], size: int) -> Iterable[Sequence[tuple[int, str]]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
