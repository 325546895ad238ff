"""The links of a page, replaced: hostile text stays text, and nothing else changes."""

import re
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.model.runs import LocalRun
from functions.core.report.links import LinkedPage, replace_links
from tests.unit.functions.core.report.run import failed, page_of, stored
from tests.unit.functions.core.report.test_untrusted import Reader

LOCAL = LocalRun(command="up", out="out")
SIGNED = 'https://s3/runs/x?a=1&b="<2>"'
NOTICE = "Valid until <noon>."
HOSTILE = [
    '<a href="summary.json">summary.json</a>',
    "'\"></bdi></p><a href='failures.csv'>",
    '<img src="../../images/a.jpg">',
    "<main>",
    '<meta http-equiv="Content-Security-Policy" content="default-src *">',
    "</a></span>",
    "<!-- <a href=summary.json>",
    "<style><a href=summary.json></style>",
    "]]><![CDATA[<a href=summary.json>",
    "\n<a\nhref=summary.json\n>",
]


def hostile_page(text: str) -> str:
    line = failed(2, url=f"https://a.example/{text}", message=text, columns={text: text})
    return page_of(
        *(stored(1, url=f"https://a.example/{text}"), line),
        **{"local_run": LOCAL, "stored": 1, "failed": 1, "note": text, "cause": text, "status": "failed", "error": "E"},
        manifest={"bucket": "input", "key": text, "format": "csv", "version_id": "v", "etag": "e", "size": 1},
    )


def signed(link: str) -> str:
    return f"{SIGNED}#{link}"


def replaced(page: str, links: dict[str, str] | None = None) -> LinkedPage:
    return replace_links(page, signed if links is None else links.get, NOTICE)


def values(page: str, name: str) -> list[str | None]:
    return [value for attribute, value in Reader(page).attributes if attribute == name]


def attributes_without_links(page: str) -> list[tuple[str, str | None]]:
    return [each for each in Reader(page).attributes if each[0] not in ("href", "src")]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_only_links_are_replaced_whatever_a_text_says(text: str) -> None:
    page = hostile_page(text)
    before, after = Reader(page), Reader(replaced(page).html)

    assert after.tags == [
        *before.tags[: before.tags.index("main") + 1],
        "p",
        *before.tags[before.tags.index("main") + 1 :],
    ]
    assert after.text.replace(NOTICE, "", 1) == before.text
    links = [link for link in values(page, "href") if link and not link.startswith(("#", "data:"))]
    assert {"summary.json", "failures.csv", "lock.csv"} <= set(links)
    assert [link for link in values(replaced(page).html, "href") if link and link.startswith("https:")] == [
        signed(link) for link in links
    ]
    assert values(replaced(page).html, "src") == [signed(str(link)) for link in values(page, "src")]


@given(text=st.text(min_size=1))
@settings(max_examples=15, deadline=None)
def test_the_text_of_a_page_and_its_policy_stay_the_same(text: str) -> None:
    page = hostile_page(text)
    found = replaced(page)

    assert Reader(found.html).text.replace(NOTICE, "", 1) == Reader(page).text
    assert found.policy in values(page, "content")
    assert [each for each in attributes_without_links(found.html) if each != ("class", "hint")] == [
        each for each in attributes_without_links(page) if each != ("class", "hint")
    ]


def test_a_link_is_the_only_part_of_a_page_that_changes() -> None:
    page = page_of(stored(), stored=1)

    html = replaced(page, {"summary.json": "https://s3/summary?a&b"}).html

    expected = page.replace('<a href="summary.json">', '<a href="https://s3/summary?a&amp;b">')
    expected = expected.replace("<main>", f'<main><p class="hint">{escape(NOTICE)}</p>')
    expected = re.sub(r'<a href="[a-z.]+">(.*?)</a>', r"<span>\1</span>", expected)
    assert html == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<a href="gone.csv" class="x">gone</a> <a href="a.csv">a</a>', '<span>gone</span> <a href="S">a</a>'),
        ("<a href=gone.csv>gone</A\n>.", "<span>gone</span>."),
        ("<p>\r\n<a\nhref='a.csv'\n>a</a>", '<p>\r\n<a href="S">a</a>'),
        ('<a href="x/../a.csv">a</a>', "<span>a</span>"),
        ('<a href="javascript:alert(1)">a</a>', "<span>a</span>"),
        ('<a href="#failures">a</a>', '<a href="#failures">a</a>'),
        ('<img alt="&quot;" src="gone.jpg">!', "!"),
        ('<img alt="&quot;" src="a.csv" loading=lazy hidden>', '<img alt="&quot;" src="S" loading="lazy" hidden>'),
        ("<!-- <a href=a.csv> --><p title='<a href=a.csv>'>", "<!-- <a href=a.csv> --><p title='<a href=a.csv>'>"),
        ("&lt;a href=a.csv&gt; &amp; ä €\n", "&lt;a href=a.csv&gt; &amp; ä €\n"),
        (
            "<style>a::after { content: '<a href=a.csv>' }</style>",
            "<style>a::after { content: '<a href=a.csv>' }</style>",
        ),
        ('<link rel="icon" href="a.csv">', '<link rel="icon" href="a.csv">'),
    ],
)
def test_links_to_known_files_are_replaced_and_other_links_removed(page: str, expected: str) -> None:
    assert replaced(page, {"a.csv": "S"}).html == expected


@pytest.mark.parametrize(
    ("page", "policy"),
    [
        ("<p>", "default-src 'none'"),
        ('<meta http-equiv="content-security-policy" content="a\r\nSet-Cookie: b;  c">', "a Set-Cookie: b; c"),
        ('<meta name="viewport" content="x">', "default-src 'none'"),
    ],
    ids=["none", "of several lines", "other"],
)
def test_the_policy_is_that_of_the_page_on_one_line(page: str, policy: str) -> None:
    assert replaced(page).policy == policy
