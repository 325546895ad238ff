"""`make bench`: measures everything that the documentation claims about speed, memory and cost, in one run.

Prints a table of ratios and their targets. The measurements are written to `bench/results/latest.json`, a chart to
`bench/results/latest.svg`.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench import shards
from bench.measures import batch_limits, growth, latencies, pipeline, speed
from bench.measures.growth import Growth
from bench.measures.latencies import DEFAULTS, SLOW_STORE_LATENCY_MS, SLOW_STORE_MS, Latencies
from bench.measures.pipeline import Pipeline
from bench.measures.speed import Speed
from bench.rig.chart import draw
from bench.rig.origin import origin
from bench.rig.race import OURS, POOL, Run
from bench.rig.results import Measurements, Ratios
from bench.shards import Outputs
from functions.core.cost.estimate import LATENCY_MS, SIZE_KB, RunEstimate
from functions.core.cost.prices import minimum_dollars

RESULTS = Path("bench/results")
ROUNDS = 3
MIN_SERVER_MARGIN = 3
"""A server must be this many times faster than download_batch, so that it does not limit the race."""

NON_TERMINAL_WIDTH = 120
"""Width of the output in characters if it is not a terminal."""

DISTINCT = 500
"""Distinct images at the origin, which are served under many URLs."""


@dataclass(frozen=True)
class Target:
    """The target of a ratio: at most or at least `bound`."""

    bound: float
    at_most: bool
    meaning: str

    def is_met(self, ratio: float) -> bool:
        return ratio <= self.bound if self.at_most else ratio >= self.bound

    def __str__(self) -> str:
        return f"{'at most' if self.at_most else 'at least'} {self.bound:g}"


TARGETS: Mapping[str, Target] = {
    "cpu_vs_pool": Target(0.75, True, "CPU per image, relative to requests + boto3 on 16 threads"),
    "rate_vs_pool": Target(1.3, False, "images per second, relative to that pool"),
    "rate_vs_img2dataset": Target(3.0, False, "images per second, relative to img2dataset"),
    "rate_vs_scrapy": Target(2.5, False, "images per second, relative to Scrapy's FilesPipeline"),
    "efficiency_200ms": Target(0.9, False, "share of the maximum rate at 200 ms latency, default options"),
    "efficiency_1000ms": Target(0.8, False, "share of the maximum rate at 1,000 ms latency"),
    "peak_rss_mb": Target(300, True, "MB, a batch of 500 images of up to 25 MB"),
    "cost_vs_floor": Target(1.1, True, "modelled cost, relative to one PUT and one table write per image"),
    "time_growth": Target(1.1, True, "time per image in runs of 100,000, relative to runs of 1,000"),
    "cost_growth": Target(1.1, True, "cost per image in runs of 100,000, relative to runs of 1,000"),
    "pipeline_vs_pool": Target(0.8, False, "images per second of the whole local pipeline, relative to the pool"),
}


@dataclass(frozen=True)
class Benchmark:
    """All measurements of a run of `make bench`."""

    speed: Speed
    latencies: Latencies
    memory: Run
    growth: Growth
    pipeline: Pipeline
    outputs: Outputs
    cost: RunEstimate
    seconds: float

    def ratios(self) -> Ratios:
        return {
            **self.speed.ratios(),
            **self.latencies.ratios(),
            "peak_rss_mb": self.memory.rss_mb,
            "cost_vs_floor": self.cost.dollars / minimum_dollars(self.cost.images),
            **self.growth.ratios(),
            **self.pipeline.ratios(),
        }

    def measurements(self) -> Measurements:
        return {
            "machine": {
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "system": f"{platform.system()} {platform.machine()}",
            },
            "seconds": self.seconds,
            "speed": self.speed.results(),
            "latencies": self.latencies.results(),
            "memory": self.memory.as_result(),
            "growth": self.growth.results(),
            "pipeline": self.pipeline.results(),
            "outputs": {name: [run.as_result() for run in runs] for name, runs in self.outputs.runs.items()},
            "cost": {"dollars_per_million": self.cost.dollars, "floor": minimum_dollars(self.cost.images)},
        }


def main() -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else NON_TERMINAL_WIDTH)
    benchmark = measure(console)
    measurements, ratios = benchmark.measurements(), benchmark.ratios()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps({**ratios, **measurements}, indent=1) + "\n")
    draw(RESULTS / "latest.svg", measurements)
    show(console, benchmark)
    console.print(f"{benchmark.seconds:.0f} s. Measurements: {RESULTS}/latest.json, chart: {RESULTS}/latest.svg")


def measure(console: Console) -> Benchmark:
    started = time.monotonic()
    with origin(DISTINCT) as sites:
        console.print("Racing four contenders without latency …")
        raced = speed.measure(sites, ROUNDS)
        our_rate = raced.rate(OURS)
        assert our_rate is not None
        console.print("Racing with latency …")
        with_latency = latencies.measure(sites, our_rate.median)
        console.print("Racing objects and shards …")
        kept = shards.measure(sites)
        console.print("Running up to 100,000 images …")
        grown = growth.measure(sites)
    console.print("Mirroring large images …")
    large = batch_limits.measure_memory()
    console.print("Running the whole local pipeline …")
    whole = pipeline.measure()
    cost = RunEstimate(images=1_000_000, size_kb=SIZE_KB * 1.024, latency_ms=LATENCY_MS)
    return Benchmark(raced, with_latency, large, grown, whole, kept, cost, time.monotonic() - started)


def show(console: Console, benchmark: Benchmark) -> None:
    console.print(_contenders(benchmark.speed))
    for sentence in _sentences(benchmark.speed, benchmark.latencies):
        console.print(escape(sentence), soft_wrap=True)
    console.print(shards.table(benchmark.outputs))
    console.print(_ratios(benchmark.ratios()))


def _contenders(raced: Speed) -> Table:
    table = Table(title=f"No latency, median of {ROUNDS} rounds (range)", title_justify="left")
    for name in ("contender", "images per second", "CPU ms per image", "peak MB"):
        table.add_column(name, justify="left" if name == "contender" else "right")
    for contender, _ in speed.IMAGES:
        if runs := raced.runs.get(contender.name):
            peak = f"{max(run.rss_mb for run in runs):.0f}"
            table.add_row(contender.name, str(raced.rate(contender)), str(raced.cpu(contender)), peak)
        else:
            table.add_row(contender.name, "missing", "", "")
    return table


def _sentences(raced: Speed, with_latency: Latencies) -> Iterator[str]:
    for name, reason in raced.missing.items():
        yield f"{name} is missing: {reason}"
    our_rate = raced.rate(OURS)
    assert our_rate is not None
    origin_margin, sink_margin = raced.origin_rate / our_rate.median, raced.sink_rate / our_rate.median
    yield (
        f"The origin serves {raced.origin_rate:,.0f} images per second to bare sockets, {origin_margin:.0f} times the "
        f"rate of download_batch; the sink accepts {raced.sink_rate:,.0f}, {sink_margin:.0f} times: "
        + (
            "they did not limit the race."
            if min(origin_margin, sink_margin) > MIN_SERVER_MARGIN
            else "THE SERVERS LIMITED THE RACE. Repeat it on a machine with more free cores."
        )
    )
    for ms in with_latency.ours:
        ours, pool = with_latency.rate(with_latency.ours, ms), with_latency.rate(with_latency.pool, ms)
        yield (
            f"At {ms:,} ms latency: download_batch {ours.median:.0f} images per second, of at most "
            f"{with_latency.max_rate(ms):.0f} with {DEFAULTS.concurrency} concurrent downloads; "
            f"{POOL.name} {pool.median:.0f}."
        )
    ours_slow, pool_slow = (run.rate for run in with_latency.slow_store)
    yield (
        f"At {SLOW_STORE_LATENCY_MS} ms latency and {SLOW_STORE_MS} ms for each PUT into S3: download_batch "
        f"{ours_slow:.0f} images per second, {POOL.name} {pool_slow:.0f}."
    )


def _ratios(ratios: Ratios) -> Table:
    table = Table(title="Ratios", title_justify="left")
    for name in ("ratio", "meaning", "measured", "target", ""):
        table.add_column(name, justify="right" if name == "measured" else "left")
    for name, target in TARGETS.items():
        ratio = ratios[name]
        if ratio is None:
            table.add_row(name, target.meaning, "", str(target), "missing")
        else:
            table.add_row(name, target.meaning, f"{ratio:.3g}", str(target), "" if target.is_met(ratio) else "NO")
    return table


if __name__ == "__main__":
    main()
