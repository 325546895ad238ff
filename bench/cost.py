"""What a run will cost: `python -m bench.cost --images 1000000 --size-kb 100 --latency-ms 200`.

Per image: its PUT, its row, its share of a batch's child, invocation, parts and look-up, and the time that Lambda and
the Express child are billed for. Not in it: storage, transfer (inbound is free), and what the servers' owners think.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench import prices
from bench.prices import MILLION, Price
from functions.core.options import Options

DEFAULTS = Options()
MEMORY_GB = 1769 / 1024
"""Of download_batch: one whole vCPU."""

CPU_MS = 3.0
"""Of one vCPU for an image of 50 KB, everything included. An assumption, from what the parts cost when they are
measured one by one: Lambda's own core has not been measured."""

CPU_MS_PER_MB = 6.0
"""For hashing, copying and TLS of what is larger."""

START_MS = 40.0
"""Of an invocation that is not an image's: reading the event, looking up, writing parts."""

LOG_BYTES = 23.0
"""An image that goes well; `python -m bench.log_bytes` measures it."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """`latency_ms` is what a server takes to answer, all its bytes included."""

    images: int = MILLION
    size_kb: float = 100.0
    latency_ms: float = 200.0
    batch_size: int = DEFAULTS.batch_size
    concurrency: int = DEFAULTS.concurrency
    cpu_ms: float = CPU_MS
    failed: float = 0.0

    @property
    def batches(self) -> int:
        return -(-self.images // self.batch_size)

    @property
    def image_ms(self) -> float:
        """Billed milliseconds an image: of work or of waiting, whichever is more, and its share of the start."""
        busy = self.cpu_ms + CPU_MS_PER_MB * max(0.0, self.size_kb - 50) / 1000
        waiting = (self.latency_ms + busy) / min(self.concurrency, self.batch_size)
        return max(busy, waiting) + START_MS / self.batch_size


def components(run: Run) -> Mapping[str, float]:
    """Dollars by what they are paid for."""
    seconds = run.images * run.image_ms / 1000
    parts = run.batches * (1 + min(1.0, run.failed * run.batch_size))
    charged: tuple[tuple[str, float, Price], ...] = (
        ("S3: PUT of the images", run.images * (1 - run.failed), prices.S3_PUT),
        ("DynamoDB: writes", run.images * (1 - run.failed), prices.TABLE_WRITE),
        ("DynamoDB: look-ups", run.images, prices.TABLE_READ),
        ("Lambda: time", seconds * MEMORY_GB, prices.LAMBDA_GB_SECOND),
        ("Lambda: invocations", run.batches, prices.LAMBDA_REQUEST),
        ("Step Functions: starts of children", run.batches, prices.TRANSITION),
        ("Step Functions: Express children", run.batches, prices.EXPRESS_REQUEST),
        ("Step Functions: Express time", seconds, prices.EXPRESS_SECOND),
        ("S3: parts written", parts, prices.S3_PUT),
        ("S3: parts read", run.batches, prices.S3_GET),
        ("CloudWatch: logs", run.images * LOG_BYTES / 1e9, prices.LOG_GB),
        ("SNS: messages", min(run.batches, run.images * run.failed), prices.SNS_PUBLISH),
    )
    return {name: amount * price.dollars for name, amount, price in charged}


def floor(images: int) -> float:
    """One PUT and one table write an image: nobody gets below."""
    return images * (prices.S3_PUT.dollars + prices.TABLE_WRITE.dollars)


def one_lambda_an_image(images: int) -> float:
    """A Standard workflow with an inline Map: three transitions an image, an invocation each, one write, one PUT."""
    invocation = prices.LAMBDA_REQUEST.dollars + 0.3 * 0.125 * prices.LAMBDA_GB_SECOND.dollars
    return floor(images) + images * (3 * prices.TRANSITION.dollars + invocation)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a run will cost")
    parser.add_argument("--images", type=int, default=MILLION)
    parser.add_argument("--size-kb", type=float, default=100)
    parser.add_argument("--latency-ms", type=float, default=200)
    parser.add_argument("--batch-size", type=int, default=DEFAULTS.batch_size)
    parser.add_argument("--concurrency", type=int, default=DEFAULTS.concurrency)
    run = Run(**vars(parser.parse_args()))
    console = Console(highlight=False)
    console.print(_table(run))
    total, least = sum(components(run).values()), floor(run.images)
    console.print(f"{total / least:.2f} times the floor of one PUT and one table write (${least:,.2f}).")
    console.print(f"One Lambda an image in a Standard workflow: ${one_lambda_an_image(run.images):,.2f}.")


def _table(run: Run) -> Table:
    found = components(run)
    table = Table(
        title=f"{run.images:,} images of {run.size_kb:g} KB, {run.latency_ms:g} ms to answer", title_justify="left"
    )
    for name, side in (("what", "left"), ("dollars", "right"), ("share", "right")):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    total = sum(found.values())
    for name, dollars in sorted(found.items(), key=lambda pair: -pair[1]):
        table.add_row(name, f"{dollars:,.4f}", f"{dollars / total:.1%}")
    table.add_section()
    table.add_row("in all", f"{total:,.2f}", "")
    return table


if __name__ == "__main__":
    main()
