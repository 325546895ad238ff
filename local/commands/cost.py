"""What a run will cost and how long it will take: `make cost IMAGES=1000000 SIZE_KB=100 LATENCY_MS=200`.

The model is `functions.core.cost.estimate`; here it stands beside the floor and beside a Lambda an image.
`--chart FILE.svg` draws dollars by batch size and latency instead.
"""

import argparse
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from functions.core.cost import prices
from functions.core.cost.estimate import (
    BATCH_TOO_LONG,
    LATENCY_MS,
    SIZE_KB,
    STORE_MS,
    RunEstimate,
    cost_components,
    glacier_note,
    minimum_dollars,
)
from functions.core.cost.prices import MILLION, Price
from functions.core.model.errors import InvalidManifest
from functions.core.model.limits import DOWNLOAD_MEMORY_MB
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options
from functions.core.report.formatting import seconds
from local.commands.usage import UsageError, deployed

SIMPLE_GB = 0.5
SIMPLE_CPU_MS = 2.7 * DOWNLOAD_MEMORY_MB / 512
"""requests and boto3 for one image, 2.7 ms of a whole vCPU, on what 512 MB have of one."""

SIMPLE_LOG_BYTES = 300.0
"""START, END and REPORT, which Lambda writes for each invocation."""

CHART_LATENCIES = {1000: "#440154", 200: "#31688e", 50: "#35b779", 0: "#d9a406"}
"""Milliseconds, and colours that also differ in grey."""

CHART_SIZES = (10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000)


@dataclass(frozen=True)
class Number:
    """Something that can be said on the command line."""

    least: float
    most: float
    default: float
    meaning: str
    whole: bool = False

    def of(self, name: str, text: str) -> float:
        """Raises UsageError."""
        if not text:
            return self.default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not self.least <= value <= self.most or (self.whole and not value.is_integer()):
            kind = "a whole number" if self.whole else "a number"
            raise UsageError(f"{name.upper()} takes {kind} from {self.least:,.0f} to {self.most:,.0f}, not '{text}'.")
        return value


NUMBERS: Mapping[str, Number] = {
    "images": Number(1, 1e12, MILLION, "how many", whole=True),
    "size_kb": Number(0, 5_000_000, SIZE_KB, "of one image"),
    "latency_ms": Number(0, 60_000, LATENCY_MS, "that a server takes to answer, its bytes included"),
    "hosts": Number(1, 1e12, math.inf, "of equal size; enough of them unless it is said"),
    "memory_mb": Number(128, 10_240, DOWNLOAD_MEMORY_MB, "of download_batch", whole=True),
}
OPTIONS = ("batch_size", "concurrency", "per_host", "max_concurrency", "storage_class")


def main() -> int:
    arguments = vars(_parser().parse_args())
    chart = arguments.pop("chart")
    try:
        run = asked(arguments)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    if chart:
        draw(Path(chart))
    else:
        show(run)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.commands.cost", description="What a run will cost")
    for name, number in NUMBERS.items():
        parser.add_argument(f"--{name}".replace("_", "-"), default="", help=number.meaning)
    for name in OPTIONS:
        parser.add_argument(f"--{name}".replace("_", "-"), default="", help="as the option of a run")
    parser.add_argument("--chart", default="", metavar="FILE.svg", help="draw dollars a million by batch size")
    return parser


def asked(texts: Mapping[str, str]) -> RunEstimate:
    """Raises UsageError."""
    numbers = {name: number.of(name, texts.get(name, "")) for name, number in NUMBERS.items()}
    try:
        options = validate_options({name: texts[name] for name in OPTIONS if texts.get(name)})
    except InvalidManifest as refusal:
        raise UsageError(str(refusal)) from refusal
    return RunEstimate(
        images=int(numbers["images"]),
        size_kb=numbers["size_kb"],
        latency_ms=numbers["latency_ms"],
        hosts=numbers["hosts"],
        memory_mb=int(numbers["memory_mb"]),
        glacier_from_bytes=deployed().glacier_from_bytes,
        options=options,
    )


def one_lambda_an_image(run: RunEstimate) -> Mapping[str, float]:
    """Dollars of a Standard workflow with an inline Map: a Lambda, a write and a Choice for each image.

    It is the shape of a first version, and of short lists: an execution's history ends at 25,000 events.
    """
    invocation = (run.latency_ms + STORE_MS + SIMPLE_CPU_MS) / 1000
    charged: tuple[tuple[str, float, Price], ...] = (
        ("Step Functions: three transitions", 3, prices.TRANSITION),
        ("S3: PUT", 1, prices.S3_PUT_INTO[run.options.storage_class]),
        ("S3: moving it to Glacier, a day later", run.images_moved_to_glacier / run.images, prices.S3_TO_GLACIER),
        ("Lambda: time, 512 MB", invocation * SIMPLE_GB, prices.LAMBDA_GB_SECOND),
        ("DynamoDB: write", 1, prices.TABLE_WRITE),
        ("Lambda: invocation", 1, prices.LAMBDA_REQUEST),
        ("CloudWatch: logs", SIMPLE_LOG_BYTES / 1e9, prices.LOG_GB),
    )
    return {name: run.images * amount * price.dollars for name, amount, price in charged if amount}


def show(run: RunEstimate) -> None:
    console = Console(highlight=False)
    title = f"{run.images:,} images of {run.size_kb:g} KB, {run.latency_ms:g} ms to answer"
    console.print(_table(title, cost_components(run)))
    console.print(_table("The same, one Lambda an image in a Standard workflow", one_lambda_an_image(run)))
    for sentence in sentences(run):
        console.print(escape(sentence), soft_wrap=True)


def sentences(run: RunEstimate) -> Iterable[str]:
    least = minimum_dollars(run.images)
    yield f"{run.dollars / least:.2f} times the floor of one PUT and one table write (${least:,.4g})."
    yield (
        f"About {seconds(run.seconds)}: {run.batches:,} batches of up to {run.options.batch_size}, "
        f"{run.concurrent_batches:,} at a time, {seconds(run.batch_seconds)} each, "
        f"{run.in_flight:g} requests under way in one."
    )
    if run.batch_too_long:
        yield BATCH_TOO_LONG
    if moved := glacier_note(run):
        yield moved
    yield "A model: functions/core/cost/estimate.py says what it assumes, and what it leaves out."


def _table(title: str, found: Mapping[str, float]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("what", min_width=36)
    table.add_column("dollars", justify="right", min_width=10)
    table.add_column("share", justify="right")
    total = sum(found.values())
    for name, dollars in sorted(found.items(), key=lambda pair: -pair[1]):
        table.add_row(name, f"{dollars:,.4f}", f"{dollars / total:.1%}")
    table.add_section()
    table.add_row("in all", f"{total:,.4f}", "")
    return table


def draw(path: Path) -> None:
    """The same file for the same model and the same matplotlib."""
    import matplotlib as mpl  # takes a second to import
    from matplotlib.figure import Figure

    with mpl.rc_context(
        {"svg.hashsalt": "image-mirror", "font.size": 11, "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        for latency, color in CHART_LATENCIES.items():
            runs = [
                RunEstimate(images=MILLION, latency_ms=latency, options=Options(batch_size=size))
                for size in CHART_SIZES
            ]
            axes.plot(
                CHART_SIZES,
                [run.dollars for run in runs],
                color=color,
                marker="o",
                markersize=4,
                label=f"{latency:,} ms",
            )
        axes.axhline(minimum_dollars(MILLION), color="black", linestyle="--", linewidth=1)
        axes.annotate(
            f"floor: one PUT and one table write, ${minimum_dollars(MILLION):.3f}",
            (CHART_SIZES[0], minimum_dollars(MILLION)),
            xytext=(0, -5),
            textcoords="offset points",
            va="top",
        )
        axes.axvline(Options().batch_size, color="gray", linestyle=":", linewidth=1)
        axes.set_xscale("log")
        axes.set_xticks(ticks := (10, 20, 50, 100, 200, 500, 1000), [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.set_ylim(bottom=5)
        axes.yaxis.set_major_formatter("${x:.0f}")
        axes.set_xlabel("rows in a batch (dotted: the default)")
        axes.set_ylabel(f"a million images of {SIZE_KB:g} KB")
        axes.grid(axis="y", alpha=0.3)
        axes.legend(title="to answer", frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
