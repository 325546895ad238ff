"""What the page shows of each image, host, reason and column."""

import pytest

from functions.core.report.sections import SampleImage, column_texts, report_sections
from tests.unit.functions.core.report.run import aggregates, failed, stored, summary

DIGEST = "0123456789abcdef" * 4


def image_of(**fields: object) -> SampleImage:
    (image,) = report_sections(summary(stored=1), aggregates(stored(**fields))).images  # type: ignore[arg-type]
    return image


@pytest.mark.parametrize(
    ("fields", "facts"),
    [
        ({}, "480 x 320 · jpeg · 1.0 kB"),
        ({"width": None}, "jpeg · 1.0 kB"),
        ({"height": None}, "jpeg · 1.0 kB"),
        ({"content_type": "image/svg+xml", "bytes": None}, "480 x 320 · svg+xml · 0 bytes"),
    ],
)
def test_an_image_has_its_size_its_type_and_its_bytes(fields: dict[str, object], facts: str) -> None:
    assert image_of(**fields).facts == facts


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (f"images/01/{DIGEST}.jpg", "images/01/01234567\u202689abcdef.jpg"),
        ("images/cats/tom.jpg", "images/cats/tom.jpg"),
        (f"images/{DIGEST[:63]}.jpg", f"images/{DIGEST[:63]}.jpg"),
    ],
)
def test_the_digest_of_a_key_is_shortened(key: str, shown: str) -> None:
    assert image_of(object_key=key).key == shown


def test_an_image_in_a_shard_has_its_position() -> None:
    lines = aggregates(stored(object_key="images/shards/r/a.tar", offset=1_048_576))
    sections = report_sections(summary(stored=1), lines)

    assert sections.images[0].facts.endswith(" · at byte 1,048,576")
    assert sections.images[0].link == "../../images/shards/r/a.tar"
    assert sections.has_shards
    assert not report_sections(summary(stored=1), aggregates(stored())).has_shards


def test_the_link_of_an_image_leads_from_the_folder_of_the_run_to_the_folder_of_the_images() -> None:
    assert image_of(object_key="images/a b?.jpg").link == "../../images/a%20b%3F.jpg"


def test_the_folder_of_the_images_contains_them_without_the_prefix_of_the_stack() -> None:
    lines = aggregates(stored(object_key="mirror/a/b?.jpg"))

    (image,) = report_sections(summary(stored=1), lines, "mirror/").images

    assert (image.key, image.link) == ("mirror/a/b?.jpg", "../../images/a/b%3F.jpg")


def test_an_image_without_dimensions_has_a_square_outline() -> None:
    outline = image_of(width=None, height=None).outline

    assert (outline.width, outline.height) == (40, 40)


def test_the_bars_of_hosts_and_reasons_are_shares_of_the_largest() -> None:
    hosts = {f"{number}.example": 12 - number for number in range(12)}
    sections = report_sections(
        summary(failed=10, failures_by_reason={"dns": 8, "timeout": 2}, failures_by_host=hosts),
        aggregates(*(stored(number, ms=100 * number, host=f"{number}.example") for number in range(1, 13))),
    )

    assert [(reason.name, reason.count, reason.percent) for reason in sections.reasons] == [
        ("dns", 8, 100),
        ("timeout", 2, 25),
    ]
    assert [host.name for host in sections.hosts] == [f"{number}.example" for number in range(10)]
    assert [bar.times.host for bar in sections.slowest_hosts] == [f"{number}.example" for number in range(12, 2, -1)]
    assert [bar.percent for bar in sections.slowest_hosts[:4]] == [100, 1100 / 12, 1000 / 12, 75]


def test_a_run_without_rows_has_no_outcomes_and_no_chart() -> None:
    sections = report_sections(summary(), aggregates())

    assert (sections.outcomes, sections.outcome_bar, sections.rate_chart) == ([], [], None)


def test_a_failed_row_has_four_of_its_columns() -> None:
    columns = {"a": "x", "b": 1, "c": None, "d": {"\u00e9": [True]}, "e": "y"}

    texts = column_texts(failed(columns=columns))

    assert texts == [("a", "x"), ("b", "1"), ("c", "null"), ("d", '{"\u00e9": [true]}')]
    assert column_texts(failed()) == []
