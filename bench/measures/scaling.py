"""Simulation of a run against the quotas of AWS: `python -m bench.measures.scaling [--latency-ms 200]`.

The first simulation advances by seconds. The rate of a batch is that of the cost model, with the requests for
robots.txt, and hosts get no more requests than their limits allow. The quotas are documented,
except for how fast S3 and DynamoDB scale: AWS documents only "gradually" and "double within 30 minutes". Requests above
a quota do not fail, but wait for the next second, as retries do.

The second simulates each batch of runs in an account with few concurrent Lambda executions: a batch that is throttled
waits as the state machine says, and is lost after its last retry.
"""

import argparse
import heapq
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from rich.console import Console
from rich.table import Table

from cdk.workflow.definition import FIRST_ROUND_RETRY
from functions.core.cost.estimate import CHILD_STARTS_PER_SECOND, ROW_SECONDS, RUN_SECONDS, RunEstimate
from functions.core.cost.quotas import s3_puts_per_second
from functions.core.model.limits import executions_for_batches
from functions.core.model.options import Options
from functions.core.report.formatting import seconds as format_seconds

MANIFEST_ROWS = 20_000_000
"""Rows of a manifest, at most (docs/scaling.md). Longer lists are split, and the parts are validated and summarized
while others are downloaded."""

TABLE_WRITES = 4000
"""Writes per second of a new on-demand table. It then supports twice its previous peak within 30 minutes (DynamoDB
developer guide)."""

TABLE_DOUBLES_SECONDS = 1800
LAMBDA_SCALE_UP, LAMBDA_SCALE_UP_SECONDS = 1000, 10
"""The concurrent executions by which Lambda scales up a function, and the interval in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountQuotas:
    """Quotas that AWS raises on request, with their documented values. The first may be 10 or 50 in a new account."""

    lambdas: int = 1000
    table_writes: int = 40_000


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """The result of a simulation. `limits` counts the seconds during which each quota limited the run.

    `peak_rate` is in images per second.
    """

    seconds: float
    peak_rate: float
    limits: Counter[str]


def simulate(run: RunEstimate, account: AccountQuotas) -> SimulatedRun:
    """Simulate one manifest of any length. A list that is split into several manifests takes the same time."""
    batch_rate = run.options.batch_size / run.batch_seconds
    remaining, second, children, peak_rate = float(run.images), 0, 0.0, 0.0
    limits: Counter[str] = Counter()
    while remaining > 0.5:
        allowed = {
            "batches of the run": run.batches,
            "max_concurrency": run.options.max_concurrency,
            "limits of hosts": max(1, run.concurrent_batches) if run.is_limited_by_host else math.inf,
            "Lambda concurrency": min(
                executions_for_batches(account.lambdas), LAMBDA_SCALE_UP * (1 + second // LAMBDA_SCALE_UP_SECONDS)
            ),
            "child execution starts": children + CHILD_STARTS_PER_SECOND,
        }
        limit = min(allowed, key=lambda name: allowed[name])
        children = allowed[limit]
        rates = {
            limit: children * batch_rate,
            "S3 PUTs": s3_puts_per_second(second) * run.images / run.objects,
            "limits of hosts": run.images / run.host_seconds if run.host_seconds else math.inf,
            "table writes": _table_writes(second, account) if run.options.table else math.inf,
        }
        limit = min(rates, key=lambda name: rates[name])
        limits[limit] += 1
        peak_rate = max(peak_rate, rates[limit])
        remaining -= rates[limit]
        second += 1
    other_seconds = RUN_SECONDS + min(run.images, MANIFEST_ROWS) * ROW_SECONDS
    return SimulatedRun(other_seconds + max(second, run.batch_seconds), peak_rate, limits)


def _table_writes(second: int, account: AccountQuotas) -> float:
    return min(account.table_writes, TABLE_WRITES * 2.0 ** (second // TABLE_DOUBLES_SECONDS))


CHILD_START_SECONDS = 0.1
"""Time until a Map Run has replaced a child execution that has ended, on average. An assumption."""

BATCH_TIME_SPREAD = 0.2
"""The time of a batch varies by this part in both directions."""

FOUR_RETRIES = {**FIRST_ROUND_RETRY, "MaxAttempts": 4, "MaxDelaySeconds": 8, "JitterStrategy": "FULL"}
"""The retries of version 0.1.0: 15 seconds at most."""

Retrier = Mapping[str, Any]  # Any: an entry of Retry in the Amazon States Language


@dataclass(slots=True)
class ThrottledRun:
    """A run that starts `start` seconds after the first. After `changed_at`, its concurrency is `changed_to`."""

    batches: int
    concurrency: int
    start: float = 0.0
    changed_at: float | None = None
    changed_to: int = 0
    active: int = field(default=0, init=False)
    waiting: int = field(default=0, init=False)
    lost: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.waiting = self.batches


class ThrottlingSimulation:
    """Runs in an account with `limit` concurrent executions. All retries of a batch are those of `retrier`."""

    def __init__(self, limit: int, runs: Sequence[ThrottledRun], retrier: Retrier, numbers: random.Random) -> None:
        self._free = limit
        self._retrier = retrier
        self._numbers = numbers
        self._events: list[tuple[float, float, str, ThrottledRun, Iterator[float] | None]] = []
        for run in runs:
            self._add(run.start, "start", run)
            if run.changed_at is not None:
                self._add(run.changed_at, "change", run)

    def play(self, batch_seconds: float) -> None:
        while self._events:
            now, _, kind, run, delays = heapq.heappop(self._events)
            if kind == "change":
                run.concurrency = run.changed_to
            if kind == "end":
                self._free += 1
                run.active -= 1
            if kind == "invoke" and self._free:
                self._free -= 1
                spread = self._numbers.uniform(1 - BATCH_TIME_SPREAD, 1 + BATCH_TIME_SPREAD)
                self._add(now + batch_seconds * spread, "end", run)
            elif kind == "invoke" and delays and (delay := next(delays, None)) is not None:
                self._add(now + delay, "invoke", run, delays)
            elif kind == "invoke":
                run.lost += 1
                run.active -= 1
            self._start_children(now, run)

    def _start_children(self, now: float, run: ThrottledRun) -> None:
        while run.waiting and run.active < run.concurrency:
            run.waiting -= 1
            run.active += 1
            self._add(now + self._numbers.uniform(0, 2 * CHILD_START_SECONDS), "invoke", run, self._delays())

    def _add(self, time: float, kind: str, run: ThrottledRun, delays: Iterator[float] | None = None) -> None:
        heapq.heappush(self._events, (time, self._numbers.random(), kind, run, delays))

    def _delays(self) -> Iterator[float]:
        retrier = self._retrier
        for attempt in range(retrier["MaxAttempts"]):
            delay = min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** attempt, retrier["MaxDelaySeconds"])
            yield self._numbers.uniform(0, delay) if retrier["JitterStrategy"] == "FULL" else delay


def lost_percentage(
    limit: int, runs: Sequence[ThrottledRun], batch_seconds: float, retrier: Retrier, seed: int = 1
) -> float:
    """Batches of all runs that were lost, in percent."""
    runs = [replace(run) for run in runs]
    ThrottlingSimulation(limit, runs, retrier, random.Random(seed)).play(batch_seconds)
    return 100 * sum(run.lost for run in runs) / sum(run.batches for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency-ms", type=float, default=200)
    latency = parser.parse_args().latency_ms
    for title, run, account in (
        ("Defaults: max_concurrency 40", RunEstimate(images=1), AccountQuotas()),
        ("Defaults in an account with 10 concurrent executions", RunEstimate(images=1), AccountQuotas(lambdas=10)),
        ("max_concurrency 1,000", _with(max_concurrency=1000), AccountQuotas()),
        (
            "max_concurrency 4,000; quotas raised to 5,000 concurrent executions and 200,000 writes per second",
            _with(max_concurrency=4000),
            AccountQuotas(lambdas=5000, table_writes=200_000),
        ),
    ):
        Console(highlight=False).print(_table(title, replace(run, latency_ms=latency), account))
    for title, run in (
        ("Defaults, all images of one host", RunEstimate(images=1, hosts=1, known_hosts=1)),
        ("Defaults, images of 10 hosts", RunEstimate(images=1, hosts=10, known_hosts=10)),
        ("Defaults, one image of each host", RunEstimate(images=1, known_hosts=10**6)),
    ):
        sizes = [10**power for power in range(3, 7)]
        Console(highlight=False).print(_table(title, replace(run, latency_ms=latency), AccountQuotas(), sizes))
    Console(highlight=False).print(_outputs_table(latency))
    Console(highlight=False).print(_throttling_table())


OUTPUTS: Mapping[str, Options] = {
    "objects": Options(),
    "shards": Options(output="shards"),
    "no table": Options(output="shards", table=False),
}


def _outputs_table(latency_ms: float) -> Table:
    """Time and dollars of a run by where it keeps its images. `batches` is max_concurrency, and "no table" shards with
    table=false."""
    table = Table(title="Objects and shards", title_justify="left")
    for name in ("output", "images", "batches", "time", "dollars", "limited by"):
        table.add_column(name, justify="left" if name in ("output", "limited by") else "right")
    for images, batches, (name, options) in product((10**6, 10**8), (40, 1000), OUTPUTS.items()):
        run = RunEstimate(images=images, latency_ms=latency_ms, options=replace(options, max_concurrency=batches))
        result = simulate(run, AccountQuotas())
        ((limit, _),) = result.limits.most_common(1)
        table.add_row(name, f"{images:,}", f"{batches:,}", format_seconds(result.seconds), f"{run.dollars:,.2f}", limit)
    return table


BATCH_SECONDS = (1.0, 4.6, 15.0, 75.0)
LONG = 2000
"""Batches of a long run: a million rows."""


def _throttling_table() -> Table:
    """Lost batches in percent, by the time of a batch."""
    table = Table(title="Batches lost in an account with few concurrent executions", title_justify="left")
    table.add_column("executions, runs")
    for seconds in BATCH_SECONDS:
        table.add_column(f"{seconds:g} s", justify="right")
    for title, limit, retrier, runs in (
        ("10, one run of 40, 0.1.0", 10, FOUR_RETRIES, [ThrottledRun(LONG, 40)]),
        ("10, one run of 40, retries alone", 10, FIRST_ROUND_RETRY, [ThrottledRun(LONG, 40)]),
        ("10, one run of 7", 10, FIRST_ROUND_RETRY, [ThrottledRun(LONG, 7)]),
        ("50, two runs of 45 and 22", 50, FIRST_ROUND_RETRY, _two_runs(45)),
        ("50, two runs, the first lowered to 22", 50, FIRST_ROUND_RETRY, _two_runs(22)),
    ):
        lost = (lost_percentage(limit, runs, seconds, retrier) for seconds in BATCH_SECONDS)
        table.add_row(title, *(f"{percentage:.0f} %" for percentage in lost))
    return table


def _two_runs(lowered_to: int) -> list[ThrottledRun]:
    """The second starts when the first has been running for a while, and lowers it."""
    return [ThrottledRun(LONG, 45, changed_at=20.5, changed_to=lowered_to), ThrottledRun(LONG, 22, start=20)]


def _with(max_concurrency: int) -> RunEstimate:
    return RunEstimate(images=1, options=Options(max_concurrency=max_concurrency))


SIZES = [10**power for power in range(3, 10)]


def _table(title: str, run: RunEstimate, account: AccountQuotas, sizes: Sequence[int] = SIZES) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("images", "time", "peak images per second", "limited mostly by"):
        table.add_column(name, justify="left" if name.startswith("limited") else "right")
    for images in sizes:
        each = replace(run, images=images)
        result = simulate(each, account)
        ((limit, _),) = result.limits.most_common(1)
        table.add_row(f"{each.images:,}", format_seconds(result.seconds), f"{result.peak_rate:,.0f}", limit)
    return table


if __name__ == "__main__":
    main()
