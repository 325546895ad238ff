"""`make bench`: everything that is claimed of speed, memory and cost, measured side by side in one run.

Prints a table of the ratios beside what they should be; leaves the figures behind them in `bench/results/latest.json`
and a picture in `bench/results/latest.svg`.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.measures import growth, latencies, memory, pipeline, speed
from bench.measures.latencies import AT_SLOW_STORE, DEFAULTS, SLOW_STORE_MS, Latencies
from bench.measures.speed import Speed
from bench.rig.chart import draw
from bench.rig.origin import origin
from bench.rig.race import OURS, POOL
from functions.core.cost.estimate import LATENCY_MS, SIZE_KB, RunEstimate, minimum_dollars

RESULTS = Path("bench/results")
ROUNDS = 3
SPARE = 3
"""So many times faster than the worker must a server be, not to be what is measured."""

WIDTH = 120
"""Where nobody looks on, as in a log."""

DISTINCT = 500
"""Images at the origin, which come again and again under other names."""


@dataclass(frozen=True)
class Target:
    """What a ratio should be: at least or at most so much."""

    bound: float
    at_most: bool
    meaning: str

    def holds(self, ratio: float) -> bool:
        return ratio <= self.bound if self.at_most else ratio >= self.bound

    def __str__(self) -> str:
        return f"{'at most' if self.at_most else 'at least'} {self.bound:g}"


TARGETS: Mapping[str, Target] = {
    "cpu_vs_pool": Target(0.75, True, "CPU an image, beside requests + boto3 on 16 threads"),
    "rate_vs_pool": Target(1.3, False, "images a second, beside that pool"),
    "rate_vs_img2dataset": Target(3.0, False, "images a second, beside img2dataset"),
    "rate_vs_scrapy": Target(2.5, False, "images a second, beside Scrapy's FilesPipeline"),
    "efficiency_200ms": Target(0.9, False, "share of what could be had at 200 ms, default options"),
    "efficiency_1000ms": Target(0.8, False, "share of what could be had at 1,000 ms"),
    "peak_rss_mb": Target(300, True, "MB, a batch of 500 images of up to 25 MB"),
    "cost_vs_floor": Target(1.1, True, "modelled dollars, beside one PUT and one table write an image"),
    "time_growth": Target(1.1, True, "time an image in runs of 100,000, beside 1,000"),
    "cost_growth": Target(1.1, True, "dollars an image in runs of 100,000, beside 1,000"),
    "pipeline_vs_pool": Target(0.8, False, "images a second of the whole local pipeline, beside the pool"),
}


def main() -> None:
    console, begun = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH), time.monotonic()
    with origin(DISTINCT) as sites:
        console.print("Racing four contenders, no latency …")
        raced = speed.measure(sites, ROUNDS)
        console.print("Waiting for slow servers …")
        ours = raced.rate(OURS)
        assert ours is not None
        waited = latencies.measure(sites, ours.median)
        console.print("Growing to 100,000 images …")
        grown = growth.measure(sites)
    console.print("Mirroring large images …")
    large = memory.measure()
    console.print("Running the whole local pipeline …")
    whole = pipeline.measure()
    cost = RunEstimate(images=1_000_000, size_kb=SIZE_KB * 1.024, latency_ms=LATENCY_MS)
    ratios = {
        **raced.ratios(),
        **waited.ratios(),
        "peak_rss_mb": large.rss_mb,
        "cost_vs_floor": cost.dollars / minimum_dollars(cost.images),
        **grown.ratios(),
        **whole.ratios(),
    }
    results = {
        **ratios,
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "seconds": time.monotonic() - begun,
        "speed": {**raced.raw(), **_figures(raced)},
        "latencies": waited.raw(),
        "memory": asdict(large),
        "growth": grown.raw(),
        "pipeline": whole.raw(),
        "cost": {"dollars_per_million": cost.dollars, "floor": minimum_dollars(cost.images)},
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(results, indent=1) + "\n")
    draw(RESULTS / "latest.svg", results)
    show(console, raced, waited, ratios)
    console.print(f"{results['seconds']:.0f} s. The figures behind it: {RESULTS}/latest.json and latest.svg")


def _figures(raced: Speed) -> dict[str, Any]:
    contenders = [contender for contender, _ in speed.IMAGES if raced.rate(contender)]
    rates = {contender.name: asdict(figure) for contender in contenders if (figure := raced.rate(contender))}
    cpu = {contender.name: asdict(figure) for contender in contenders if (figure := raced.cpu(contender))}
    return {"rates": rates, "cpu_ms": cpu}


def show(console: Console, raced: Speed, waited: Latencies, ratios: Mapping[str, float | None]) -> None:
    table = Table(title=f"No latency, median of {ROUNDS} rounds (range)", title_justify="left")
    for name in ("who", "images a second", "CPU ms an image", "peak MB"):
        table.add_column(name, justify="left" if name == "who" else "right")
    for contender, _ in speed.IMAGES:
        runs = raced.runs.get(contender.name)
        if runs:
            peak = f"{max(run.rss_mb for run in runs):.0f}"
            table.add_row(contender.name, str(raced.rate(contender)), str(raced.cpu(contender)), peak)
        else:
            table.add_row(contender.name, "missing", "", "")
    console.print(table)
    for sentence in _sentences(raced, waited):
        console.print(escape(sentence), soft_wrap=True)
    console.print(_ratios(ratios))


def _sentences(raced: Speed, waited: Latencies) -> Iterator[str]:
    for name, why in raced.missing.items():
        yield f"{name} is missing: {why}"
    ours = raced.rate(OURS)
    assert ours is not None
    origin_times, sink_times = raced.origin_rate / ours.median, raced.sink_rate / ours.median
    yield (
        f"Bare sockets get {raced.origin_rate:,.0f} images a second from the origin, {origin_times:.0f} times what "
        f"download_batch gets, and put {raced.sink_rate:,.0f} into the sink, {sink_times:.0f} times: "
        + ("neither was the limit." if min(origin_times, sink_times) > SPARE else "THE SERVERS WERE THE LIMIT.")
    )
    for ms in waited.ours:
        ours, pool = waited.rate(waited.ours, ms), waited.rate(waited.pool, ms)
        yield (
            f"At {ms:,} ms: download_batch {ours.median:.0f} images a second of the {waited.possible(ms):.0f} that "
            f"{DEFAULTS.concurrency} at a time could have, {POOL.name} {pool.median:.0f}."
        )
    stored, pooled = (run.rate for run in waited.slow_store)
    yield (
        f"At {AT_SLOW_STORE} ms, and {SLOW_STORE_MS} ms more for a PUT into S3: download_batch {stored:.0f} images a "
        f"second, {POOL.name} {pooled:.0f}."
    )


def _ratios(ratios: Mapping[str, float | None]) -> Table:
    table = Table(title="What it comes to", title_justify="left")
    for name in ("ratio", "what", "found", "should be", ""):
        table.add_column(name, justify="right" if name == "found" else "left")
    for name, target in TARGETS.items():
        ratio = ratios[name]
        if ratio is None:
            table.add_row(name, target.meaning, "", str(target), "missing")
        else:
            table.add_row(name, target.meaning, f"{ratio:.3g}", str(target), "" if target.holds(ratio) else "NO")
    return table


if __name__ == "__main__":
    main()
