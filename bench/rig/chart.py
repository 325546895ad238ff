"""The chart of `make bench`: rate and CPU time per image by contender, and the rate by latency."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.rig.results import Measurements, StatisticResult
from functions.core.model.options import Options

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATES = (10, 20, 50, 100, 200, 500)
OUR_COLOR, OTHER_COLOR = "#31688e", "#b8b8b8"


def draw(path: Path, measurements: Measurements) -> None:
    """Write the chart as SVG. Equal measurements give an equal file."""
    import matplotlib as mpl  # imported here because it takes a second
    from matplotlib.figure import Figure

    style = {"svg.hashsalt": "image-mirror", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style):  # type: ignore[arg-type]
        figure = Figure(figsize=(10, 3.6), layout="constrained")
        rates, cpu, latencies = figure.subplots(1, 3, width_ratios=(4, 4, 5))
        _draw_bars(rates, "images per second, no latency", measurements["speed"]["rates"])
        _draw_bars(cpu, "CPU milliseconds per image", measurements["speed"]["cpu_ms"])
        _draw_latencies(latencies, measurements)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _draw_bars(axes: "Axes", title: str, statistics: Mapping[str, StatisticResult]) -> None:
    names = list(statistics)
    medians = [statistics[name]["median"] for name in names]
    errors = [
        [statistics[name]["median"] - statistics[name]["low"] for name in names],
        [statistics[name]["high"] - statistics[name]["median"] for name in names],
    ]
    colors = [OUR_COLOR if name == "download_batch" else OTHER_COLOR for name in names]
    axes.barh(range(len(names)), medians, xerr=errors, color=colors, ecolor="black", capsize=2)
    axes.set_yticks(range(len(names)), [name.replace(" ", "\n", 1) for name in names])
    axes.invert_yaxis()
    axes.set_title(title, fontsize=10, loc="left")


def _draw_latencies(axes: "Axes", measurements: Measurements) -> None:
    # The lists are the runs with a slow S3.
    results = {int(ms): each for ms, each in measurements["latencies"].items() if not isinstance(each, list)}
    ticks = sorted(results)
    rates = {
        "pool": [results[ms]["pool"][0]["rate"] for ms in ticks],
        "download_batch": [results[ms]["download_batch"][0]["rate"] for ms in ticks],
    }
    for name, color in (("pool", OTHER_COLOR), ("download_batch", OUR_COLOR)):
        axes.plot(range(len(ticks)), rates[name], color=color, marker="o", label=name)
    maximum = f"maximum with {Options().concurrency} concurrent downloads"
    axes.plot(
        range(len(ticks)), [results[ms]["possible"] for ms in ticks], color=OUR_COLOR, linestyle=":", label=maximum
    )
    axes.set_xticks(range(len(ticks)), [f"{ms:,} ms" for ms in ticks])
    axes.set_yscale("log")
    axes.set_yticks(RATES, [str(rate) for rate in RATES])
    axes.minorticks_off()
    axes.set_title("images per second, by latency", fontsize=10, loc="left")
    axes.legend(frameon=False, loc="lower left")
