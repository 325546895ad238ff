"""What `make bench` found, as one picture: images a second and CPU an image by contender, and by latency."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.measures.latencies import DEFAULTS

RATES = (10, 20, 50, 100, 200, 500)
OURS, OTHERS = "#31688e", "#b8b8b8"


def draw(path: Path, results: Mapping[str, Any]) -> None:
    """`results` as the results file has them. The same picture for the same figures."""
    import matplotlib as mpl  # takes a second to import
    from matplotlib.figure import Figure

    style: Any = {"svg.hashsalt": "image-mirror", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style):
        figure = Figure(figsize=(10, 3.6), layout="constrained")
        rates, cpu, latencies = figure.subplots(1, 3, width_ratios=(4, 4, 5))
        _bars(rates, "images a second, no latency", results["speed"]["rates"])
        _bars(cpu, "CPU milliseconds an image", results["speed"]["cpu_ms"])
        _by_latency(latencies, results["latencies"])
        figure.savefig(path, format="svg", metadata={"Date": None})


def _bars(axes: Any, title: str, figures: Mapping[str, Mapping[str, float]]) -> None:
    names = list(figures)
    medians = [figures[name]["median"] for name in names]
    spread = [
        [figures[name]["median"] - figures[name]["low"] for name in names],
        [figures[name]["high"] - figures[name]["median"] for name in names],
    ]
    colors = [OURS if name == "download_batch" else OTHERS for name in names]
    axes.barh(range(len(names)), medians, xerr=spread, color=colors, ecolor="black", capsize=2)
    axes.set_yticks(range(len(names)), [name.replace(" ", "\n", 1) for name in names])
    axes.invert_yaxis()
    axes.set_title(title, fontsize=10, loc="left")


def _by_latency(axes: Any, latencies: Mapping[str, Mapping[str, Any]]) -> None:
    ticks = sorted((ms for ms in latencies if ms.isdigit()), key=int)
    for name, color in (("pool", OTHERS), ("download_batch", OURS)):
        rates = [latencies[ms][name][0]["rate"] for ms in ticks]
        axes.plot(range(len(ticks)), rates, color=color, marker="o", label=name)
    possible = [latencies[ms]["possible"] for ms in ticks]
    axes.plot(
        range(len(ticks)), possible, color=OURS, linestyle=":", label=f"{DEFAULTS.concurrency} at a time, no waste"
    )
    axes.set_xticks(range(len(ticks)), [f"{int(ms):,} ms" for ms in ticks])
    axes.set_yscale("log")
    axes.set_yticks(RATES, [str(rate) for rate in RATES])
    axes.minorticks_off()
    axes.set_title("images a second, by latency", fontsize=10, loc="left")
    axes.legend(frameon=False, loc="lower left")
