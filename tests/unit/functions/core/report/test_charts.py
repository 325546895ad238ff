"""The geometry of the charts, worked out by hand."""

import pytest

from functions.core.report.charts import RateBucket, Rectangle, bar_percent, outline, rate_chart, stacked_bar


@pytest.mark.parametrize(
    ("value", "largest", "percent"),
    [(10, 10, 100), (5, 10, 50), (1, 200, 0.5), (1, 201, 0.5), (0, 10, 0.5), (0, 0, 0.5)],
)
def test_a_bar_is_a_share_of_the_largest_and_always_visible(value: float, largest: float, percent: float) -> None:
    assert bar_percent(value, largest) == percent


def test_the_parts_of_a_bar_follow_one_another() -> None:
    assert stacked_bar({"a": 1, "b": 0, "c": 2, "d": 1}) == [
        Rectangle(x=0, width=25, y=0, height=100, name="a"),
        Rectangle(x=25, width=50, y=0, height=100, name="c"),
        Rectangle(x=75, width=25, y=0, height=100, name="d"),
    ]
    assert stacked_bar({"a": 0}) == []


def test_a_column_is_as_high_as_its_bucket_has_images() -> None:
    chart = rate_chart([0, 40, 10, 1000], 0.5)

    assert [(bar.x, bar.width, bar.y, bar.height) for bar in chart.columns] == [
        (1.1, 0.8, 960, 40),
        (2.1, 0.8, 990, 10),
        (3.1, 0.8, 0, 1000),
    ]
    assert chart.columns[2].title == "1,000 in 500 ms from 1.5 s: 2,000 images/s"
    assert chart.label == "Images per second over 2.0 s, at most 2,000 images/s"
    assert chart.peak == "2,000 images/s"
    assert chart.ticks == ["0 s", "1.0 s", "2.0 s"]
    assert chart.buckets[1] == RateBucket("500 ms", 40, "80 images/s")
    assert [bucket.start for bucket in chart.buckets] == ["0 s", "500 ms", "1.0 s", "1.5 s"]


@pytest.mark.parametrize(
    ("counts", "widths"),
    [
        ({"a": 1, "b": 99_999}, [1.5, 100]),
        ({"a": 99_999, "b": 1, "c": 1}, [100, 1.5, 1.5]),
        ({"a": 50, "b": 50}, [50, 50]),
    ],
)
def test_every_part_of_a_bar_is_visible_and_they_fill_it(counts: dict[str, int], widths: list[float]) -> None:
    parts = stacked_bar(counts)

    assert [part.width for part in parts] == pytest.approx([width * 100 / sum(widths) for width in widths], rel=1e-4)
    assert parts[-1].x + parts[-1].width == pytest.approx(100)


def test_the_start_of_a_pass_is_a_line_and_a_part_of_the_label() -> None:
    chart = rate_chart([5, 5, 5, 5], 10, {1: 5.0, 2: 70.0})

    assert [(mark.x, mark.title) for mark in chart.marks] == [(0.5, "pass 1"), (3.75, "pass 2")]
    assert chart.label.endswith("; pass 1 at 5.0 s, pass 2 at 1 min 10 s")


@pytest.mark.parametrize(
    ("starts", "labels"),
    [
        ({1: 10, 2: 50}, [("1", 10), ("2", 50)]),
        ({1: 10, 2: 12, 3: 14}, [("1", 10), ("3", 14)]),
        ({7: 98, 8: 400}, [("7", 98)]),
        ({}, []),
    ],
    ids=["apart", "close", "after the end", "none"],
)
def test_the_lines_of_passes_are_numbered_where_there_is_room(
    starts: dict[int, float], labels: list[tuple[str, float]]
) -> None:
    chart = rate_chart([5] * 10, 10, starts)

    assert [(label.text, label.percent) for label in chart.mark_labels] == labels


def test_the_lowest_column_is_visible() -> None:
    low, _ = rate_chart([1, 1000], 1).columns

    assert (low.y, low.height) == (992, 8)


@pytest.mark.parametrize(
    ("width", "height", "frame"),
    [
        (480, 320, Rectangle(x=2, width=40, y=9, height=26)),
        (320, 480, Rectangle(x=9, width=26, y=2, height=40)),
        (1, 1, Rectangle(x=2, width=40, y=2, height=40)),
        (1000, 1, Rectangle(x=2, width=40, y=20, height=4)),
        (1, 1000, Rectangle(x=20, width=4, y=2, height=40)),
    ],
)
def test_an_outline_has_the_proportions_of_the_image(width: int, height: int, frame: Rectangle) -> None:
    assert outline(width, height) == frame
