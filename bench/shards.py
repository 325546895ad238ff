"""Objects and shards in one race: rate, CPU time, dollars, memory and temporary files.

`python -m bench.shards` measures both; `python -m bench` has the race.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table

from bench.measures.batch_limits import LARGE_DISTINCT, LARGE_HIGH, LARGE_IMAGES, LARGE_LOW
from bench.rig.origin import origin
from bench.rig.race import NO_TABLE, OURS, SHARDS, Contender, Run, image_urls, race
from bench.rig.results import Statistic
from functions.core.cost import prices
from functions.core.model.limits import DOWNLOAD_MEMORY_MB
from functions.core.model.options import Options

CONTENDERS = (OURS, SHARDS, NO_TABLE)
IMAGES, ROUNDS, DISTINCT = 3000, 3, 500


@dataclass(frozen=True)
class Outputs:
    """The runs of each contender by its name. Runs of the same round follow each other."""

    runs: Mapping[str, Sequence[Run]]

    def statistics(self, contender: Contender) -> tuple[Statistic, Statistic, Statistic]:
        """Images per second, CPU milliseconds per image, and dollars per million images."""
        runs = self.runs[contender.name]
        return (
            Statistic.of([run.rate for run in runs]),
            Statistic.of([run.cpu_ms_per_image for run in runs]),
            Statistic.of([dollars_per_million(run) for run in runs]),
        )


def dollars_per_million(run: Run) -> float:
    """From the requests of a run and its seconds, on a function with the memory of DownloadBatch."""
    requests, batches = run.requests, -(-run.images // Options().batch_size)
    looked_up = run.images if requests.get("BatchGetItem", 0) > batches else 0  # one a batch is for robots.txt
    lambda_second = DOWNLOAD_MEMORY_MB / 1024 * prices.LAMBDA_GB_SECOND.dollars
    dollars = (
        requests["puts"] * prices.S3_PUT.dollars
        + requests.get("gets", 0) * prices.S3_GET.dollars
        + requests.get("rows written", 0) * prices.TABLE_WRITE.dollars
        + looked_up * prices.TABLE_READ.dollars
        + batches * (prices.LAMBDA_REQUEST.dollars + prices.TRANSITION.dollars + prices.EXPRESS_REQUEST.dollars)
        + run.seconds * (lambda_second + prices.EXPRESS_SECOND.dollars)
    )
    return dollars * prices.MILLION / run.images


def measure(sites: Sequence[str]) -> Outputs:
    runs: dict[str, list[Run]] = {contender.name: [] for contender in CONTENDERS}
    for _ in range(ROUNDS):
        for contender in CONTENDERS:
            runs[contender.name].append(race(contender, sites, image_urls(sites, IMAGES)))
    return Outputs(runs)


def table(outputs: Outputs) -> Table:
    shown = Table(title=f"Objects and shards, no latency, median of {ROUNDS} rounds (range)", title_justify="left")
    for name in ("contender", "images per second", "CPU ms per image", "dollars per million"):
        shown.add_column(name, justify="left" if name == "contender" else "right")
    for contender in CONTENDERS:
        shown.add_row(contender.name, *map(str, outputs.statistics(contender)))
    return shown


def print_memory(console: Console) -> None:
    """A batch of 500 images of up to 25 MB."""
    with origin(LARGE_DISTINCT, LARGE_LOW, LARGE_HIGH) as sites:
        for contender in (OURS, SHARDS):
            watched = replace(contender, options={**contender.options, "watch_disk": True})
            run = race(watched, sites, image_urls(sites, LARGE_IMAGES))
            console.print(
                f"{contender.name}: {run.stored} images of up to {LARGE_HIGH / 1e6:.0f} MB in {run.seconds:.0f} s, "
                f"peak {run.rss_mb:.0f} MB of memory, {run.disk_mb:,.0f} MB of temporary files"
            )


def main() -> None:
    console = Console(highlight=False, width=120)
    with origin(DISTINCT) as sites:
        console.print(table(measure(sites)))
    print_memory(console)


if __name__ == "__main__":
    main()
