"""The race without latency: four contenders in turn, in several rounds, and the maximum rate of the servers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.rig import load
from bench.rig.race import IMG2DATASET, OURS, POOL, SCRAPY, Contender, Run, image_urls, race
from bench.rig.results import SpeedResult, Statistic
from bench.rig.sink import sink
from bench.rig.venvs import InstallationError

IMAGES: Sequence[tuple[Contender, int]] = ((OURS, 3000), (POOL, 1500), (IMG2DATASET, 800), (SCRAPY, 500))
"""The number of images by contender, so that each runs for several seconds."""

LOAD_REQUESTS = 5000


@dataclass(frozen=True)
class Speed:
    """The runs by name of the contender. `missing` is the reason why a contender did not run."""

    runs: Mapping[str, Sequence[Run]]
    missing: Mapping[str, str]
    origin_rate: float
    sink_rate: float

    def rate(self, contender: Contender) -> Statistic | None:
        runs = self.runs.get(contender.name)
        return Statistic.of([run.rate for run in runs]) if runs else None

    def cpu(self, contender: Contender) -> Statistic | None:
        runs = self.runs.get(contender.name)
        return Statistic.of([run.cpu_ms_per_image for run in runs]) if runs else None

    def ratios(self) -> dict[str, float | None]:
        """Compare runs of the same round, because the speed of a machine can change between rounds, and take the
        median."""
        return {
            "cpu_vs_pool": self._ratio(POOL, lambda run: run.cpu_ms_per_image),
            "rate_vs_pool": self._ratio(POOL, lambda run: run.rate),
            "rate_vs_img2dataset": self._ratio(IMG2DATASET, lambda run: run.rate),
            "rate_vs_scrapy": self._ratio(SCRAPY, lambda run: run.rate),
        }

    def _ratio(self, other: Contender, value: Callable[[Run], float]) -> float | None:
        pairs = list(zip(self.runs[OURS.name], self.runs.get(other.name, ()), strict=False))
        return median(value(ours) / value(theirs) for ours, theirs in pairs) if pairs else None

    def results(self) -> SpeedResult:
        contenders = [contender for contender, _ in IMAGES]
        return {
            "runs": {name: [run.as_result() for run in runs] for name, runs in self.runs.items()},
            "missing": dict(self.missing),
            "origin_gets_per_second": self.origin_rate,
            "sink_puts_per_second": self.sink_rate,
            "rates": {each.name: rate.as_result() for each in contenders if (rate := self.rate(each))},
            "cpu_ms": {each.name: cpu.as_result() for each in contenders if (cpu := self.cpu(each))},
        }


def measure(sites: Sequence[str], rounds: int) -> Speed:
    runs: dict[str, list[Run]] = {}
    missing: dict[str, str] = {}
    for _ in range(rounds):
        for contender, images in IMAGES:
            if contender.name in missing:
                continue
            try:
                runs.setdefault(contender.name, []).append(race(contender, sites, image_urls(sites, images)))
            except (InstallationError, RuntimeError) as error:
                missing[contender.name] = str(error)
                if contender in (OURS, POOL):
                    raise
    with sink() as s3:
        return Speed(runs, missing, load.get_rate(sites[0], LOAD_REQUESTS), load.put_rate(s3, LOAD_REQUESTS))
