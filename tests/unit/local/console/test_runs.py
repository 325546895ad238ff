"""Runs: what the forms send to the API, and what the pages say of a run."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from functions.core.api.requests import MAX_ROWS
from functions.core.api.responses import RunDetails
from local.console.progress import files_of, progress_of
from local.console.start_views import MAX_PASTED_BYTES, _manifest_name
from tests.unit.local.console.fakes import RUN, Browser

ACCEPTED = {"run_id": "api-1", "execution_arn": "arn", "status": "starting"}
LIVE = {
    "done": 120,
    "running": 40,
    "max_concurrency": 8,
    "rows_per_second": 60.0,
    "estimated_end": None,
    "pass_number": 0,
    "waits_until": None,
}


def _details(**fields: Any) -> RunDetails:
    return RunDetails.model_validate({**RUN, **fields})


@pytest.fixture
def accepting(browser: Browser) -> Browser:
    browser.api.answers["POST /runs"] = (202, ACCEPTED)
    browser.api.sent.clear()
    return browser


def test_pasted_urls_and_the_options_that_were_entered_are_sent(accepting: Browser) -> None:
    text = " https://a.example/1 \r\n\r\nhttps://a.example/2 https://a.example/3\r\n"
    options = {
        "option-batch_size": " 5 ",
        "option-robots": "ignore",
        "option-allowed_types": "jpeg, png",
        "option-timeout": "",
    }

    response = accepting.post("/start", {"urls": text, "key": "k", **options})

    assert response.headers["Location"] == "/runs/api-1"
    assert accepting.api.sent == [
        (
            "POST /runs",
            {
                "urls": [f"https://a.example/{n}" for n in (1, 2, 3)],
                "options": {"allowed_types": ["jpeg", "png"], "batch_size": 5, "robots": "ignore"},
            },
        )
    ]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"urls": " \n "}, "Paste the URLs"),
        ({"urls": "https://a.example/1", "option-batch_size": "many"}, "batch_size"),
        ({"urls": "https://a.example/1", "option-robots": "maybe"}, "robots"),
        ({"urls": "https://a.example/1", "option-headers": "no header"}, "headers"),
    ],
    ids=["no-urls", "number", "choice", "headers"],
)
def test_a_mistake_is_named_in_the_form_and_nothing_is_sent(
    accepting: Browser, form: dict[str, str], message: str
) -> None:
    response = accepting.post("/start", form)

    assert response.status_code == 422
    assert message in response.text
    assert accepting.api.sent == []


@pytest.mark.parametrize(
    "urls",
    [
        ["https://a.example/1"] * (MAX_ROWS + 1),
        ["https://a.example/" + "x" * 15_000] * (MAX_PASTED_BYTES // 15_000 + 1),
    ],
    ids=["rows", "bytes"],
)
def test_pasted_urls_that_are_too_many_for_a_request_are_uploaded(accepting: Browser, urls: list[str]) -> None:
    response = accepting.post("/start", {"urls": "\n".join(urls)})

    assert accepting.api.sent == [("POST /manifests", {"name": "pasted.txt"})]
    assert response.status_code == 404  # the API of this test has no uploads


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("list.csv", "list.csv"),
        ("C:\\Users\\me\\my list (1).csv", "my-list-1-.csv"),
        ("../../etc/passwd", "passwd"),
        (".hidden.jsonl.gz", "hidden.jsonl.gz"),
        ("ü" * 300 + ".parquet", "parquet"),
        ("x" * 300 + ".csv", "x" * 96 + ".csv"),
        ("\u202e\r\n", "pasted.txt"),
    ],
    ids=["plain", "windows", "path", "hidden", "not-ascii", "long", "invisible"],
)
def test_the_name_of_a_file_becomes_one_that_the_api_accepts(name: str, sent: str) -> None:
    assert _manifest_name(name) == sent


@pytest.mark.parametrize(
    ("form", "batches", "focus"),
    [
        ({"change": "slower"}, 4, 'id="slower" formnovalidate autofocus>'),
        ({"change": "faster"}, 16, 'id="faster" formnovalidate autofocus>'),
        ({"batches": "3"}, 3, "required autofocus"),
    ],
    ids=["slower", "faster", "number"],
)
def test_a_run_is_made_slower_and_faster_and_the_focus_stays(
    browser: Browser, form: dict[str, str], batches: int, focus: str
) -> None:
    running = {**RUN, "status": "running", "counts": None, "live": LIVE}
    browser.api.answers |= {"GET /runs/demo-1": (200, running), "PATCH /runs/demo-1": (200, running)}

    response = browser.post("/runs/demo-1/concurrency", form)

    assert response.status_code == 303
    assert browser.api.sent[-1] == ("PATCH /runs/demo-1", {"max_concurrency": batches})
    page = browser.get(response.headers["Location"]).text
    assert focus in page
    assert page.count("autofocus") == 1
    assert "autofocus" not in browser.get("/runs/demo-1/progress", HX_Request="true").text


@pytest.mark.parametrize("text", ["", "0x1", "-1", "²", "9" * 30])
def test_a_number_of_batches_that_is_none_is_refused(browser: Browser, text: str) -> None:
    response = browser.post("/runs/demo-1/concurrency", {"batches": text})

    assert response.status_code == 422
    assert "whole number" in response.text


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_a_refusal_of_the_api_is_shown_on_the_page_of_the_run(browser: Browser, action: str) -> None:
    browser.api.answers[f"POST /runs/demo-1/{action}"] = (409, {"detail": "Run demo-1 <b>has</b> ended."})

    response = browser.post(f"/runs/demo-1/{action}")

    assert response.status_code == 409
    assert "Run demo-1 &lt;b&gt;has&lt;/b&gt; ended." in response.text


@pytest.mark.parametrize(
    ("fields", "label", "sentence"),
    [
        ({}, "succeeded with failures", "2 images stored, 1 row failed, of 3 rows in 1 min 30 s."),
        (
            {"counts": {"stored": 3, "unchanged": 0, "skipped": 0, "duplicate": 0, "failed": 0}},
            *("succeeded", "3 images stored, of 3 rows in 1 min 30 s."),
        ),
        (
            {"status": "failed", "counts": None, "rows": None, "error": "InvalidManifest", "cause": "No url column."},
            *("failed", "InvalidManifest: No url column."),
        ),
        (
            {"status": "running", "rows": 1000, "live": LIVE},
            "running",
            "120 of 1,000 rows done, 40 in progress, 60.0 rows a second.",
        ),
        (
            {
                "status": "running",
                "rows": 1000,
                "live": {**LIVE, "pass_number": 2, "waits_until": "2026-11-26T12:00:00.000Z"},
            },
            *("running", "120 of 1,000 rows done, 40 in progress, pass 2 begins at 26 November 2026, 12:00:00 UTC."),
        ),
        (
            {"status": "cancelling"},
            "cancelling",
            "Its batches are ending. What was stored stays; the other rows go into the retry manifest.",
        ),
    ],
    ids=["with-failures", "succeeded", "failed", "running", "waiting", "cancelling"],
)
def test_a_run_is_described_in_a_state_and_a_sentence(fields: dict[str, Any], label: str, sentence: str) -> None:
    progress = progress_of(_details(**fields))

    assert (progress.state.label, progress.sentence) == (label, sentence)


CANCELLED = {**RUN, "status": "cancelled", "error": "Cancelled", "counts": {**RUN["counts"], "failed": 5}, "rows": 7}
NOT_ATTEMPTED = {**CANCELLED["counts"], "status": "cancelled", "error": "Cancelled", "rows": 7}


@pytest.mark.parametrize(
    ("reasons", "sentence", "outcomes"),
    [
        ({"out_of_time": 5}, "2 of 7 images were stored, 5 rows were not attempted.", ["stored", "not attempted"]),
        (
            {"out_of_time": 4, "dns": 1},
            "2 of 7 images were stored, 1 row failed, 4 rows were not attempted.",
            ["stored", "failed", "not attempted"],
        ),
    ],
    ids=["none failed", "one failed"],
)
def test_rows_that_a_cancelled_run_did_not_come_to_are_not_shown_as_failed(
    browser: Browser, reasons: dict[str, int], sentence: str, outcomes: list[str]
) -> None:
    browser.api.answers["GET /runs/demo-1"] = (200, CANCELLED)
    summary = {**NOT_ATTEMPTED, "failures_by_reason": reasons}
    browser.s3.objects["input", "runs/demo-1/summary.json"] = json.dumps(summary).encode()

    html = browser.get("/runs/demo-1").text

    assert sentence in html
    assert re.findall(r"<dt>([a-z ]+)</dt>", html) == outcomes
    assert 'class="not-attempted"' in html


def test_a_cancelled_run_without_a_summary_is_shown_as_the_api_describes_it(browser: Browser) -> None:
    browser.api.answers["GET /runs/demo-1"] = (200, CANCELLED)

    assert "2 images stored, 5 rows failed, of 7 rows" in browser.get("/runs/demo-1").text


def test_the_failures_of_a_probe_are_its_result(browser: Browser) -> None:
    browser.api.answers["GET /runs/demo-1"] = (200, {**RUN, "probe": 300})
    probe = {"rows": 12_000, "probed": 300, "success": {"share": 0.93, "low": 0.895, "high": 0.957}}
    summary = {**RUN["counts"], "status": "succeeded", "error": None, "rows": 300, "probe": probe}
    browser.s3.objects["input", "runs/demo-1/summary.json"] = json.dumps(summary).encode()

    html = browser.get("/runs/demo-1").text

    assert "About 93 % of 12,000 rows can be mirrored" in html
    assert "with failures" not in html


INDEXED = {"summary.json": 10, "results.csv": 20, "athena.sql": 5}


@pytest.mark.parametrize(
    ("fields", "sizes", "minutes", "pending", "note"),
    [
        ({}, {"summary.json": 10}, 0, True, "is being made"),
        ({}, {"summary.json": 10, "results.csv": 20}, 4, True, "is being made"),
        ({}, INDEXED, 0, False, ""),
        ({}, {"summary.json": 10}, 6, False, "./image-mirror index demo-1"),
        ({"status": "cancelled"}, {"summary.json": 10}, 0, True, "is being made"),
        ({"status": "failed", "rows": None}, {"summary.json": 10}, 0, False, ""),
        ({"rows": 0}, {"summary.json": 10}, 0, False, ""),
    ],
    ids=["just-ended", "half", "made", "late", "cancelled", "invalid", "empty"],
)
def test_the_page_of_a_run_waits_for_the_files_of_its_index_for_some_minutes(
    fields: dict[str, Any], sizes: dict[str, int], minutes: int, pending: bool, note: str
) -> None:
    ended = datetime.fromisoformat(str(RUN["ended_at"]))

    files = files_of(_details(**fields), sizes, ended + timedelta(minutes=minutes))

    assert files.pending == pending
    assert note in files.note
    assert bool(files.note) == bool(note)


def test_the_files_of_the_index_replace_the_list_when_they_appear(browser: Browser) -> None:
    browser.api.answers["GET /runs/demo-1"] = (200, {**RUN, "ended_at": datetime.now(UTC).isoformat()})
    browser.s3.objects["input", "runs/demo-1/summary.json"] = b"{}"
    first = browser.get("/runs/demo-1").text
    address = first.partition('hx-get="/runs/demo-1/files')[2].partition('"')[0]

    same = browser.get(f"/runs/demo-1/files{address}", HX_Request="true")
    browser.s3.objects["input", "runs/demo-1/athena.sql"] = b"CREATE"
    changed = browser.get(f"/runs/demo-1/files{address}", HX_Request="true")

    assert 'role="status">The index is being made.' in first
    assert same.status_code == 204
    assert 'id="file-athena.sql"' in changed.text
    assert "2 files" in changed.text
    assert "hx-get" not in changed.text


def test_a_screen_reader_is_told_of_each_tenth() -> None:
    told = {
        progress_of(_details(status="running", rows=1000, live={**LIVE, "done": done})).announcement
        for done in range(0, 1000, 7)
    }

    assert len(told) == 10


def test_a_run_of_an_upload_waits_for_its_event(browser: Browser) -> None:
    assert browser.get("/runs/list-1").status_code == 404
    waiting = browser.get("/runs/list-1?uploaded=1")
    assert waiting.status_code == 200
    assert "The manifest is uploaded." in waiting.text


@pytest.mark.parametrize(
    ("live", "is_sent"),
    [(None, True), ({**LIVE, "max_concurrency": 4}, True), ({**LIVE, "done": 160}, False)],
    ids=["batches have started", "concurrency has changed", "more rows are done"],
)
def test_the_field_of_the_concurrency_is_sent_again_if_it_has_changed(
    browser: Browser, live: dict[str, Any] | None, is_sent: bool
) -> None:
    running = {**RUN, "status": "running", "counts": None, "rows": 1000}
    browser.api.answers["GET /runs/demo-1"] = (200, {**running, "live": live})
    shown = unescape(browser.get("/runs/demo-1").text.partition('hx-get="')[2].partition('"')[0])
    browser.api.answers["GET /runs/demo-1"] = (200, {**running, "live": LIVE})

    update = browser.get(shown, HX_Request="true").text

    assert ('id="actions"' in update) == is_sent
    assert ('value="8"' in update) == is_sent


def test_the_list_is_sent_again_only_if_it_has_changed(browser: Browser) -> None:
    seen = browser.get("/").text.partition("seen=")[2].partition('"')[0]

    assert browser.get(f"/?seen={seen}", HX_Request="true").status_code == 204
    assert "<html" not in browser.get("/?seen=other", HX_Request="true").text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "{{ 7 * 7 }}", "a\u202eb"]
)
def test_text_of_others_is_text_in_every_page(browser: Browser, text: str) -> None:
    run = {**RUN, "manifest": f"s3://input/manifests/{text}", "note": text, "options": {"user_agent": text}}
    browser.api.answers |= {"GET /runs/demo-1": (200, run), "GET /runs": (200, {"runs": [run], "next": None})}
    pages = [browser.get(path).text for path in ("/", "/runs/demo-1")]
    pages.append(browser.get(f"/search?url={quote(text)}").text)
    pages.append(browser.post("/start", {"urls": text, "option-robots": text}).text)

    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "7 * 7" in page or "7 * 7" not in text
        assert "\u202e" not in page.partition("<h1>")[2].partition("<form")[0]
