"""Images and files: the type that each is served with, those in shards, and the pages of the gallery."""

import hashlib
import json
import re

import pytest

from functions.core.report.page import TEMPLATES
from local.console import buckets
from local.console.buckets import Position
from local.console.pages import SCRIPT, STATIC
from tests.unit.local.console.fakes import Browser

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
HTMX_SHA256 = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


def test_the_script_is_the_file_of_the_package() -> None:
    """`dist/htmx.min.js` of htmx.org 2.0.11 in the registry of npm, licensed under 0BSD."""
    content = (STATIC / SCRIPT).read_bytes()

    assert hashlib.sha256(content).hexdigest() == HTMX_SHA256
    assert b'version:"2.0.11"' in content
    assert "Zero-Clause BSD" in (STATIC / "htmx-LICENSE.txt").read_text()


def test_an_image_is_shown_in_the_type_of_its_bytes(browser: Browser) -> None:
    browser.s3.objects["images", "images/a b?.jpg"] = PNG

    response = browser.get("/image?key=images%2Fa%20b%3F.jpg")

    assert (response.data, response.content_type) == (PNG, "image/png")
    assert "sandbox" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("content", [SVG, HTML, b"%PDF-1.7", b"", b"MZ\x90", b"<?xml version='1.0'?><a/>"], ids=repr)
@pytest.mark.parametrize("path", ["/image?key=images/x.png", "/images/x.png"])
def test_what_may_contain_scripts_is_a_download(browser: Browser, content: bytes, path: str) -> None:
    browser.s3.objects["images", "images/x.png"] = content

    response = browser.get(path)

    assert response.content_type == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response.headers["Content-Security-Policy"]


def test_an_image_in_a_shard_is_read_by_its_range(browser: Browser) -> None:
    browser.s3.objects["images", "images/shards/demo-1/0-1-1.tar"] = bytes(512) + PNG + bytes(100)

    response = browser.get(f"/image?key=images/shards/demo-1/0-1-1.tar&offset=512&bytes={len(PNG)}")

    assert (response.data, response.content_type) == (PNG, "image/png")
    assert browser.s3.reads == [("images/shards/demo-1/0-1-1.tar", f"bytes=512-{511 + len(PNG)}")]


@pytest.mark.parametrize(
    "query", ["", "?key=", "?key=a&offset=x&bytes=1", "?key=a&offset=-1&bytes=1", "?key=a&offset=²"]
)
def test_an_address_that_names_no_image_is_refused(browser: Browser, query: str) -> None:
    assert browser.get(f"/image{query}").status_code == 400


def test_an_image_that_does_not_exist_is_not_found(browser: Browser) -> None:
    response = browser.get("/image?key=images/none.png")

    assert response.status_code == 404
    assert "s3://images/images/none.png does not exist: it was deleted" in response.text


@pytest.mark.parametrize("name", ["..", "%2e%2e", "results%2Fpart-1.jsonl", ".hidden", "a%0d%0aX:1", "%22x.csv"])
def test_only_files_of_the_run_itself_are_served(browser: Browser, name: str) -> None:
    browser.s3.objects["input", "runs/demo-1/results/part-1.jsonl"] = b"{}"

    assert browser.get(f"/runs/demo-1/{name}").status_code in (308, 404)
    assert browser.s3.reads == []


def test_the_report_is_a_page_in_a_sandbox_and_other_files_are_downloads(browser: Browser) -> None:
    browser.s3.objects["input", "runs/demo-1/report.html"] = HTML
    browser.s3.objects["input", "runs/demo-1/failures.csv"] = HTML

    report, failures = (browser.get(f"/runs/demo-1/{name}") for name in ("report.html", "failures.csv"))

    assert report.content_type == "text/html; charset=utf-8"
    assert "allow-scripts" not in report.headers["Content-Security-Policy"]
    assert "sandbox" in report.headers["Content-Security-Policy"]
    assert failures.content_type == "application/octet-stream"


def _part(*outcomes: str, first: int = 1, **facts: object) -> bytes:
    image = {"content_type": "image/png", "bytes": 10, "width": 1, "height": 1, **facts}
    lines = [
        {"url": f"https://a.example/{row}", "row": row, "outcome": outcome, "object_key": f"images/{row}.png", **image}
        for row, outcome in enumerate(outcomes, first)
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _rows(text: str) -> list[int]:
    return [int(part.split("</p>")[0].split(",")[0]) for part in text.split("row ")[1:]]


def test_the_gallery_has_each_image_once_over_its_pages(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "PAGE_IMAGES", 4)
    folder = "runs/demo-1/results"
    browser.s3.objects["input", f"{folder}/part-0000000001-01.jsonl"] = _part(
        "stored", "failed", "skipped", "duplicate"
    )
    browser.s3.objects["input", f"{folder}/part-0000000005-01.jsonl"] = _part(*["stored"] * 5, first=5)
    browser.s3.objects["input", f"{folder}/part-0001-0000000002-0000000002-01.jsonl"] = _part("stored", first=2)

    first = browser.get("/runs/demo-1/gallery").text
    address = first.partition('id="next-page"')[2].partition('href="')[2].partition('"')[0]
    second = browser.get(address).text

    assert _rows(first) == [1, 3, 5, 6]
    assert _rows(second) == [7, 8, 9, 2]
    assert "next-page" not in second


def test_the_gallery_of_a_run_that_stored_little_ends_its_page_early(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "MAX_PARTS", 2)
    for number in range(3):
        browser.s3.objects["input", f"runs/demo-1/results/part-{number}.jsonl"] = _part("failed", first=number)

    assert "after=part-2.jsonl%3A0" in browser.get("/runs/demo-1/gallery").text


HOSTILE_NAMES = [
    "a\u202egpj.exe",
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "a\r\nX: 1",
    "x" * 255,
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
@pytest.mark.parametrize("scheme", ["https://a.example/", "javascript:alert(1)//", "data:text/html,"])
def test_the_url_of_a_row_is_text_in_the_gallery(browser: Browser, name: str, scheme: str) -> None:
    browser.s3.objects["input", "runs/demo-1/results/part-1.jsonl"] = _part("stored", url=scheme + name)

    page = browser.get("/runs/demo-1/gallery").text
    main = page.partition("<main")[2]

    assert not any(text in main for text in ("<script", "<img src=x", "\u202e", "\r"))
    assert set(re.findall('(?:href|src)="([^"]*)"', main)) == {"/image?key=images%2F1.png", "/runs/demo-1"}


def test_the_gallery_of_a_run_that_does_not_exist_says_so(browser: Browser) -> None:
    browser.api.answers["GET /runs/nowhere"] = (404, {"detail": "There is no run nowhere."})

    response = browser.get("/runs/nowhere/gallery")

    assert response.status_code == 404
    assert "There is no run nowhere." in response.text


def test_images_of_shards_are_addressed_by_offset(browser: Browser) -> None:
    content = _part("stored", object_key="images/shards/demo-1/a.tar", offset=1024, bytes=77)
    browser.s3.objects["input", "runs/demo-1/results/part-1.jsonl"] = content

    page = browser.get("/runs/demo-1/gallery").text

    assert "/image?key=images%2Fshards%2Fdemo-1%2Fa.tar&amp;offset=1024&amp;bytes=77" in page


@pytest.mark.parametrize("text", ["", "x", "part:", "part:-1", "part:²", "part:99999999999"])
def test_a_position_that_is_none_is_the_first_page(text: str) -> None:
    assert Position.parse(text) == Position()


def test_outcomes_have_the_colours_of_the_page_of_a_run() -> None:
    """A test of that page holds their contrast."""
    sheets = [(TEMPLATES / "style.css").read_text(), (STATIC / "console.css").read_text()]
    names = "stored|unchanged|skipped|duplicate|failed|left"

    report, console = (re.findall(rf"--({names}): (#[0-9a-f]{{6}});", sheet)[:12] for sheet in sheets)

    assert len(console) == 12, "in light and in dark"
    assert console == report
