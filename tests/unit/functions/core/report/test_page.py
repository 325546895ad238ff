"""The run's page, as text; in a browser it is tested by the integration tests."""

import base64
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.options import OPTION_DEFAULTS
from functions.core.model.outcomes import OUTCOME_MEANINGS, OutcomeKind
from functions.core.model.reasons import REASON_MEANINGS, Reason
from functions.core.model.runs import LocalRun
from functions.core.model.types import RunFields
from functions.core.report.aggregates import BUCKETS
from functions.core.report.page import TEMPLATES
from functions.core.report.state import State, headline, run_state
from tests.unit.functions.core.report.run import commands, failed, page_of, stored, summary

LIMIT = 300_000
CSS = (TEMPLATES / "style.css").read_text()
OUT = "my images/it's"
LOCAL = LocalRun(command="run", out=OUT, allow="10.0.0.0/8,127.0.0.0/8")


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
        (
            {"status": "cancelled", "error": "Cancelled", "stored": 1, "failed": 2},
            "The run was cancelled; 1 of 3 images was stored, 2 rows failed.",
        ),
    ],
)
def test_a_sentence_says_what_happened(run: dict[str, Any], sentence: str) -> None:
    assert headline(summary(**run)) == sentence


@pytest.mark.parametrize(
    ("run", "rest"),
    [
        (
            {"stored": 250, "failed": 350, "failures_by_reason": {"out_of_time": 350}},
            "; 250 of 600 images were stored, 350 rows were not attempted.",
        ),
        (
            {"stored": 1, "skipped": 2, "failed": 4, "failures_by_reason": {"dns": 3, "out_of_time": 1}},
            "; 1 of 7 images was stored, 2 already existed, 3 rows failed, 1 row was not attempted.",
        ),
        ({"stored": 2}, "; 2 of 2 images were stored."),
        ({}, " before it reached a row."),
    ],
)
def test_an_interrupted_run_says_how_far_it_came(run: dict[str, Any], rest: str) -> None:
    sentence = headline(summary(status="cancelled", error="Interrupted", **run))

    assert sentence == f"The run was interrupted{rest}"


def test_every_outcome_and_every_reason_has_a_meaning() -> None:
    assert (set(OUTCOME_MEANINGS), set(REASON_MEANINGS)) == (set(OutcomeKind), set(Reason))


def test_the_counts_are_there_for_programs_too() -> None:
    html = page_of(stored=27_000, duplicate=1, failed=5)

    figures = dict(re.findall(r'<dt>(\w+)</dt><dd><data value="(\d+)">', html))
    assert figures == {"rows": "27006", "stored": "27000", "duplicate": "1", "failed": "5"}
    assert ">27,006<" in html


def test_the_policy_allows_the_one_style_sheet_and_nothing_else() -> None:
    html = page_of(stored(), failed(2), stored=1, failed=1)

    (css,) = re.findall(r"<style>(.*?)</style>", html, re.S)
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', html)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert unescape(policy) == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"<script|<iframe|\sstyle=|\son\w+=|javascript:|url\(|@import", html)


FILES = {
    *("#failures", "retry.csv", "failures.csv", "summary.json", "results.csv", "domains.csv", "croissant.json"),
    *("lock.csv", "athena.sql"),
}


@pytest.mark.parametrize(("local_run", "images"), [(None, set()), (LOCAL, {"../../images/a%20b%3F%23%22%27.jpg"})])
def test_links_lead_beside_the_page_and_to_the_images_of_a_local_run(
    local_run: LocalRun | None, images: set[str]
) -> None:
    html = page_of(stored(object_key="images/a b?#\"'.jpg"), failed(2), stored=1, failed=1, local_run=local_run)

    links = {unescape(link) for link in re.findall(r'<a href="(.*?)"', html)}
    assert links == FILES | images
    assert {unescape(link) for link in re.findall(r'<img src="(.*?)"', html)} == images


def test_commands_are_of_words_that_a_shell_takes_as_they_are() -> None:
    html = page_of(failed(), stored=1, failed=1)

    retry, download = commands(html)
    assert retry == [
        *("aws", "s3", "cp"),
        "s3://input/runs/demo-0f3a9c1b22de/retry.csv",
        "s3://input/manifests/demo-0f3a9c1b22de-retry.csv",
    ]
    assert download[:5] == ["aws", "s3", "sync", "s3://input/runs/demo-0f3a9c1b22de", "demo-0f3a9c1b22de"]


def test_the_page_of_a_local_run_shows_the_command_that_retries_it_here() -> None:
    options = {"per_host": "2", "user_agent": "it's mine; $(rm)"}

    html = page_of(failed(), stored=1, failed=1, retry_options=options, local_run=LOCAL)

    assert commands(html) == [
        [
            *("./image-mirror", "run", f"{OUT}/runs/demo-0f3a9c1b22de/retry.csv"),
            *("--out", OUT),
            *("--allow", "10.0.0.0/8,127.0.0.0/8"),
            *("--option", "per_host=2"),
            *("--option", "user_agent=it's mine; $(rm)"),
        ]
    ]
    assert "Retry the row that may still succeed: " in html


HEADERS = {"rounds": "3", "headers": json.dumps({"Referer": "\u2026", "X-A": "\u2026"})}


def test_the_command_of_a_run_with_headers_has_a_place_for_each_value() -> None:
    local = page_of(failed(), stored=1, failed=1, retry_options=HEADERS, local_run=LOCAL)
    deployed = page_of(failed(), stored=1, failed=1, retry_options=HEADERS)

    assert commands(local)[0][-6:] == [
        *("--option", "rounds=3", "--header", "Referer: \u2026", "--header", "X-A: \u2026")
    ]
    *copy, metadata = commands(deployed)[0]
    assert copy[-3:] == ["--metadata-directive", "REPLACE", "--metadata"]
    assert json.loads(metadata)["rounds"] == "3"
    assert json.loads(json.loads(metadata)["headers"]) == {"Referer": "\u2026", "X-A": "\u2026"}
    assert all("Replace each \u2026 by the value of the header" in page for page in (local, deployed))
    assert "Replace each" not in page_of(failed(), stored=1, failed=1, local_run=LOCAL)


def test_the_command_for_aws_has_options_in_any_script_as_metadata_can_hold_them() -> None:
    options = {**HEADERS, "url_column": "Gr\u00f6\u00dfe"}

    local = page_of(failed(), stored=1, failed=1, retry_options=options, local_run=LOCAL)
    deployed = page_of(failed(), stored=1, failed=1, retry_options=options)

    assert "url_column=Gr\u00f6\u00dfe" in commands(local)[0]
    assert json.loads(commands(deployed)[0][-1])["url-column"] == "=?UTF-8?B?R3LDtsOfZQ==?="


def test_the_page_of_a_local_run_names_no_bucket_and_offers_no_download() -> None:
    html = page_of(stored(), failed(2), stored=1, failed=1, local_run=LOCAL)

    assert not re.search(r"s3://|aws s3|Download this report|In AWS|manifests folder", html)
    assert "In the folder of this page." in html


def test_the_retry_of_the_demo_serves_its_web_site_again() -> None:
    html = page_of(failed(), stored=1, failed=1, local_run=LocalRun(command="run", out="out", demo=True))

    (retry,) = commands(html)
    assert retry == [
        "./image-mirror",
        "run",
        "out/runs/demo-0f3a9c1b22de/retry.csv",
        "--demo",
        "--out",
        "out",
        "--option",
        "rounds=3",
    ]


def test_the_command_of_another_folder_has_the_path_of_the_program() -> None:
    local_run = LocalRun(command="run", out="out", program="/my tools/image-mirror")

    (retry,) = commands(page_of(failed(), stored=1, failed=1, local_run=local_run))
    assert retry[:2] == ["/my tools/image-mirror", "run"]


def test_with_make_up_the_page_shows_how_to_reach_the_local_aws_before_its_commands() -> None:
    html = page_of(failed(), stored=1, failed=1, local_run=LocalRun(command="up", out=OUT))

    environment, retry = commands(html)
    assert environment == ["source", f"{OUT}/local.env"]
    assert retry[:4] == ["aws", "s3", "cp", "s3://input/runs/demo-0f3a9c1b22de/retry.csv"]
    assert "Download this report" not in html


def test_with_make_up_a_run_without_a_command_needs_no_environment() -> None:
    assert commands(page_of(stored(), stored=1, local_run=LocalRun(command="up", out="out"))) == []


@pytest.mark.parametrize(
    ("local_run", "again"),
    [
        (None, "upload it again: this starts a new run."),
        (LocalRun(command="up", out="out"), "upload it again: this starts a new run."),
        (LOCAL, "run the same command again: this starts a new run."),
    ],
)
def test_a_run_that_could_not_start_is_started_again_as_it_was(local_run: LocalRun | None, again: str) -> None:
    html = page_of(status="failed", error="InvalidManifest", cause="No url column.", local_run=local_run)

    assert f"Fix the manifest as described above and {again}" in html
    assert (["aws", "s3", "cp", "YOUR-MANIFEST", "s3://input/manifests/"] in commands(html)) is (local_run != LOCAL)


def test_the_page_of_an_interrupted_run_shows_how_to_continue() -> None:
    run = {
        "status": "cancelled",
        "error": "Interrupted",
        "cause": "The local run was interrupted.",
        "failures_by_reason": {"out_of_time": 350},
    }

    html = page_of(failed(reason="out_of_time"), stored=250, failed=350, local_run=LOCAL, **run)

    assert "<h1>The run was interrupted; 250 of 600 images were stored, 350 rows were not attempted.</h1>" in html
    assert "<strong>Interrupted</strong>: <bdi>The local run was interrupted.</bdi>" in html
    assert "Retry the 350 rows that may still succeed" in html
    assert commands(html)[0][:2] == ["./image-mirror", "run"]


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

    assert re.findall(r"<h2>(.*?)</h2>", html) == ["Next steps", "Files"]


class Nested(HTMLParser):
    """Asserts that what is opened is closed, in turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "img"):
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
        local_run=LOCAL,
        record={"options": {"user_agent": text}, "option_sources": {"user_agent": "request"}},
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
    lines += [
        failed(n, url=f"https://{n}{char * 2000}/", message=long, columns=columns, reason=reason.value, retryable=n < 5)
        for n in range(10)
        for reason in Reason
    ]
    run = {
        "status": "failed",
        "error": "TooManyFailures",
        "cause": long * 20,
        "note": long * 20,
        "manifest": {"bucket": "b" * 63, "key": long, "format": "csv"},
        "failures_by_reason": {reason.value: 10**9 for reason in Reason},
        "failures_by_host": {f"{n}{long}": 10**9 for n in range(20)},
    }

    record: RunFields = {
        "options": {
            **OPTION_DEFAULTS,
            "base_url": long,
            "user_agent": long,
            "url_column": long,
            "headers": {long: "x"},
        },
        "option_sources": dict.fromkeys(OPTION_DEFAULTS, "request"),
    }

    html = page_of(*lines, stored=10**9, failed=10**9, local_run=LOCAL, record=record, **run)

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
    [
        (("ink", "soft", "link", "good", "warn", "bad", "off"), 4.5),
        # Parts of a bar are separated by a gap in the colour of the card.
        (("stored", "unchanged", "skipped", "duplicate", "failed", "left", "hold"), 3.0),
    ],
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


def test_each_pass_is_shown_and_of_many_the_last_ones() -> None:
    passes = [
        {"number": number, "rows": 1000 + number, "starts_at": "2026-11-23T04:54:45.000Z", "stored": 5, "failed": 7}
        for number in range(1, 41)
    ]

    html = page_of(stored(1), stored=1, passes=passes)

    assert "<h2>Time line</h2>" in html
    assert ("1,040" in html, "1,021" in html, "1,020" in html) == (True, True, False)
    assert "20 more, before these, in" in html
    assert '<th scope="row">40</th><td>3.0 s</td>' in html
    assert "Later passes" not in page_of(stored=3)


@pytest.mark.parametrize(
    ("run", "state"),
    [
        ({"stored": 3}, State.SUCCEEDED),
        ({}, State.SUCCEEDED),
        ({"stored": 300, "failed": 40}, State.WITH_FAILURES),
        ({"failed": 2}, State.WITH_FAILURES),
        ({"failed": 2, "status": "failed", "error": "TooManyFailures"}, State.FAILED),
        ({"status": "failed", "error": "InvalidManifest"}, State.FAILED),
        ({"stored": 1, "failed": 1, "status": "cancelled"}, State.CANCELLED),
    ],
)
def test_a_run_is_in_one_of_four_states(run: dict[str, Any], state: State) -> None:
    assert run_state(summary(**run)) == state
    assert f'aria-hidden="true">{ICONS[state]} </span>{state}</span>' in page_of(**run)


ICONS = {State.SUCCEEDED: "\N{CHECK MARK}", State.WITH_FAILURES: "!", State.FAILED: "\u2715", State.CANCELLED: "\u25a0"}


@pytest.mark.parametrize("error", ["Cancelled", "Interrupted"])
def test_rows_that_a_cancelled_run_did_not_come_to_are_not_among_the_failed_ones(error: str) -> None:
    lines = [failed(n, reason="out_of_time", retryable=True) for n in range(4)] + [failed(9, reason="http_4xx")]
    run = {"status": "cancelled", "error": error, "failures_by_reason": {"out_of_time": 4, "http_4xx": 1}}

    html = page_of(*lines, stored=2, failed=5, **run)

    assert re.findall(r'<div class="([\w-]+)"><dt>([\w ]+)</dt><dd><data value="(\d+)">', html) == [
        ("stored", "stored", "2"),
        ("failed", "failed", "1"),
        ("not-attempted", "not attempted", "4"),
        ("rows", "rows", "7"),
    ]
    assert re.findall(r"<h3>(.*?)</h3>", html) == ["Will not succeed as they are: 1 row", "Not attempted: 4 rows"]


@pytest.mark.parametrize(
    ("reasons", "review"),
    [
        ({"out_of_time": 4}, ""),
        ({"out_of_time": 4, "dns": 1}, "the failed row: failures.csv has each with its reason and your columns."),
        (
            {"out_of_time": 4, "http_4xx": 2},
            "the 2 failed rows: failures.csv has each with its reason and your columns. Rows that a retry cannot fix"
            " need a different URL or different options.",
        ),
    ],
    ids=["none", "later", "final"],
)
def test_only_failed_rows_that_were_attempted_are_to_be_reviewed(reasons: dict[str, int], review: str) -> None:
    rows = [reason for reason, count in reasons.items() for _ in range(count)]
    lines = [failed(row, reason=reason, retryable=reason != "http_4xx") for row, reason in enumerate(rows)]

    html = page_of(*lines, status="cancelled", stored=2, failed=len(lines), failures_by_reason=reasons)

    found = re.findall(r"<p>Review (.*?)</p>", html)
    assert [re.sub("<[^>]+>", "", each) for each in found] == ([review] if review else [])


def test_the_sentence_of_a_cancelled_run_does_not_repeat_its_state() -> None:
    html = page_of(stored=1, failed=1, status="cancelled", error="Cancelled", failures_by_reason={"out_of_time": 1})

    assert "<h1>1 of 2 images was stored, 1 row was not attempted.</h1>" in html
    assert "<title>Cancelled: 1 of 2 images was stored, 1 row was not attempted. · Image Mirror</title>" in html


def test_a_run_without_rows_has_nothing_to_download_and_a_next_step() -> None:
    html = page_of()

    assert "aws s3 sync" not in html
    assert "check that this is the right file" in html


def test_the_report_is_downloaded_without_the_folders_for_programs() -> None:
    (sync,) = [command for command in commands(page_of(stored=1)) if command[:3] == ["aws", "s3", "sync"]]

    assert sync[5:] == ["--exclude", "*/*", "--include", "index/*"]


def test_rows_that_a_run_had_no_time_for_have_failed() -> None:
    lines = [failed(n, reason="out_of_time", retryable=True) for n in range(4)]

    html = page_of(*lines, stored=2, failed=4, failures_by_reason={"out_of_time": 4})

    assert re.findall(r"<h3>(.*?)</h3>", html) == ["May succeed later: 4 rows"]
    assert "not attempted" not in html


def test_the_sections_are_in_the_order_in_which_they_are_needed() -> None:
    lines = [stored(row, host=f"{row % 3}.example") for row in range(1, 20)]
    lines += [failed(row, url="https://bad.example/", reason="dns", retryable=True) for row in range(20, 26)]
    record: RunFields = {"options": {"rounds": 3}, "option_sources": {"rounds": "manifest"}}

    html = page_of(*lines, stored=19, failed=6, failures_by_host={"bad.example": 6}, record=record)

    assert re.findall(r"<h2>(.*?)</h2>", html) == [
        "Images",
        "Why rows failed",
        "Hosts that stand out",
        "Time line",
        "What was stored",
        "Options",
        "Estimate and result",
        "Next steps",
        "Files",
    ]


@pytest.mark.parametrize(
    ("local_run", "line", "sentence"),
    [
        (None, {}, "The images are in a private bucket. <code>./image-mirror console</code> shows those of this run"),
        (LOCAL, {"offset": 512}, "are in shards. <code>./image-mirror console</code> shows them."),
    ],
)
def test_the_console_shows_images_of_which_there_is_no_file_here(
    local_run: LocalRun | None, line: dict[str, Any], sentence: str
) -> None:
    html = page_of(stored(**line), stored=1, local_run=local_run)

    assert sentence in html
    assert "<img" not in html
    assert "img-src data:;" in html


def test_the_policy_allows_the_images_beside_the_page() -> None:
    assert "img-src &#39;self&#39; file: data:;" in page_of(stored(), stored=1, local_run=LOCAL)


def test_a_type_that_browsers_do_not_show_is_a_frame_with_its_name() -> None:
    html = page_of(stored(content_type="image/tiff"), stored=1, local_run=LOCAL)

    assert ">tiff</text>" in html
    assert "<img" not in html


@pytest.mark.parametrize(
    ("local_run", "sources", "shown"),
    [
        (None, {"rounds": "manifest"}, "metadata of the manifest"),
        (LOCAL, {"rounds": "manifest"}, "command line"),
        (LocalRun(command="up", out="out"), {"rounds": "manifest"}, "metadata of the manifest"),
        (LOCAL, {"rounds": "stack"}, "setting of the stack"),
        (None, {"rounds": "request"}, "request of the API"),
        (None, {}, "found in the manifest"),
        (None, None, ""),
    ],
)
def test_an_option_says_where_it_came_from_if_that_is_known(
    local_run: LocalRun | None, sources: dict[str, str] | None, shown: str
) -> None:
    record: RunFields = {"options": {"rounds": 3, "per_host": 8}}
    if sources is not None:
        record["option_sources"] = sources

    html = page_of(stored=1, record=record, local_run=local_run)

    assert re.findall(r"<th scope=\"row\"><code>(\w+)</code><span class=\"meaning\">(.*?)</span>", html) == [
        ("rounds", shown)
    ]


def test_the_password_of_a_base_url_is_not_shown() -> None:
    html = page_of(stored=1, record={"options": {"base_url": "https://me:s3cr3t@a.example/"}})

    assert "base_url" in html
    assert "s3cr3t" not in html
