"""The run's page, as text; in a browser it is tested by the integration tests."""

import base64
import hashlib
import re
import shlex
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.outcomes import OUTCOME_MEANINGS, OutcomeKind
from functions.core.model.reasons import REASON_MEANINGS, Reason
from functions.core.report.aggregates import BUCKETS
from functions.core.report.page import TEMPLATES
from functions.core.report.sections import headline
from tests.unit.functions.core.report.run import failed, page_of, stored, summary

LIMIT = 200_000
CSS = (TEMPLATES / "style.css").read_text()


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        ({"stored": 3}, "3 images stored, none failed."),
        ({"stored": 1, "skipped": 2}, "1 image stored, 2 already existed, none failed."),
        ({"skipped": 1}, "1 image already existed, none failed."),
        ({"stored": 1200, "failed": 1}, "1,200 images stored, 1 row failed."),
        ({"failed": 2}, "All 2 rows failed."),
        ({"failed": 1}, "The only row failed."),
        ({"duplicate": 1, "failed": 3}, "No images stored, 3 rows failed."),
        ({}, "The manifest has no rows: there was nothing to mirror."),
        ({"status": "failed", "error": "InvalidManifest"}, "The run could not start."),
        ({"status": "failed", "error": "States.Timeout", "failed": 2}, "The run failed before it finished."),
        ({"status": "failed", "error": "TooManyFailures", "stored": 1, "failed": 2}, "1 image stored, 2 rows failed."),
    ],
)
def test_a_sentence_says_what_happened(run: dict[str, Any], sentence: str) -> None:
    assert headline(summary(**run)) == sentence


def test_every_outcome_and_every_reason_has_a_meaning() -> None:
    assert (set(OUTCOME_MEANINGS), set(REASON_MEANINGS)) == (set(OutcomeKind), set(Reason))


def test_the_counts_are_there_for_programs_too() -> None:
    html = page_of(stored=27_000, duplicate=1, failed=5)

    figures = dict(re.findall(r'<dt>(\w+)</dt><dd><data value="(\d+)">', html))
    assert figures == {
        "rows": "27006",
        "stored": "27000",
        "unchanged": "0",
        "skipped": "0",
        "duplicate": "1",
        "failed": "5",
    }
    assert ">27,006<" in html


def test_the_policy_allows_the_one_style_sheet_and_nothing_else() -> None:
    html = page_of(stored(), failed(2), stored=1, failed=1)

    (css,) = re.findall(r"<style>(.*?)</style>", html, re.S)
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', html)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert unescape(policy) == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"<script|<img|<iframe|\sstyle=|\son\w+=|javascript:|url\(|@import", html)


def test_links_lead_beside_the_page_and_to_the_images_of_a_local_run() -> None:
    html = page_of(stored(object_key="images/a b?#\"'.jpg"), failed(2), stored=1, failed=1)

    links = {unescape(link) for link in re.findall(r'<a href="(.*?)"', html)}
    assert links == {"retry.csv", "failures.csv", "../../images/a%20b%3F%23%22%27.jpg"}


def test_commands_are_of_words_that_a_shell_takes_as_they_are() -> None:
    html = page_of(failed(), stored=1, failed=1)

    commands = [
        shlex.split(unescape(text).replace("\\\n", ""))
        for text in re.findall(r"<pre><code>(.*?)</code></pre>", html, re.S)
    ]
    assert commands[0] == [
        *("aws", "s3", "cp"),
        "s3://input/runs/demo-0f3a9c1b22de/retry.csv",
        "s3://input/manifests/demo-0f3a9c1b22de-retry.csv",
    ]
    assert commands[1][:5] == ["aws", "s3", "sync", "s3://input/runs/demo-0f3a9c1b22de", "demo-0f3a9c1b22de"]


def test_a_run_without_failures_has_nothing_to_do() -> None:
    html = page_of(stored(), stored=1)

    assert "Nothing to do: no row failed." in html
    assert "failures.csv" not in html


def test_a_manifest_that_was_refused_is_to_be_fixed() -> None:
    cause = "The manifest has no url column: its first line has <b>, link."

    html = page_of(status="failed", error="InvalidManifest", cause=cause)

    assert "its first line has &lt;b&gt;, link." in html
    assert "Fix the manifest as described above and upload it again" in html


def test_the_chart_says_in_words_and_as_a_table_what_it_draws() -> None:
    html = page_of(*(stored(row, seconds=1) for row in range(1, 5)), stored(5, seconds=3), stored=5)

    assert 'aria-label="Images per second over 10.2 s, at most 16 images/s"' in html
    (table,) = re.findall(r"<details>(.*?)</details>", html, re.S)
    assert sum(int(count) for count in re.findall(r'<td><data value="(\d+)">', table)) == 5


def test_no_part_stands_there_empty() -> None:
    html = page_of(skipped=2)

    assert re.findall(r"<h2>(.*?)</h2>", html) == ["Rows by outcome", "Next steps"]


class Nested(HTMLParser):
    """Asserts that what is opened is closed, in turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@given(text=st.text(), value=st.recursive(st.none() | st.floats() | st.text(), st.lists))
def test_whatever_the_internet_says_the_page_is_whole(text: str, value: Any) -> None:
    hostile = {"url": text, "columns": {text: value}, "host": text}

    html = page_of(
        stored(object_key=f"images/{text.encode('utf-8', 'replace').decode()}", **hostile),
        failed(2, message=text, **hostile),
        stored=1,
        failed=1,
    )

    Nested(html)
    html.encode()


@pytest.mark.parametrize("char", ['"', "\u202e", "\x00", "\N{GRINNING FACE}", "\ud800"])
def test_the_page_of_the_worst_run_is_of_bounded_size(char: str) -> None:
    long = char * 2000
    columns = {f"{n}{long}": long for n in range(200)}
    key = "images/" + "\N{GRINNING FACE}" * 250
    lines = [
        stored(n, seconds=n, url=long, host=f"{n}{long}", object_key=key, columns=columns) for n in range(BUCKETS * 2)
    ]
    lines += [failed(n, url=f"https://{n}{char * 2000}/", message=long, columns=columns) for n in range(100)]
    run = {
        "status": "failed",
        "error": "TooManyFailures",
        "cause": long * 20,
        "note": long * 20,
        "manifest": {"bucket": "b" * 63, "key": long},
        "failures_by_reason": {reason.value: 10**9 for reason in Reason},
        "failures_by_host": {f"{n}{long}": 10**9 for n in range(20)},
    }

    html = page_of(*lines, stored=10**9, failed=10**9, **run)

    assert len(html.encode()) < LIMIT


def _colours(block: str) -> dict[str, tuple[float, ...]]:
    found = re.findall(r"--(\w+): #([0-9a-f]{6})", block)
    return {name: tuple(int(value[n : n + 2], 16) / 255 for n in (0, 2, 4)) for name, value in found}


def _contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour: tuple[float, ...]) -> float:
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("block", re.findall(r":root \{(.*?)\}", CSS, re.S), ids=["light", "dark", "print"])
@pytest.mark.parametrize(
    ("kind", "at_least"),
    [(("ink", "soft", "link", "good", "bad"), 4.5), (("stored", "failed", "skipped"), 3.0)],
    ids=["text", "bars"],
)
def test_colours_have_the_contrast_that_reading_wants(block: str, kind: tuple[str, ...], at_least: float) -> None:
    colours = _colours(block)

    for name in kind:
        for ground in ("paper", "card"):
            assert _contrast(colours[name], colours[ground]) >= at_least, (name, ground)


def test_what_the_page_shows_of_columns_is_what_the_row_said() -> None:
    html = page_of(failed(columns={"n": 7, "tags": ["a", "<b>"]}), stored=1, failed=1)

    assert "<bdi>n</bdi>: <bdi>7</bdi>" in html
    assert "<bdi>[&#34;a&#34;, &#34;&lt;b&gt;&#34;]</bdi>" in html
