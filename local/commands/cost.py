"""Estimates the cost and the duration of a run: `cost --images 1000000 --size-kb 100 --latency-ms 200`.

The model is `functions.core.cost.estimate`. It is compared with the minimum cost and with one Lambda per image.
`--chart FILE.svg` draws dollars by batch size and latency instead.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from functions.core.cost import prices
from functions.core.cost.estimate import (
    SIZE_KB,
    RunEstimate,
    cost_components,
    write_units,
)
from functions.core.cost.notes import BATCH_TOO_LONG, glacier_note
from functions.core.cost.prices import MILLION, Price, minimum_dollars
from functions.core.cost.storage import STORE_MS
from functions.core.model.errors import InvalidManifest
from functions.core.model.limits import DOWNLOAD_MEMORY_MB
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options
from functions.core.report.formatting import plural, seconds
from local.commands.plan_table import slow_host_note
from local.commands.usage import COST_NUMBERS, COST_OPTIONS, stack_settings
from local.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIMPLE_GB = 0.5
"""Memory of the Lambda function of the simple workflow."""

SIMPLE_CPU_MS = 2.7 * DOWNLOAD_MEMORY_MB / 512
"""CPU time of requests and boto3 for one image: 2.7 ms of one vCPU, on the share of a vCPU that 512 MB has."""

SIMPLE_LOG_BYTES = 300.0
"""Size of START, END and REPORT, which Lambda writes for each invocation, in bytes."""

CHART_LATENCIES = {1000: "#440154", 200: "#31688e", 50: "#35b779", 0: "#d9a406"}
"""Colours of the chart by latency in milliseconds. They differ also in greyscale."""

CHART_TICKS = (10, 20, 50, 100, 200, 500, 1000)
CHART_SIZES = (10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000)


def cost(texts: Mapping[str, str], names: Mapping[str, str], chart: Path | None = None) -> int:
    """Show the estimate for the arguments by name, or draw the chart. Returns the exit status. Raises UsageError.

    `names` are the numbers as messages call them.
    """
    run = parse_estimate(texts, names)
    if not chart:
        show(run)
        return 0
    try:
        draw_chart(chart)
    except OSError as error:
        raise UsageError(f"Cannot write the chart {chart}: {error.strerror}.") from error
    return 0


def parse_estimate(texts: Mapping[str, str], names: Mapping[str, str]) -> RunEstimate:
    """The estimate for the arguments; an argument that is missing or empty has its default. Raises UsageError."""
    numbers = {name: number.parse(names[name], texts.get(name, "")) for name, number in COST_NUMBERS.items()}
    try:
        options = validate_options({name: texts[name] for name in COST_OPTIONS if texts.get(name)})
    except InvalidManifest as error:
        raise UsageError(str(error)) from error
    return RunEstimate(
        images=int(numbers["images"]),
        size_kb=numbers["size_kb"],
        latency_ms=numbers["latency_ms"],
        hosts=numbers["hosts"],
        known_hosts=int(numbers["hosts"]) if math.isfinite(numbers["hosts"]) else 0,
        memory_mb=int(numbers["memory_mb"]),
        write_units=write_units(numbers["url_bytes"]),
        glacier_from_bytes=stack_settings().glacier_from_bytes,
        options=options,
    )


def one_lambda_per_image(run: RunEstimate) -> Mapping[str, float]:
    """Dollars of a Standard workflow with an inline Map: a Lambda invocation, a write and a Choice for each image.

    It is the usual first version, and suits short lists: the history of an execution is limited to 25,000 events.
    """
    objects = replace(run, options=replace(run.options, output="objects"))
    invocation = (run.latency_ms + STORE_MS + SIMPLE_CPU_MS) / 1000
    charged: tuple[tuple[str, float, Price], ...] = (
        ("Step Functions: three transitions", 3, prices.TRANSITION),
        ("S3: PUT", 1, prices.S3_PUT_INTO[run.options.storage_class]),
        ("S3: transition to Glacier", objects.images_moved_to_glacier / run.images, prices.S3_TO_GLACIER),
        ("Lambda: time, 512 MB", invocation * SIMPLE_GB, prices.LAMBDA_GB_SECOND),
        ("DynamoDB: write", 1, prices.TABLE_WRITE),
        ("Lambda: invocation", 1, prices.LAMBDA_REQUEST),
        ("CloudWatch: logs", SIMPLE_LOG_BYTES / 1e9, prices.LOG_GB),
    )
    return {name: run.images * amount * price.dollars for name, amount, price in charged if amount}


def show(run: RunEstimate) -> None:
    console = Console(highlight=False)
    title = f"{run.images:,} images of {run.size_kb:g} KB, latency {run.latency_ms:g} ms"
    console.print(_table(title, cost_components(run)))
    console.print(_table("The same with one Lambda per image in a Standard workflow", one_lambda_per_image(run)))
    for sentence in sentences(run):
        console.print(escape(sentence), soft_wrap=True)


def sentences(run: RunEstimate) -> Iterable[str]:
    minimum = minimum_dollars(run.images)
    yield f"{run.dollars / minimum:.2f} times the minimum of one PUT and one table write (${minimum:,.4g})."
    yield (
        f"About {seconds(run.seconds)}: {plural(run.batches, 'batch')} of up to {run.options.batch_size}, "
        f"{run.concurrent_batches:,} at a time, {seconds(run.batch_seconds)} each, "
        f"{run.in_flight:g} requests in flight in each."
    )
    if run.batch_too_long:
        yield BATCH_TOO_LONG
    yield from filter(None, (slow_host_note(run), glacier_note(run)))
    yield "This is an estimate. functions/core/cost/estimate.py documents its assumptions and omissions."


def _table(title: str, costs: Mapping[str, float]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("item", min_width=36)
    table.add_column("dollars", justify="right", min_width=10)
    table.add_column("share", justify="right")
    total = sum(costs.values())
    for name, dollars in sorted(costs.items(), key=lambda pair: -pair[1]):
        table.add_row(name, f"{dollars:,.4f}", f"{dollars / total:.1%}")
    table.add_section()
    table.add_row("total", f"{total:,.4f}", "")
    return table


def draw_chart(path: Path) -> None:
    """Draw the chart as SVG. The same model and the same matplotlib make the same file."""
    import matplotlib as mpl  # takes a second to import
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {  # Any: matplotlib's type lists every key
        "svg.hashsalt": "image-mirror",
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        for latency, color in CHART_LATENCIES.items():
            dollars = [
                RunEstimate(images=MILLION, latency_ms=latency, options=Options(batch_size=size)).dollars
                for size in CHART_SIZES
            ]
            axes.plot(CHART_SIZES, dollars, color=color, marker="o", markersize=4, label=f"{latency:,} ms")
        _draw_floor(axes)
        _label_axes(axes)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _draw_floor(axes: "Axes") -> None:
    axes.axhline(minimum_dollars(MILLION), color="black", linestyle="--", linewidth=1)
    axes.annotate(
        f"floor: one PUT and one table write, ${minimum_dollars(MILLION):.3f}",
        (CHART_SIZES[0], minimum_dollars(MILLION)),
        xytext=(0, -5),
        textcoords="offset points",
        va="top",
    )


def _label_axes(axes: "Axes") -> None:
    axes.axvline(Options().batch_size, color="gray", linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set_xticks(CHART_TICKS, [f"{tick:,}" for tick in CHART_TICKS])
    axes.minorticks_off()
    axes.set_ylim(bottom=5)
    axes.yaxis.set_major_formatter("${x:.0f}")
    axes.set_xlabel("rows in a batch (dotted: the default)")
    axes.set_ylabel(f"dollars per million images of {SIZE_KB:g} KB")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(title="latency", frameon=False)
