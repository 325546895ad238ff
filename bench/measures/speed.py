"""The race at no latency: four contenders in turn, several rounds; and the servers, alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.rig import load
from bench.rig.race import IMG2DATASET, OURS, POOL, SCRAPY, Contender, Figure, Run, race, raw, urls
from bench.rig.sink import sink
from bench.rig.venvs import Missing

IMAGES: Sequence[tuple[Contender, int]] = ((OURS, 3000), (POOL, 1500), (IMG2DATASET, 800), (SCRAPY, 500))
"""Each long enough for a few seconds."""

LOADED = 5000


@dataclass(frozen=True)
class Speed:
    runs: Mapping[str, Sequence[Run]]
    missing: Mapping[str, str]
    origin_rate: float
    sink_rate: float

    def rate(self, contender: Contender) -> Figure | None:
        runs = self.runs.get(contender.name)
        return Figure.of([run.rate for run in runs]) if runs else None

    def cpu(self, contender: Contender) -> Figure | None:
        runs = self.runs.get(contender.name)
        return Figure.of([run.cpu_ms_per_image for run in runs]) if runs else None

    def ratios(self) -> dict[str, float | None]:
        """Of runs of the same round, for a machine's speed may change from round to round: their median."""
        return {
            "cpu_vs_pool": self._beside(POOL, lambda run: run.cpu_ms_per_image),
            "rate_vs_pool": self._beside(POOL, lambda run: run.rate),
            "rate_vs_img2dataset": self._beside(IMG2DATASET, lambda run: run.rate),
            "rate_vs_scrapy": self._beside(SCRAPY, lambda run: run.rate),
        }

    def _beside(self, other: Contender, figure: Callable[[Run], float]) -> float | None:
        pairs = list(zip(self.runs[OURS.name], self.runs.get(other.name, ()), strict=False))
        return median(figure(ours) / figure(theirs) for ours, theirs in pairs) if pairs else None

    def raw(self) -> dict[str, Any]:
        found = {name: raw(runs) for name, runs in self.runs.items()}
        return {
            "runs": found,
            "missing": dict(self.missing),
            "origin_gets_per_second": self.origin_rate,
            "sink_puts_per_second": self.sink_rate,
        }


def measure(sites: Sequence[str], rounds: int) -> Speed:
    runs: dict[str, list[Run]] = {}
    missing: dict[str, str] = {}
    for _ in range(rounds):
        for contender, images in IMAGES:
            if contender.name in missing:
                continue
            try:
                runs.setdefault(contender.name, []).append(race(contender, sites, urls(sites, images)))
            except (Missing, RuntimeError) as why:
                missing[contender.name] = str(why)
                if contender in (OURS, POOL):
                    raise
    with sink() as s3:
        return Speed(runs, missing, load.gets(sites[0], LOADED), load.puts(s3, LOADED))
