"""A list of 10,000 hosts with one row each, beside the same list with `robots=ignore`.

The measurement is of one process of DownloadBatch without latency, each host a port on loopback; `plan` is the cost
model. A million rows of few and of many hosts show what the hosts table costs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from bench.rig.origin import origin
from bench.rig.race import OURS, Run, race
from functions.core.cost.estimate import RunEstimate, cost_components
from functions.core.cost.prices import MILLION
from functions.core.model.options import Options
from functions.core.report.formatting import seconds as format_seconds

HOSTS = 10_000
DISTINCT, LOW, HIGH = 100, 18_000, 22_000
"""The number of distinct images, and their sizes in bytes."""

CHOICES: tuple[Literal["ignore", "obey"], ...] = ("ignore", "obey")
HOST_MIXES = (1, 100, 100_000)
"""Numbers of hosts among a million rows."""


def measure(hosts: int = HOSTS) -> Mapping[str, Run]:
    """A run for each choice of `robots`, over the same hosts."""
    with origin(DISTINCT, LOW, HIGH, hosts=hosts) as sites:
        urls = [f"{site}/{number}.jpg" for number, site in enumerate(sites)]
        return {choice: race(replace(OURS, options={"robots": choice}), sites, urls) for choice in CHOICES}


def estimate(images: int, hosts: int, robots: str = "obey") -> RunEstimate:
    """As `plan` estimates a list whose hosts have the same number of rows."""
    options = Options.from_payload({"robots": robots})
    return RunEstimate(images=images, hosts=hosts, known_hosts=hosts, options=options)


def table_dollars(hosts: int) -> Mapping[str, float]:
    """The charges of DynamoDB for a million rows of so many hosts, by kind."""
    components = cost_components(estimate(MILLION, hosts))
    return {name: dollars for name, dollars in components.items() if name.startswith("DynamoDB")}


def print_many_hosts(environments: int = 0, *, hosts: int = HOSTS) -> None:
    """`environments` has no effect: the measurement is of one process."""
    for choice, run in measure(hosts).items():
        planned = estimate(hosts, hosts, choice)
        print(
            f"{hosts:,} hosts, robots={choice}: {run.stored:,} images in {run.seconds:.0f} s, "
            f"{run.cpu_ms_per_image:.1f} ms of CPU an image, {run.asked:,} requests; {dict(run.requests)}; "
            f"plan: {format_seconds(planned.seconds)}, ${planned.dollars:.3f}",
            flush=True,
        )


def print_table_dollars(environments: int = 0) -> None:
    """`environments` has no effect: this is the cost model."""
    for line in _table_lines():
        print(line, flush=True)


def _table_lines() -> Iterator[str]:
    for hosts in HOST_MIXES:
        dollars = table_dollars(hosts)
        yield f"a million rows of {hosts:,} hosts: ${sum(dollars.values()):.3f} for the tables"
        for name, amount in dollars.items():
            yield f"  ${amount:.4f}  {name.partition(': ')[2]}"
