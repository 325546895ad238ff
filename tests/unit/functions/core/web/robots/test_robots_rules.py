"""The rules of robots.txt: RFC 9309, and the cases of Google's parser."""

import pytest

from functions.core.web.robots.rules import MAX_FILE_BYTES, MAX_LINE_BYTES, RobotsRules
from functions.core.web.target import request_target
from tests.unit.functions.core.web.robots.google_cases import BYTE_ORDER_MARKS, CASES, ENDS_OF_LINES, Case

ROBOT = "image-mirror"


def file(lines: str) -> bytes:
    """`|` ends a line."""
    return "\n".join(line.strip() for line in lines.split("|")).encode()


def allowed(lines: str, url: str, robot: str = ROBOT) -> bool:
    return RobotsRules.parse(file(lines), robot).disallowing(request_target(f"http://foo.bar{url}")) is None


def line_of(lines: str, path: str) -> str:
    rule = RobotsRules.parse(file(lines), ROBOT).disallowing(request_target(f"http://foo.bar{path}"))
    assert rule is not None
    return f"{rule.line} {rule}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_cases_of_googles_parser(case: Case) -> None:
    wrong = [url for url in case.urls.split() if allowed(case.lines, url[1:], case.robot) != (url[0] == "+")]

    assert wrong == []


@pytest.mark.parametrize("text", ENDS_OF_LINES.values(), ids=ENDS_OF_LINES)
def test_lines_are_counted_with_every_end_of_line(text: str) -> None:
    rule = RobotsRules.parse(text.encode(), "bar").disallowing("/x")

    assert rule is not None
    assert rule.line == 6


@pytest.mark.parametrize(("octets", "counts"), BYTE_ORDER_MARKS.values(), ids=BYTE_ORDER_MARKS)
def test_a_byte_order_mark_is_skipped(octets: bytes, counts: bool) -> None:
    rules = RobotsRules.parse(octets + b"User-Agent: foo\nDisallow: /AnyValue\n", "foo")

    assert (rules.disallowing("/AnyValue") is not None) == counts


def test_a_byte_order_mark_in_the_middle_is_not_skipped() -> None:
    rules = RobotsRules.parse(b"User-Agent: foo\n\xef\xbb\xbfDisallow: /\n", "foo")

    assert rules.disallowing("/") is None


def test_the_end_of_a_line_that_is_too_long_is_ignored() -> None:
    path = "/x/" + "a" * (MAX_LINE_BYTES - len("disallow: /x/"))
    rules = RobotsRules.parse(f"user-agent: FooBot\ndisallow: {path}/qux\n".encode(), "FooBot")

    assert rules.disallowing("/fux") is None
    assert rules.disallowing(f"{path}/fux") is not None


@pytest.mark.parametrize(
    ("rule", "url"),
    [  # the table of RFC 9309, section 2.2.2
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
        ("/foo/bar?baz=https%3A%2F%2Ffoo.bar", "/foo/bar?baz=https://foo.bar"),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/ツ"),
        ("/foo/bar/%e3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/foo/bar/baz", "/foo/bar/%62%61%7a"),
        # section 2.2.3
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html"),
        ("/path/foo-%24", "/path/foo-$"),
        ("/this/*/exactly", "/this/a/b/exactly"),
        # others of these kinds
        ("/a|b".replace("|", "%7C"), "/a|b"),
        ("/*?u=/x", "/search?u=%2Fx"),
        ("/~user", "/%7Euser"),
        ("/50%", "/50%/x"),
    ],
)
def test_percent_encoding_does_not_matter(rule: str, url: str) -> None:
    rules = RobotsRules.parse(f"User-agent: *\nDisallow: {rule}".encode(), ROBOT)

    assert rules.disallowing(request_target(f"http://foo.bar{url}")) is not None


@pytest.mark.parametrize(
    ("rule", "url"), [("/a%2Fb", "/a/b"), ("/a/b", "/a%2Fb"), ("/a%2Ab", "/axb"), ("/a$b", "/a"), ("/a%24", "/a")]
)
def test_octets_that_differ(rule: str, url: str) -> None:
    assert allowed(f"User-agent: * | Disallow: {rule}", url)


@pytest.mark.parametrize(
    "agent", ["image-mirror", "IMAGE-MIRROR", "image-mirror/0.2", "Image-Mirror (downloads images)"]
)
def test_the_product_token_chooses_the_group(agent: str) -> None:
    assert not allowed(f"User-agent: * | Allow: / | User-agent: {agent} | Disallow: /x", "/x/1.png")


@pytest.mark.parametrize("agent", ["image", "image-mirror-other", "my-image-mirror", "imagemirror", "**", "*bot"])
def test_another_token_is_another_robot(agent: str) -> None:
    assert allowed(f"User-agent: {agent} | Disallow: /", "/x/1.png")


def test_without_a_group_for_this_robot_that_for_all_holds_and_is_merged_too() -> None:
    lines = "User-agent: * | Disallow: /a | User-agent: x | Disallow: / | User-agent: * | Disallow: /b"

    assert [allowed(lines, path) for path in ("/a", "/b", "/c")] == [False, False, True]


def test_an_empty_group_for_this_robot_allows_everything() -> None:
    assert allowed("User-agent: * | Disallow: / | User-agent: image-mirror | Disallow:", "/x")


def test_a_crawl_delay_ends_the_names_of_a_group_and_is_kept() -> None:
    lines = "User-agent: * | Crawl-delay: 2.5 | User-agent: BadBot | Disallow: /"
    rules = RobotsRules.parse(file(lines), ROBOT)

    assert rules.disallowing("/x") is None
    assert rules.crawl_delay == 2.5
    assert RobotsRules.decoded(rules.encoded()).crawl_delay == 2.5


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan", "1e400", "٣"])
def test_a_crawl_delay_that_is_not_a_number_is_ignored(value: str) -> None:
    assert RobotsRules.parse(f"User-agent: *\nCrawl-delay: {value}".encode(), ROBOT).crawl_delay is None


@pytest.mark.parametrize("word", ["dissallow", "Dissalow", "disalow", "diasllow", "disallaw"])
def test_a_misspelt_rule_counts(word: str) -> None:
    assert not allowed(f"Useragent: * | {word}: /x", "/x")


@pytest.mark.parametrize("line", ["disallowed: /", "disallow of all", "Disallow-Images: /", "Noindex: /"])
def test_another_line_is_no_rule(line: str) -> None:
    assert allowed(f"User-agent: * | {line}", "/x")


def test_a_rule_is_named_by_its_line() -> None:
    lines = "# for all | User-agent: * | Disallow: /a # not here | Disallow: /private/*.jpg$"

    assert line_of(lines, "/a/b") == "3 Disallow: /a"
    assert line_of(lines, "/private/1.jpg") == "4 Disallow: /private/*.jpg$"


def test_what_is_shown_of_a_rule_is_short_and_printable() -> None:
    path = "/\x1b[31m\u202e" + "x" * 500

    shown = line_of(f"User-agent: * | Disallow: {path}", path)

    assert shown.isprintable()
    assert len(shown) <= 115


def test_a_file_counts_up_to_its_limit_and_no_line_is_cut_in_two() -> None:
    head = b"User-agent: *\nDisallow: /first\n"
    cut = b"Disallow: /last-one"
    filled = head + b"#" * (MAX_FILE_BYTES - len(head) - len(cut) + len("-one") - 1) + b"\n" + cut + b"\nDisallow: /\n"
    rules = RobotsRules.parse(filled, ROBOT)

    assert rules.disallowing("/first") is not None
    assert rules.disallowing("/last") is None
    assert rules.disallowing("/other") is None


def test_a_file_of_exactly_the_limit_counts_whole() -> None:
    head, end = b"User-agent: *\n", b"\nDisallow: /x"
    rules = RobotsRules.parse(head + b"#" * (MAX_FILE_BYTES - len(head) - len(end)) + end, ROBOT)

    assert rules.disallowing("/x") is not None


def test_rules_are_the_same_after_they_were_stored() -> None:
    lines = "User-agent: * | Allow: /a/index.html | Disallow: /a | Disallow: /ü*x?y=%2f | Crawl-delay: 1"
    rules = RobotsRules.parse(file(lines), ROBOT)

    assert RobotsRules.decoded(rules.encoded()) == rules


@pytest.mark.parametrize("file", [b"", b"\0" * 100, b"<!doctype html><title>Not found</title>", b"\xff\xfeU\0s\0"])
def test_what_is_no_robots_txt_has_no_rules(file: bytes) -> None:
    assert len(RobotsRules.parse(file, ROBOT)) == 0


USAGE = "Content-Usage"
SIGNAL = "Content-Signal"


@pytest.mark.parametrize(
    ("lines", "path", "expected"),
    [
        ("user-agent: *|content-usage: train-ai=n", "/a.jpg", {USAGE: ["train-ai=n"]}),
        ("User-Agent: *|Content-Signal: search=yes,ai-train=no|Allow: /", "/", {SIGNAL: ["search=yes,ai-train=no"]}),
        ("user-agent: *|content-usage: train-ai=n|content-usage: /open/ train-ai=y", "/a", {USAGE: ["train-ai=n"]}),
        (
            "user-agent: *|content-usage: train-ai=n|content-usage: /open/ train-ai=y",
            "/open/a",
            {USAGE: ["train-ai=y"]},
        ),
        ("user-agent: *|content-usage: /a train-ai=n|content-usage: /a/* train-ai=y", "/a/b", {USAGE: ["train-ai=y"]}),
        ("user-agent: *|content-usage: /*.png$  train-ai=n", "/b.png", {USAGE: ["train-ai=n"]}),
        ("user-agent: *|content-usage: /*.png$  train-ai=n", "/b.png2", {}),
        ("user-agent: *|content-usage: train-ai=n|content-usage: x=y", "/a", {USAGE: ["train-ai=n", "x=y"]}),
        ("user-agent: *|content-usage: train-ai=n||user-agent: image-mirror|disallow:", "/a", {}),
        (
            "user-agent: image-mirror|content-signal: ai-train=no||user-agent: *|allow: /",
            "/",
            {SIGNAL: ["ai-train=no"]},
        ),
        ("user-agent: other|content-usage: train-ai=n", "/a", {}),
        ("content-usage: train-ai=n", "/a", {}),
        ("user-agent: *|content-usage:", "/a", {}),
        ("user-agent: *|content-usage train-ai=n", "/a", {USAGE: ["train-ai=n"]}),
    ],
)
def test_what_the_file_says_about_the_use_of_images(lines: str, path: str, expected: dict[str, list[str]]) -> None:
    rules = RobotsRules.parse(file(lines), ROBOT)

    assert rules.preferences(path) == expected
    assert RobotsRules.decoded(rules.encoded()).preferences(path) == expected


def test_a_line_about_the_use_ends_the_names_of_a_group() -> None:
    rules = RobotsRules.parse(file("user-agent: *|content-usage: train-ai=n|user-agent: bad|disallow: /"), ROBOT)

    assert rules.disallowing("/a") is None
