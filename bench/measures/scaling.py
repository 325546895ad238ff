"""A run against AWS's quotas, second by second: `python -m bench.measures.scaling [--latency-ms 200]`.

What a batch can do is the cost model's. What a quota lets through is documented, but for how soon S3 and the table
grow, of which AWS says no more than "gradually" and "double within 30 minutes". Nothing is throttled into failing
here: what a quota does not take this second waits for the next one, as retries have it.
"""

import argparse
from collections import Counter
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table

from functions.core.cost.estimate import CHILD_STARTS_PER_SECOND, RUN_SECONDS, RunEstimate
from functions.core.model.options import Options
from functions.core.report.formatting import seconds as shown

S3_PUTS = 3500
"""A second and partition of a bucket, at least (S3's user guide, "Optimizing performance")."""

S3_PARTITIONS = 256
"""As many as our keys have beginnings."""

S3_SPLIT_SECONDS = 1800
"""In which a bucket under load doubles its partitions: 30 to 60 minutes, say people at AWS, and no document."""

TABLE_WRITES = 4000
"""A second, of a new on-demand table; then twice the peak that it had, within 30 minutes (DynamoDB's guide)."""

TABLE_DOUBLES_SECONDS = 1800
ENVIRONMENTS, EVERY_SECONDS = 1000, 10
"""That Lambda adds to a function at a time, and how often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Quotas that AWS raises when it is asked; these are what an account begins with."""

    lambdas: int = 1000
    table_writes: int = 40_000


@dataclass(frozen=True, slots=True)
class Course:
    """How a run went. `bounds` says for how many seconds which quota was the one that counted."""

    seconds: float
    peak: float
    bounds: Counter[str]


def simulate(run: RunEstimate, account: Account) -> Course:
    """As if one manifest could be of any length; a list that is split goes the same way."""
    batch_rate = run.options.batch_size / run.batch_seconds
    left, second, children, peak = float(run.images), 0, 0.0, 0.0
    bounds: Counter[str] = Counter()
    while left > 0.5:
        allowed = {
            "batches of the run": run.batches,
            "max_concurrency": run.options.max_concurrency,
            "Lambda's concurrency": min(account.lambdas, ENVIRONMENTS * (1 + second // EVERY_SECONDS)),
            "starts of children": children + CHILD_STARTS_PER_SECOND,
        }
        bound = min(allowed, key=lambda name: allowed[name])
        children = allowed[bound]
        rates = {
            bound: children * batch_rate,
            "S3's PUTs": S3_PUTS * min(S3_PARTITIONS, 2.0 ** (second // S3_SPLIT_SECONDS)),
            "the table's writes": min(account.table_writes, TABLE_WRITES * 2.0 ** (second // TABLE_DOUBLES_SECONDS)),
        }
        bound = min(rates, key=lambda name: rates[name])
        bounds[bound] += 1
        peak = max(peak, rates[bound])
        left -= rates[bound]
        second += 1
    return Course(RUN_SECONDS + max(second, run.batch_seconds), peak, bounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency-ms", type=float, default=200)
    latency = parser.parse_args().latency_ms
    for title, concurrency, account in (
        ("As it comes: max_concurrency 40, a new account", 40, Account()),
        ("max_concurrency 1,000, a new account", 1000, Account()),
        (
            "max_concurrency 4,000; 5,000 Lambdas and 200,000 writes a second granted",
            4000,
            Account(lambdas=5000, table_writes=200_000),
        ),
    ):
        Console(highlight=False).print(_table(title, latency, concurrency, account))


def _table(title: str, latency: float, concurrency: int, account: Account) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("images", "time", "at most a second", "bound by, most of the time"):
        table.add_column(name, justify="left" if name.startswith("bound") else "right")
    for power in range(3, 10):
        run = RunEstimate(images=10**power, latency_ms=latency, options=replace(Options(), max_concurrency=concurrency))
        course = simulate(run, account)
        ((bound, _),) = course.bounds.most_common(1)
        table.add_row(f"{run.images:,}", shown(course.seconds), f"{course.peak:,.0f}", bound)
    return table


if __name__ == "__main__":
    main()
