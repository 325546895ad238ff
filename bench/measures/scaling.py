"""Simulation of a run against the quotas of AWS: `python -m bench.measures.scaling [--latency-ms 200]`.

The simulation advances by seconds. The rate of a batch is that of the cost model. The quotas are documented, except for
how fast S3 and DynamoDB scale: AWS documents only "gradually" and "double within 30 minutes". Requests above a quota do
not fail, but wait for the next second, as retries do.
"""

import argparse
from collections import Counter
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table

from functions.core.cost.estimate import CHILD_STARTS_PER_SECOND, ROW_SECONDS, RUN_SECONDS, RunEstimate
from functions.core.cost.quotas import s3_puts_per_second
from functions.core.model.options import Options
from functions.core.report.formatting import seconds as format_seconds

MANIFEST_ROWS = 20_000_000
"""Rows of a manifest, at most (docs/scaling.md). Longer lists are split, and the parts are validated and summarized
while others are downloaded."""

TABLE_WRITES = 4000
"""Writes per second of a new on-demand table. It then supports twice its previous peak within 30 minutes (DynamoDB
developer guide)."""

TABLE_DOUBLES_SECONDS = 1800
LAMBDA_SCALE_UP, LAMBDA_SCALE_UP_SECONDS = 1000, 10
"""The concurrent executions by which Lambda scales up a function, and the interval in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountQuotas:
    """Quotas that AWS raises on request, with their initial values."""

    lambdas: int = 1000
    table_writes: int = 40_000


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """The result of a simulation. `limits` counts the seconds during which each quota limited the run.

    `peak_rate` is in images per second.
    """

    seconds: float
    peak_rate: float
    limits: Counter[str]


def simulate(run: RunEstimate, account: AccountQuotas) -> SimulatedRun:
    """Simulate one manifest of any length. A list that is split into several manifests takes the same time."""
    batch_rate = run.options.batch_size / run.batch_seconds
    remaining, second, children, peak_rate = float(run.images), 0, 0.0, 0.0
    limits: Counter[str] = Counter()
    while remaining > 0.5:
        allowed = {
            "batches of the run": run.batches,
            "max_concurrency": run.options.max_concurrency,
            "Lambda concurrency": min(account.lambdas, LAMBDA_SCALE_UP * (1 + second // LAMBDA_SCALE_UP_SECONDS)),
            "child execution starts": children + CHILD_STARTS_PER_SECOND,
        }
        limit = min(allowed, key=lambda name: allowed[name])
        children = allowed[limit]
        rates = {
            limit: children * batch_rate,
            "S3 PUTs": s3_puts_per_second(second),
            "table writes": min(account.table_writes, TABLE_WRITES * 2.0 ** (second // TABLE_DOUBLES_SECONDS)),
        }
        limit = min(rates, key=lambda name: rates[name])
        limits[limit] += 1
        peak_rate = max(peak_rate, rates[limit])
        remaining -= rates[limit]
        second += 1
    other_seconds = RUN_SECONDS + min(run.images, MANIFEST_ROWS) * ROW_SECONDS
    return SimulatedRun(other_seconds + max(second, run.batch_seconds), peak_rate, limits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency-ms", type=float, default=200)
    latency = parser.parse_args().latency_ms
    for title, concurrency, account in (
        ("Defaults: max_concurrency 40, a new account", 40, AccountQuotas()),
        ("max_concurrency 1,000, a new account", 1000, AccountQuotas()),
        (
            "max_concurrency 4,000; quotas raised to 5,000 concurrent executions and 200,000 writes per second",
            4000,
            AccountQuotas(lambdas=5000, table_writes=200_000),
        ),
    ):
        Console(highlight=False).print(_table(title, latency, concurrency, account))


def _table(title: str, latency: float, concurrency: int, account: AccountQuotas) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("images", "time", "peak images per second", "limited mostly by"):
        table.add_column(name, justify="left" if name.startswith("limited") else "right")
    for power in range(3, 10):
        run = RunEstimate(images=10**power, latency_ms=latency, options=replace(Options(), max_concurrency=concurrency))
        result = simulate(run, account)
        ((limit, _),) = result.limits.most_common(1)
        table.add_row(f"{run.images:,}", format_seconds(result.seconds), f"{result.peak_rate:,.0f}", limit)
    return table


if __name__ == "__main__":
    main()
