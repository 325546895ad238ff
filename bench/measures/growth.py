"""Whole runs of 1,000, 10,000 and 100,000 images: whether an image takes longer or costs more in a large one.

All three handlers, two batches at a time, the manifest in, the summary out, the books checked. Dollars are for what the
sink was asked and for the seconds that it took, at AWS's prices; what this machine takes for a second's work, Lambda's
core may not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.contenders.whole_run import AT_A_TIME
from bench.rig.race import Contender, Run, race, raw, urls
from functions.core.cost import prices
from functions.core.cost.estimate import RUN_TRANSITIONS
from functions.core.model.limits import DOWNLOAD_MEMORY_MB
from functions.core.model.options import Options

WHOLE_RUN = Contender("whole run", "bench.contenders.whole_run")
ROUNDS: Mapping[int, int] = {1_000: 3, 10_000: 1, 100_000: 1}
"""How often, by images: short runs vary more."""


@dataclass(frozen=True)
class Growth:
    runs: Mapping[int, Sequence[Run]]

    def ms(self, images: int) -> float:
        """For an image."""
        return median(1000 / run.rate for run in self.runs[images])

    def dollars(self, images: int) -> float:
        """For a million images, in runs of so many."""
        return median(dollars(run) * prices.MILLION / images for run in self.runs[images])

    def ratios(self) -> dict[str, float]:
        first, last = min(self.runs), max(self.runs)
        return {
            "time_growth": self.ms(last) / self.ms(first),
            "cost_growth": self.dollars(last) / self.dollars(first),
        }

    def raw(self) -> dict[str, Any]:
        return {
            str(images): {
                "ms_per_image": self.ms(images),
                "dollars_per_million": self.dollars(images),
                "runs": raw(runs),
            }
            for images, runs in self.runs.items()
        }


def dollars(run: Run) -> float:
    """Of one run, from its requests."""
    asked, batches = run.requests, -(-run.images // Options().batch_size)
    lambda_second = DOWNLOAD_MEMORY_MB / 1024 * prices.LAMBDA_GB_SECOND.dollars
    return (
        (asked["puts"] + asked["lists"]) * prices.S3_PUT.dollars
        + asked["gets"] * prices.S3_GET.dollars
        + asked["rows written"] * prices.TABLE_WRITE.dollars
        + run.images * prices.TABLE_READ.dollars
        + (batches + 2) * prices.LAMBDA_REQUEST.dollars
        + (batches + RUN_TRANSITIONS) * prices.TRANSITION.dollars
        + batches * prices.EXPRESS_REQUEST.dollars
        + run.seconds * AT_A_TIME * (lambda_second + prices.EXPRESS_SECOND.dollars)
    )


def measure(sites: Sequence[str]) -> Growth:
    """The large run stands among the small ones."""
    runs: dict[int, list[Run]] = {images: [] for images in ROUNDS}
    for turn in range(max(ROUNDS.values())):
        for images, rounds in ROUNDS.items():
            if turn < rounds:
                runs[images].append(race(WHOLE_RUN, sites, urls(sites, images)))
    return Growth(runs)
