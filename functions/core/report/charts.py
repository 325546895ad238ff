"""Charts as inline SVG, each beside the figures it draws: nothing is told by a shape or a colour alone.

Sizes are attributes of the shapes, for the page's policy forbids inline styles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.core.report.formatting import figure, number, rate, seconds
from functions.core.report.markup import Child, Markup, tag

TOP = 1000
"""The height of the rate's chart, in its own units; as wide as it has buckets, stretched to the page."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a bar chart: what it is of, how long it is, the cells after it."""

    label: Child
    value: float
    cells: tuple[Child, ...]


def bar_table(caption: str, columns: Sequence[str], bars: Sequence[Bar]) -> Markup:
    """A table whose first column is drawn over: readable without the drawing, also by a screen reader."""
    longest = max((bar.value for bar in bars), default=0) or 1
    head = tag("tr", *(tag("th", name, scope="col") for name in columns))
    rows = (
        tag(
            "tr",
            tag("th", bar.label, _bar(bar.value / longest), scope="row"),
            *(tag("td", cell) for cell in bar.cells),
        )
        for bar in bars
    )
    return tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *rows), class_="bars")


def stacked(parts: Mapping[str, int]) -> Markup | None:
    """One bar of several parts; the figures stand beside it."""
    whole = sum(parts.values())
    if not whole:
        return None
    shapes, at = [], 0.0
    for name, count in parts.items():
        wide = count * 100 / whole
        if count:
            shapes.append(tag("rect", x=f"{at:.3f}%", width=f"{wide:.3f}%", height="100%", class_=name))
        at += wide
    return tag("svg", *shapes, class_="stack", aria_hidden="true")


def rate_chart(counts: Sequence[int], width: float) -> Markup:
    """Images a second over the time of a run: a column a bucket, of `width` seconds each."""
    peak, span = max(counts), len(counts) * width
    label = f"Images per second over {seconds(span)}, at most {rate(peak / width)}"
    columns = [_column(n, count, peak, width) for n, count in enumerate(counts) if count]
    drawing = tag(
        "svg",
        *columns,
        viewBox=f"0 0 {len(counts)} {TOP}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )
    ticks = tag("p", *(tag("span", seconds(span * part / 2)) for part in (0, 1, 2)), class_="ticks")
    top = tag("p", rate(peak / width), class_="peak")
    return tag("figure", top, drawing, ticks, _as_table(counts, width), class_="rate")


def _column(n: int, count: int, peak: int, width: float) -> Markup:
    high = max(8, round(TOP * count / peak))
    said = f"{number(count)} in {seconds(width)} from {seconds(n * width)}: {rate(count / width)}"
    return tag("rect", tag("title", said), x=f"{n + 0.1:.1f}", y=TOP - high, width="0.8", height=high)


def _as_table(counts: Sequence[int], width: float) -> Markup:
    head = tag("tr", *(tag("th", name, scope="col") for name in ("from", "images", "rate")))
    rows = (
        tag("tr", tag("th", seconds(n * width), scope="row"), tag("td", figure(count)), tag("td", rate(count / width)))
        for n, count in enumerate(counts)
    )
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    return tag("details", tag("summary", "The same as a table"), table)


def outline(width: int, height: int) -> Markup:
    """A frame of an image's shape; nothing of it is loaded."""
    longer = max(width, height)
    wide, high = max(4, width * 40 // longer), max(4, height * 40 // longer)
    frame = tag("rect", x=(44 - wide) / 2, y=(44 - high) / 2, width=wide, height=high, rx=2)
    return tag("svg", frame, viewBox="0 0 44 44", class_="outline", aria_hidden="true")


def _bar(part: float) -> Markup:
    shape = tag("rect", width=f"{max(part * 100, 0.5):.2f}%", height="100%", rx=2)
    return tag("svg", shape, class_="bar", aria_hidden="true")
