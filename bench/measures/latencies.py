"""download_batch with default options against servers with latency: how much of the latency does concurrency hide?

The maximum rate is the rate without latency, or the concurrency divided by the mean latency, whichever is lower.
Efficiency is the measured rate relative to it, with the slow end of each batch included. S3 has no latency, except in
one race in which a PUT takes as long as in the cost model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.rig.origin import latency
from bench.rig.race import OURS, POOL, Run, image_urls, race
from bench.rig.results import LatencyResult, RunResult, Statistic
from functions.core.cost.storage import STORE_MS
from functions.core.model.options import Options

DEFAULTS = Options()
IMAGES: Mapping[int, int] = {50: 1000, 200: 2000, 1000: 500}
"""The number of images by latency in milliseconds: full batches only."""

POOL_IMAGES: Mapping[int, int] = {50: 1000, 200: 500, 1000: 160}
SLOW_STORE_MS = round(STORE_MS)
SLOW_STORE_LATENCY_MS = 200


@dataclass(frozen=True)
class Latencies:
    """The runs by latency in milliseconds. `slow_store` has one run of ours and one of the pool."""

    ours: Mapping[int, Sequence[Run]]
    pool: Mapping[int, Sequence[Run]]
    slow_store: Sequence[Run]
    rate_without_latency: float

    def rate(self, runs: Mapping[int, Sequence[Run]], ms: int) -> Statistic:
        return Statistic.of([run.rate for run in runs[ms]])

    def max_rate(self, ms: int) -> float:
        """Maximum rate in images per second."""
        mean = sum(latency(ms / 1000, number) for number in range(IMAGES[ms])) / IMAGES[ms]
        return min(self.rate_without_latency, DEFAULTS.concurrency / mean)

    def efficiency(self, ms: int) -> float:
        return self.rate(self.ours, ms).median / self.max_rate(ms)

    def ratios(self) -> dict[str, float]:
        return {f"efficiency_{ms}ms": self.efficiency(ms) for ms in (200, 1000)}

    def results(self) -> dict[str, LatencyResult | list[RunResult]]:
        results: dict[str, LatencyResult | list[RunResult]] = {
            f"{SLOW_STORE_LATENCY_MS}, S3 {SLOW_STORE_MS}": [run.as_result() for run in self.slow_store]
        }
        for ms in IMAGES:
            results[str(ms)] = {
                "possible": self.max_rate(ms),
                "download_batch": [run.as_result() for run in self.ours[ms]],
                "pool": [run.as_result() for run in self.pool[ms]],
            }
        return results


def measure(sites: Sequence[str], rate_without_latency: float) -> Latencies:
    """Measure one run each: runs that mostly wait vary little."""
    ours = {ms: [race(OURS, sites, image_urls(sites, count, f"{ms}ms/"))] for ms, count in IMAGES.items()}
    pool = {ms: [race(POOL, sites, image_urls(sites, count, f"{ms}ms/"))] for ms, count in POOL_IMAGES.items()}
    slow_store = [
        race(contender, sites, image_urls(sites, count, f"{SLOW_STORE_LATENCY_MS}ms/"), store_ms=SLOW_STORE_MS)
        for contender, count in ((OURS, 1000), (POOL, 300))
    ]
    return Latencies(ours, pool, slow_store, rate_without_latency)
