"""The statistics of measurements, and their form in `bench/results/latest.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypedDict


class StatisticResult(TypedDict):
    median: float
    low: float
    high: float


class RunResult(TypedDict):
    """See `bench.rig.race.Run`. `rate` is in images per second."""

    images: int
    stored: int
    seconds: float
    cpu_ms_per_image: float
    rss_mb: float
    servers_busy: tuple[float, float]
    asked: int
    requests: Mapping[str, int]
    rate: float


class SpeedResult(TypedDict):
    """By contender. `missing` is the reason why a contender did not run."""

    runs: Mapping[str, Sequence[RunResult]]
    missing: Mapping[str, str]
    origin_gets_per_second: float
    sink_puts_per_second: float
    rates: Mapping[str, StatisticResult]
    cpu_ms: Mapping[str, StatisticResult]


class LatencyResult(TypedDict):
    """`possible` is the maximum rate in images per second."""

    possible: float
    download_batch: Sequence[RunResult]
    pool: Sequence[RunResult]


class GrowthResult(TypedDict):
    ms_per_image: float
    dollars_per_million: float
    runs: Sequence[RunResult]


class PipelineResult(TypedDict):
    """`pipeline` and `pool` are in images per second, one value per round."""

    images: int
    pipeline: Sequence[float]
    pool: Sequence[float]


class Machine(TypedDict):
    cores: int | None
    python: str
    system: str


class CostResult(TypedDict):
    """Dollars for a million images: of the cost model, and of its lower bound."""

    dollars_per_million: float
    floor: float


class Measurements(TypedDict):
    """The measurements behind the ratios. `latencies` is by milliseconds, and has the runs with a slow S3 as well,
    `outputs` by contender."""

    machine: Machine
    seconds: float
    speed: SpeedResult
    latencies: Mapping[str, LatencyResult | list[RunResult]]
    memory: RunResult
    growth: Mapping[str, GrowthResult]
    pipeline: PipelineResult
    outputs: Mapping[str, Sequence[RunResult]]
    cost: CostResult


Ratios = Mapping[str, float | None]
"""The ratios by name. None for a contender that did not run."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """The median and the range of several runs."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Statistic":
        return cls(median(values), min(values), max(values))

    def as_result(self) -> StatisticResult:
        return {"median": self.median, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        digits = 0 if self.median >= 100 else 2
        return f"{self.median:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"
