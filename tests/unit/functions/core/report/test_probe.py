"""The result of a probe on the page, and as texts."""

import re
from typing import Any

import pytest

from functions.core.report.probe import percent, probe_facts, probe_headline
from tests.unit.functions.core.report.run import page_of, stored

PROBE: Any = {
    "rows": 12_000,
    "probed": 300,
    "hosts": 40,
    "seed": 7,
    "success": {"share": 0.93, "low": 0.8951, "high": 0.9567},
    "failure_shares": {"http_4xx": 0.07},
    "image_bytes": {"mean": 52_000, "median": 48_000, "p95": 120_000},
    "image_ms": {"mean": 210, "median": 180, "p95": 900},
    "worst_hosts": [{"host": "<b>.example", "rows": None, "probed": 9, "failed": 5, "reason": "http_4xx"}],
    "estimate": {
        **{"images": 11_160, "images_low": 10_741, "images_high": 11_481},
        **{"bytes": 580_320_000, "seconds": 64.0, "dollars": 0.0712},
    },
    "notes": ["A note about <this>."],
}


def test_the_headline_says_how_much_can_be_mirrored_and_how_sure_that_is() -> None:
    assert probe_headline(PROBE) == (
        "About 93 % of 12,000 rows can be mirrored (between 89.5 % and 95.7 %). Nothing was kept."
    )
    assert probe_headline({**PROBE, "probed": 12_000}) == "93 % of 12,000 rows can be mirrored. Nothing was kept."


def test_the_facts_have_a_value_and_what_is_known_about_it() -> None:
    facts = {fact.name: (fact.value, fact.details) for fact in probe_facts(PROBE)}

    assert facts == {
        "rows of the list": ("12,000", "of 40 hosts"),
        "rows of the sample": ("300", "drawn with the seed 7"),
        "success rate": ("93 %", "between 89.5 % and 95.7 % (95 % interval)"),
        "images of the list": ("11,160", "between 10,741 and 11,481"),
        "size in total": ("580 MB", "of these images"),
        "size of an image": ("52.0 kB", "on average; median 48.0 kB, 95 % have at most 120 kB"),
        "download time": ("210 ms", "on average; median 180 ms, 95 % have at most 900 ms"),
        "time of a run": ("1 min 4 s", "of the whole list, in AWS"),
        "cost of a run": ("$0.0712", "AWS charges in us-east-1, without monthly storage"),
    }


def test_a_sample_of_all_rows_has_no_interval() -> None:
    facts = {fact.name: fact.details for fact in probe_facts({**PROBE, "probed": 12_000})}

    assert facts["rows of the sample"] == "all rows of the list"
    assert (facts["success rate"], facts["images of the list"]) == ("of all rows", "in all rows")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (1, "100 %"), (0.0001, "0.1 %"), (0.9999, "99.9 %"), (0.5, "50 %"), (0.1234, "12.3 %")],
)
def test_none_and_all_are_said_only_where_they_are_exact(share: float, text: str) -> None:
    assert percent(share) == text


def test_the_page_shows_the_result_its_notes_and_the_hosts_and_no_image() -> None:
    html = page_of(stored(object_key=None), stored=279, failed=21, probe=PROBE, retry_manifest=None)
    text = re.sub(r"<[^>]+>", " ", html)

    assert "About 93 % of 12,000 rows can be mirrored" in html
    assert "between 10,741 and 11,481" in html
    assert "A note about &lt;this&gt;." in html
    assert "&lt;b&gt;.example" in html
    assert "a probe keeps no image" in text
    assert "Some of the images" not in text
    assert "without the option probe" in " ".join(text.split())


def test_the_page_of_a_probe_does_not_say_that_anything_was_stored_or_that_the_sample_is_the_list() -> None:
    html = page_of(stored(object_key=None), stored=279, failed=21, probe=PROBE, retry_manifest=None)

    assert '<data value="300">300</data><span>in the sample</span>' in html
    assert '<div class="stored"><dt>downloaded</dt><dd><data value="279">' in html
    assert "<dt>Downloaded</dt>" in html
    assert "<h2>What was downloaded</h2>" in html
    assert "<td>\N{EN DASH}</td>" in html, "rows of a host that were not counted"


def test_the_page_of_a_run_says_nothing_about_probes() -> None:
    assert "probe" not in page_of(stored(), stored=1)
