"""A run on a simulated clock: rounds, batches and hosts are the real code; web, S3 and workflow are simulated.

Rows are put into batches in their order, some of which are in progress at once, as in the Distributed Map. A batch has
rounds and waits as in the state machine.
"""

import hashlib
import io
import json
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from bench.fleet.simulated_aws import EmptyTable, NoNotices, OneRun, SimulatedBucket, SimulatedFiles, SimulatedHosts
from bench.fleet.virtual_threads import Executor
from bench.fleet.virtual_time import EPOCH, VirtualTime
from bench.rig.images import jpeg
from functions.core.download.batch import BatchMirror
from functions.core.download.hosts.busy import RunLimits, host_limits
from functions.core.download.hosts.fleet import FleetHosts
from functions.core.download.mirror import RowMirror
from functions.core.download.passes import Passes
from functions.core.download.rounds import Batch, RoundRunner
from functions.core.manifests.hosts import HostCounts
from functions.core.model.errors import RowError
from functions.core.model.host_limits import NO_HOST_LIMITS
from functions.core.model.limits import CHILD_SECONDS, DOWNLOAD_TIMEOUT_SECONDS, RESERVE_SECONDS
from functions.core.model.options import Options
from functions.core.model.types import BatchItem, BatchPayload, BatchRun, PreparedState
from functions.core.model.urls import host_of
from functions.core.prepare.budgets import host_budgets
from functions.core.prepare.passes import PLANNED, PassPlanner
from functions.core.web.fetch import Fetcher, FetchRequest, FetchResult
from functions.core.web.response import Body

Items = list[BatchItem]

RUN_SECONDS = 14 * 86_400.0
"""Maximum time of the run, in seconds."""

RUN_ID = "simulated"
IMAGE = jpeg(500, seed=1)
SHA256 = hashlib.sha256(IMAGE).hexdigest()
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


class SimulatedRun:
    """`billed` is the time of all invocations, in seconds."""

    def __init__(self, urls: Sequence[str], hosts: Mapping[str, Behaviour], *, options: Options, seed: int) -> None:
        self.time = VirtualTime()
        self.web = SimulatedWeb(self.time, random.Random(seed), hosts)
        self.bucket = SimulatedBucket(self.time)
        self.files = SimulatedFiles()
        self.hosts = SimulatedHosts(self.time)
        self._fleet = FleetHosts(self.hosts, lambda: EPOCH + self.time.now)
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
                self.time.run(self._run_all)
        finally:
            random.setstate(state)

    def stored(self) -> Mapping[str, float]:
        """The time at which the image of each URL was stored."""
        return {self._urls[row - 1]: time for row, time in self.bucket.stored.items()}

    def _run_all(self) -> None:
        """The workflow: the Map over the manifest, and the passes."""
        items: Items = [{"row": row, "item": {"url": url}} for row, url in enumerate(self._urls)]
        state = self._prepared()
        self._run_map(items, state, {})
        planner = PassPlanner(
            files=self.files, records=OneRun(), run_seconds=RUN_SECONDS, clock=lambda: EPOCH + self.time.now
        )
        while True:
            state = planner.plan(state, datetime.fromtimestamp(EPOCH, UTC).isoformat())
            planned = state["planned_pass"]
            if planned["status"] != PLANNED:
                return
            self.time.sleep(planned["wait_seconds"])
            number = planned["number"]
            self._run_map(cast(Items, self.files.pass_items(number)), state, {"pass_number": number})

    def _prepared(self) -> PreparedState:
        """As PrepareRun does it, from the same counts."""
        counts = HostCounts(Counter(map(host_of, self._urls)))
        budgets = host_budgets(counts, self._options, NO_HOST_LIMITS)
        run: BatchRun = {"id": RUN_ID, "options": {}}
        if budgets.busy:
            run["busy_hosts"] = budgets.values()
        batches = min(self._options.max_concurrency, budgets.batches)
        if budgets.has_queue(len(self._urls), self._options.batch_size, batches):
            run["waits_in_passes"] = True
        return cast(PreparedState, {"run": run, "max_concurrency": batches, "passes": self._options.passes})

    def _run_map(self, items: Items, state: PreparedState, batch_input: Mapping[str, int]) -> None:
        """The Distributed Map: batches in their order, so many at a time."""
        size = self._options.batch_size
        waiting = deque(
            cast(
                BatchPayload, {"BatchInput": {"run": state["run"], **batch_input}, "Items": items[start : start + size]}
            )
            for start in range(0, len(items), size)
        )

        def run_children() -> None:
            while waiting:
                self._run_child(waiting.popleft())

        with Executor(self.time) as pool:
            for _ in range(min(state["max_concurrency"], len(waiting))):
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
        report = self._runner(payload["BatchInput"]["run"]).run(
            Batch.from_payload(payload),
            start_deadline=end - self._options.timeout - RESERVE_SECONDS,
            child_seconds_left=CHILD_SECONDS - (self.time.now - child_start),
            end=end,
        )
        self.billed += self.time.now - start
        return cast(BatchPayload, json.loads(json.dumps(report.payload)))

    def _runner(self, run: BatchRun) -> RoundRunner:
        table = EmptyTable()
        mirror = RowMirror(
            fetcher=cast(Fetcher, self.web), store=self.bucket, table=table, options=self._options, run_id=RUN_ID
        )
        limits = RunLimits(host_limits(run.get("busy_hosts", {})))
        batch_mirror = BatchMirror(
            mirror=mirror,
            table=table,
            options=self._options,
            run_id=RUN_ID,
            open_hosts=lambda: self._fleet.round(self._options, limits),
        )
        return RoundRunner(
            mirror=batch_mirror,
            files=self.files,
            notices=NoNotices(),
            options=self._options,
            passes=Passes(self._options, clock=lambda: EPOCH + self.time.now),
        )
