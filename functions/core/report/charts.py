"""Geometry of the charts. The template draws them as inline SVG, each next to its figures.

Sizes are attributes of the shapes, because the page's Content-Security-Policy forbids inline styles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.core.report.formatting import number, rate, seconds

RATE_HEIGHT = 1000
"""Height of the rate chart in SVG units. Its width is one unit a bucket; both are stretched to the page."""

MARK_WIDTH = 0.25
"""Width of the line at the start of a pass, in buckets."""

MIN_COLUMN_HEIGHT = 8
MIN_BAR_PERCENT = 0.5
MIN_PART_PERCENT = 1.5
"""Minimum sizes of columns, bars and parts of a bar, so that each is visible."""

MIN_LABEL_PERCENT = 4.0
"""Smallest distance of two numbers of passes, in percent of the width."""

OUTLINE_SIZE, OUTLINE_BOX = 40, 44
"""Longer side of an image's outline and size of the square around it, in SVG units."""


NO_PASSES: Mapping[int, float] = {}


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Sizes in the units of the drawing. `name` is a CSS class, `title` a tooltip."""

    x: float
    width: float
    y: float = 0
    height: float = 100
    name: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class MarkLabel:
    """The number of a pass at its line, `percent` of the width from the left."""

    text: str
    percent: float


@dataclass(frozen=True, slots=True)
class RateBucket:
    """A row of the rate chart's table: the bucket's start and rate as text, and its number of images."""

    start: str
    images: int
    rate: str


@dataclass(frozen=True, slots=True)
class RateChart:
    """Images per second during the run. `marks` are the starts of passes, of which those that are not too close have
    one of `mark_labels`; `ticks` are the labels of the time axis."""

    label: str
    peak: str
    columns: Sequence[Rectangle]
    marks: Sequence[Rectangle]
    mark_labels: Sequence[MarkLabel]
    ticks: Sequence[str]
    buckets: Sequence[RateBucket]


def bar_percent(value: float, largest: float) -> float:
    """Width of a bar, in percent of the width of the largest one."""
    return max(value * 100 / largest, MIN_BAR_PERCENT) if largest else MIN_BAR_PERCENT


def stacked_bar(counts: Mapping[str, int]) -> list[Rectangle]:
    """One bar of several parts, in percent of its width, each of them visible; empty if all counts are 0."""
    total = sum(counts.values())
    shares = {name: max(count * 100 / total, MIN_PART_PERCENT) for name, count in counts.items() if count}
    parts, x, scale = [], 0.0, 100 / max(1, sum(shares.values()))
    for name, share in shares.items():
        parts.append(Rectangle(x=x, width=share * scale, name=name))
        x += share * scale
    return parts


def rate_chart(counts: Sequence[int], width: float, passes: Mapping[int, float] = NO_PASSES) -> RateChart:
    """Images per second: one column for each bucket of `width` seconds. One of `counts` at least is not 0.

    `passes` has the start of each pass in seconds since that of the run.
    """
    peak, duration = max(counts), len(counts) * width
    buckets = [
        RateBucket(seconds(position * width), count, rate(count / width)) for position, count in enumerate(counts)
    ]
    return RateChart(
        label=f"Images per second over {seconds(duration)}, at most {rate(peak / width)}{_pass_label(passes)}",
        peak=rate(peak / width),
        columns=[_column(position, bucket, peak, width) for position, bucket in enumerate(buckets) if bucket.images],
        marks=[_mark(pass_number, start / width, len(counts)) for pass_number, start in passes.items()],
        mark_labels=_mark_labels(passes, duration),
        ticks=[seconds(duration * part / 2) for part in (0, 1, 2)],
        buckets=buckets,
    )


def _pass_label(passes: Mapping[int, float]) -> str:
    starts = ", ".join(f"pass {pass_number} at {seconds(start)}" for pass_number, start in passes.items())
    return f"; {starts}" if starts else ""


def _mark(pass_number: int, position: float, buckets: int) -> Rectangle:
    """A line over the whole height."""
    return Rectangle(
        x=min(max(position, 0), buckets - MARK_WIDTH), width=MARK_WIDTH, height=RATE_HEIGHT, title=f"pass {pass_number}"
    )


def _mark_labels(passes: Mapping[int, float], duration: float) -> list[MarkLabel]:
    labels: list[MarkLabel] = []
    for pass_number, start in passes.items():
        percent = min(100.0, start * 100 / duration)
        if not labels or percent - labels[-1].percent >= MIN_LABEL_PERCENT:
            labels.append(MarkLabel(str(pass_number), percent))
    return labels


def _column(position: int, bucket: RateBucket, peak: int, width: float) -> Rectangle:
    height = max(MIN_COLUMN_HEIGHT, round(RATE_HEIGHT * bucket.images / peak))
    title = f"{number(bucket.images)} in {seconds(width)} from {bucket.start}: {bucket.rate}"
    return Rectangle(x=position + 0.1, width=0.8, y=RATE_HEIGHT - height, height=height, title=title)


def outline(width: int, height: int) -> Rectangle:
    """A frame with the aspect ratio of an image, at the centre of a square. The image itself is not loaded."""
    longer = max(width, height)
    frame_width = max(4, width * OUTLINE_SIZE // longer)
    frame_height = max(4, height * OUTLINE_SIZE // longer)
    return Rectangle(
        x=(OUTLINE_BOX - frame_width) / 2,
        y=(OUTLINE_BOX - frame_height) / 2,
        width=frame_width,
        height=frame_height,
    )
