"""Our handler, with the options it has by default, at servers that take their time: how much of it is waited away.

What could be had is the rate at no latency, or as many images at a time as the options allow over the mean latency,
whichever is less; the efficiency is the share of it that was had, ends of batches and all. S3 answers at once, but in a
race of its own, where it takes as long as the cost model has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.rig.origin import latency
from bench.rig.race import OURS, POOL, Figure, Run, race, raw, urls
from functions.core.cost.estimate import STORE_MS
from functions.core.model.options import Options

DEFAULTS = Options()
IMAGES: Mapping[int, int] = {50: 1000, 200: 2000, 1000: 500}
"""Full batches all, so that none is short; by milliseconds."""

POOL_IMAGES: Mapping[int, int] = {50: 1000, 200: 500, 1000: 160}
SLOW_STORE_MS = round(STORE_MS)
AT_SLOW_STORE = 200


@dataclass(frozen=True)
class Latencies:
    ours: Mapping[int, Sequence[Run]]
    pool: Mapping[int, Sequence[Run]]
    slow_store: Sequence[Run]
    """Ours and the pool's."""
    rate_at_0: float

    def rate(self, runs: Mapping[int, Sequence[Run]], ms: int) -> Figure:
        return Figure.of([run.rate for run in runs[ms]])

    def possible(self, ms: int) -> float:
        """Images a second."""
        mean = sum(latency(ms / 1000, number) for number in range(IMAGES[ms])) / IMAGES[ms]
        return min(self.rate_at_0, DEFAULTS.concurrency / mean)

    def efficiency(self, ms: int) -> float:
        return self.rate(self.ours, ms).median / self.possible(ms)

    def ratios(self) -> dict[str, float]:
        return {f"efficiency_{ms}ms": self.efficiency(ms) for ms in (200, 1000)}

    def raw(self) -> dict[str, Any]:
        slow_store = {f"{AT_SLOW_STORE}, S3 {SLOW_STORE_MS}": raw(self.slow_store)}
        return slow_store | {
            str(ms): {"possible": self.possible(ms), "download_batch": raw(self.ours[ms]), "pool": raw(self.pool[ms])}
            for ms in IMAGES
        }


def measure(sites: Sequence[str], rate_at_0: float) -> Latencies:
    """One run each: what waits varies little, and a second a run is what it takes."""
    ours = {ms: [race(OURS, sites, urls(sites, count, f"{ms}ms/"))] for ms, count in IMAGES.items()}
    pool = {ms: [race(POOL, sites, urls(sites, count, f"{ms}ms/"))] for ms, count in POOL_IMAGES.items()}
    wanted = [urls(sites, images, f"{AT_SLOW_STORE}ms/") for images in (1000, 300)]
    slow = [race(who, sites, some, store_ms=SLOW_STORE_MS) for who, some in zip((OURS, POOL), wanted, strict=True)]
    return Latencies(ours, pool, slow, rate_at_0)
