"""Whole runs of 1,000, 10,000 and 100,000 images: do time and cost per image grow with the size of the run?

The runs use all three handlers and two concurrent batches, from the manifest to the summary, which reconciles the rows.
Cost is computed from AWS's prices, the requests to the sink, and the measured seconds; the CPU of this machine differs
from Lambda's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.contenders.whole_run import CONCURRENT_BATCHES
from bench.rig.race import Contender, Run, image_urls, race
from bench.rig.results import GrowthResult
from functions.core.cost import prices
from functions.core.cost.estimate import RUN_TRANSITIONS
from functions.core.model.limits import DOWNLOAD_MEMORY_MB
from functions.core.model.options import Options

WHOLE_RUN = Contender("whole run", "bench.contenders.whole_run")
ROUNDS: Mapping[int, int] = {1_000: 3, 10_000: 1, 100_000: 1}
"""The number of rounds by images. Short runs vary more."""


@dataclass(frozen=True)
class Growth:
    """The runs by images."""

    runs: Mapping[int, Sequence[Run]]

    def ms_per_image(self, images: int) -> float:
        return median(1000 / run.rate for run in self.runs[images])

    def dollars_per_million(self, images: int) -> float:
        """Cost of a million images in runs of `images`."""
        return median(dollars(run) * prices.MILLION / images for run in self.runs[images])

    def ratios(self) -> dict[str, float]:
        smallest, largest = min(self.runs), max(self.runs)
        return {
            "time_growth": self.ms_per_image(largest) / self.ms_per_image(smallest),
            "cost_growth": self.dollars_per_million(largest) / self.dollars_per_million(smallest),
        }

    def results(self) -> dict[str, GrowthResult]:
        return {
            str(images): {
                "ms_per_image": self.ms_per_image(images),
                "dollars_per_million": self.dollars_per_million(images),
                "runs": [run.as_result() for run in runs],
            }
            for images, runs in self.runs.items()
        }


def dollars(run: Run) -> float:
    """Compute the cost of a run from its requests."""
    requests, batches = run.requests, -(-run.images // Options().batch_size)
    lambda_second = DOWNLOAD_MEMORY_MB / 1024 * prices.LAMBDA_GB_SECOND.dollars
    return (
        (requests["puts"] + requests["lists"]) * prices.S3_PUT.dollars
        + requests["gets"] * prices.S3_GET.dollars
        + requests["rows written"] * prices.TABLE_WRITE.dollars
        + run.images * prices.TABLE_READ.dollars
        + (batches + 2) * prices.LAMBDA_REQUEST.dollars
        + (batches + RUN_TRANSITIONS) * prices.TRANSITION.dollars
        + batches * prices.EXPRESS_REQUEST.dollars
        + run.seconds * CONCURRENT_BATCHES * (lambda_second + prices.EXPRESS_SECOND.dollars)
    )


def measure(sites: Sequence[str]) -> Growth:
    """Interleave the rounds, so that the large run takes place between small ones."""
    runs: dict[int, list[Run]] = {images: [] for images in ROUNDS}
    for number in range(max(ROUNDS.values())):
        for images, rounds in ROUNDS.items():
            if number < rounds:
                runs[images].append(race(WHOLE_RUN, sites, image_urls(sites, images)))
    return Growth(runs)
