"""What the page shows of each image, host, reason and column."""

import pytest

from functions.core.model.runs import LocalRun
from functions.core.report.samples import Failures
from functions.core.report.sections import Sections, report_sections
from functions.core.report.sections.contact_sheet import MAX_LINK_CHARACTERS, NO_BREAK, TIMES, Tile, contact_sheet
from functions.core.report.sections.failures import column_texts
from tests.unit.functions.core.report.run import aggregates, failed, stored, summary


def tile_of(prefix: str = "images/", **fields: object) -> Tile:
    images = aggregates(stored(**fields)).images  # type: ignore[arg-type]
    sheet = contact_sheet(summary(stored=1), images, prefix, local=True)
    assert sheet
    (tile,) = sheet.tiles
    return tile


@pytest.mark.parametrize(
    ("fields", "facts"),
    [
        ({}, ["480 x 320", "jpeg, 1.0 kB"]),
        ({"width": None}, ["jpeg, 1.0 kB"]),
        ({"height": None}, ["jpeg, 1.0 kB"]),
        ({"width": 12_000, "content_type": "image/x-icon"}, ["12,000 x 320", "icon, 1.0 kB"]),
        ({"content_type": "image/svg+xml", "bytes": None}, ["480 x 320", "svg, 0 bytes"]),
    ],
)
def test_an_image_has_its_size_its_type_and_its_bytes(fields: dict[str, object], facts: list[str]) -> None:
    assert [fact.replace(TIMES, "x").replace(NO_BREAK, " ") for fact in tile_of(**fields).facts] == facts


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://a.example/1.jpg", "a.example", "/1.jpg"),
        (
            "https://archive-2.example.org/a/collection/0001/aurora.png",
            "archive-2.example.org",
            "…/collection/0001/aurora.png",
        ),
        ("http://[::1]:80/" + "x" * 2000 + "/photo-0001.jpeg?size=large", "[::1]:80", "…/photo-0001.jpeg?size=large"),
        ("https://a.example", "a.example", "/"),
    ],
    ids=["short", "long", "longest", "no path"],
)
def test_the_url_of_an_image_is_shown_as_its_host_and_the_end_of_its_path(url: str, host: str, path: str) -> None:
    tile = tile_of(url=url)

    assert (tile.host, tile.path) == (host, path)


@pytest.mark.parametrize(
    ("prefix", "key"),
    [("images/", "images/a b?.jpg"), ("mirror/", "mirror/a b?.jpg"), ("mirror/a/", "mirror/a/a b?.jpg")],
)
def test_the_link_of_an_image_leads_from_the_folder_of_the_run_to_the_folder_of_the_images(
    prefix: str, key: str
) -> None:
    assert tile_of(prefix, object_key=key).link == "../../images/a%20b%3F.jpg"


def test_an_image_without_dimensions_has_a_square_outline() -> None:
    outline = tile_of(width=None, height=None).outline

    assert (outline.width, outline.height) == (40, 40)


def test_images_with_very_long_keys_are_fewer() -> None:
    lines = [stored(row, object_key=f"images/{'é' * 400}{row}.jpg") for row in range(1, 61)]

    sheet = contact_sheet(summary(stored=60), aggregates(*lines).images, "images/", local=True)

    assert sheet
    assert 5 < len(sheet.tiles) < 60
    assert sum(len(tile.link) for tile in sheet.tiles) <= MAX_LINK_CHARACTERS


def sections_of(*lines: object, **fields: object) -> Sections:
    return report_sections(summary(**fields), aggregates(*lines), {}, LocalRun(command="run", out="out"))  # type: ignore[arg-type]


def test_reasons_are_grouped_by_what_a_retry_can_do() -> None:
    lines = [failed(row, reason="dns", retryable=True) for row in range(8)]
    lines += [
        failed(20, reason="tls", retryable=True),
        *(failed(row, reason="tls", retryable=False) for row in (21, 22)),
    ]

    later, final = sections_of(*lines, failed=11).failures

    assert (later.rows, final.rows) == (9, 2)
    assert [(reason.name, reason.rows, reason.percent) for reason in later.reasons] == [
        ("dns", 8, 100),
        ("tls", 1, 12.5),
    ]
    assert [(reason.name, reason.rows, reason.percent) for reason in final.reasons] == [("tls", 2, 25)]


def test_an_example_is_shown_of_another_host() -> None:
    urls = ["https://a.example/1", "https://a.example/2", "https://b.example/3", "https://c.example/4"]
    lines = [failed(row, url=url, reason="dns", retryable=True) for row, url in enumerate(urls)]

    (group,) = sections_of(*lines, failed=4).failures

    assert [example["url"] for example in group.reasons[0].examples] == [urls[0], urls[2]]


def lines_of(host: str, images: int, failures: int, ms: int = 100) -> list[object]:
    url = f"https://{host}/"
    rows = [stored(row, host=host, ms=ms) for row in range(images)]
    return [*rows, *(failed(row, url=url) for row in range(failures))]


@pytest.mark.parametrize(
    ("hosts", "shown"),
    [
        ({"bad.example": (5, 20)}, {"bad.example": "20 of 25 rows failed."}),
        ({"bad.example": (0, 9)}, {"bad.example": "All 9 rows failed."}),
        ({"usual.example": (95, 5)}, {}),
        ({"small.example": (0, 2)}, {}),
        (
            {"a.example": (0, 20), "b.example": (0, 30)},
            {"b.example": "All 30 rows failed.", "a.example": "All 20 rows failed."},
        ),
    ],
)
def test_hosts_with_unusually_many_failures_stand_out(hosts: dict[str, tuple[int, int]], shown: dict[str, str]) -> None:
    others = {f"{number}.example": (95, 5) for number in range(5)}
    lines = [line for host, counts in (others | hosts).items() for line in lines_of(host, *counts)]
    failures = {host: count for host, (_, count) in sorted((others | hosts).items(), key=lambda entry: -entry[1][1])}
    stored_rows = sum(images for images, _ in (others | hosts).values())

    found = sections_of(*lines, stored=stored_rows, failed=sum(failures.values()), failures_by_host=failures).hosts

    assert {host.name: host.why for host in found} == shown


def test_slow_hosts_stand_out() -> None:
    lines = [line for host in "abcdef" for line in lines_of(f"{host}.example", 20, 0, ms=3000 if host == "c" else 100)]

    (host,) = sections_of(*lines, stored=120).hosts

    assert (host.name, host.why) == (
        "c.example",
        "A download took 3.0 s on average over 20 images; over all hosts 583 ms.",
    )


@pytest.mark.parametrize("ms", [100, 3000])
def test_the_only_host_does_not_stand_out(ms: int) -> None:
    lines = lines_of("a.example", 20, 20, ms=ms)

    assert sections_of(*lines, stored=20, failed=20, failures_by_host={"a.example": 20}).hosts == []


def test_stored_images_are_counted_by_type_and_by_size() -> None:
    lines = [stored(row, bytes=size) for row, size in enumerate([9_999, 10_000, 99_999, 100_000, 20_000_000])]
    lines.append(stored(9, content_type="image/png", bytes=500))

    sections = sections_of(*lines, stored=6)

    assert [(kind.name, kind.images, kind.bytes) for kind in sections.types] == [
        ("image/jpeg", 5, 20_219_998),
        ("image/png", 1, 500),
    ]
    assert [(kind.name, kind.images) for kind in sections.sizes] == [
        ("under 10 kB", 2),
        ("10 kB to 100 kB", 2),
        ("100 kB to 1 MB", 1),
        ("10 MB and more", 1),
    ]


def test_the_estimate_stands_beside_what_the_run_took() -> None:
    lines = [stored(row, bytes=200_000, ms=400) for row in range(1000)]

    found = {
        line.name: (line.estimated, line.actual)
        for line in sections_of(*lines, stored=1000, bytes=200_000_000).comparisons
    }

    assert found["Size of an image"] == ("100 kB", "200 kB")
    assert found["Time of a download"] == ("200 ms", "400 ms")
    assert found["Duration"][1] == "10.0 s"
    assert [text[0] for text in found["Cost in AWS"]] == ["$", "$"]
    assert sections_of().comparisons == []


def test_a_run_without_rows_has_no_outcomes_and_no_chart() -> None:
    sections = sections_of()

    assert (sections.outcomes, sections.outcome_bar, sections.rate_chart, sections.index_files) == ([], [], None, [])


def test_a_failed_row_has_four_of_its_columns() -> None:
    columns = {"a": "x", "b": 1, "c": None, "d": {"\u00e9": [True]}, "e": "y"}
    failures = Failures()
    failures.add(failed(columns=columns))

    (example,) = failures.kinds["final"]["http_4xx"].examples

    assert column_texts(example) == [("a", "x"), ("b", "1"), ("c", "null"), ("d", '{"\u00e9": [true]}')]
