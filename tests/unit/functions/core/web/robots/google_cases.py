"""The cases of the tests of Google's parser (github.com/google/robotstxt, robots_test.cc), as a table of facts.

Each case has the lines of a robots.txt, the name of the robot, and the URLs of http://foo.bar that it may request (+)
or not (-). Two facts differ from RFC 9309, section 2.2.2, which is followed here: an unreserved character is the same
encoded and not encoded, and a URL is encoded before it is compared, as the download encodes it.
"""

from typing import NamedTuple


class Case(NamedTuple):
    name: str
    lines: str
    robot: str
    urls: str


def _fish(rule: str, allowed: str, disallowed: str) -> Case:
    urls = " ".join([f"+{path}" for path in allowed.split()] + [f"-{path}" for path in disallowed.split()])
    return Case(f"allow {rule}", f"user-agent: FooBot | disallow: / | allow: {rule}", "FooBot", urls)


GROUPS = (
    "allow: /foo/bar/ || user-agent: FooBot | disallow: / | allow: /x/ | user-agent: BarBot | disallow: / | allow: /y/"
    " ||| allow: /w/ | user-agent: BazBot || user-agent: FooBot | allow: /z/ | disallow: /"
)
UPPER = "User-Agent: FOO BAR | Allow: /x/ | Disallow: /"
GLOBAL = "user-agent: * | allow: / | user-agent: FooBot | disallow: /"
SPECIFIC = "user-agent: FooBot | allow: / | user-agent: BarBot | disallow: / | user-agent: BazBot | disallow: /"
SPACE = "User-Agent: * | Disallow: / | User-Agent: Foo Bar | Allow: /x/ | Disallow: /"
INDEX = "User-Agent: * | Allow: /allowed-slash/index.html | Disallow: /"

CASES = (
    Case("a group of one rule", "user-agent: FooBot | disallow: /", "FooBot", "-/x/y"),
    Case("unknown names", "foo: FooBot | bar: /", "FooBot", "+/x/y"),
    Case("no colons", "user-agent FooBot | disallow /", "FooBot", "-/x/y"),
    Case("groups of one robot are merged", GROUPS, "FooBot", "+/x/b +/z/d -/y/c -/foo/bar/"),
    Case("a rule after empty lines belongs to the group", GROUPS, "BarBot", "+/y/c +/w/a -/z/d -/foo/bar/"),
    Case("agents with empty lines between them", GROUPS, "BazBot", "+/z/d -/foo/bar/"),
    Case(
        "Sitemap does not end a group",
        "User-agent: BarBot | Sitemap: https://foo.bar/sitemap | User-agent: * | Disallow: /",
        "FooBot",
        "-/",
    ),
    Case(
        "Sitemap does not end a group, by its other name",
        "User-agent: BarBot | Sitemap: https://foo.bar/sitemap | User-agent: * | Disallow: /",
        "BarBot",
        "-/",
    ),
    Case(
        "an unknown line does not end a group",
        "User-agent: FooBot | Invalid-Unknown-Line: unknown | User-agent: * | Disallow: /",
        "FooBot",
        "-/",
    ),
    Case(
        "an unknown line does not end a group, for the other robot",
        "User-agent: FooBot | Invalid-Unknown-Line: unknown | User-agent: * | Disallow: /",
        "BarBot",
        "-/",
    ),
    Case("names in upper case", "USER-AGENT: FooBot | ALLOW: /x/ | DISALLOW: /", "FooBot", "+/x/y -/a/b"),
    Case("names in lower case", "user-agent: FooBot | allow: /x/ | disallow: /", "FooBot", "+/x/y -/a/b"),
    Case("names in mixed case", "uSeR-aGeNt: FooBot | AlLoW: /x/ | dIsAlLoW: /", "FooBot", "+/x/y -/a/b"),
    Case("an agent in upper case", UPPER, "Foo", "+/x/y -/a/b"),
    Case("an agent in lower case", UPPER.replace("FOO BAR", "foo bar"), "Foo", "+/x/y -/a/b"),
    Case("an agent in mixed case", UPPER.replace("FOO BAR", "FoO bAr"), "foo", "+/x/y -/a/b"),
    Case("an agent up to its first space", SPACE, "Foo", "+/x/y -/a"),
    Case("an agent with a space is no robot", SPACE, "Foo Bar", "-/x/y"),
    Case("an empty file", "", "FooBot", "+/x/y"),
    Case("the group of the robot before that for all", GLOBAL, "FooBot", "-/x/y"),
    Case("the group for all robots", GLOBAL, "BarBot", "+/x/y"),
    Case("groups of other robots", SPECIFIC, "QuxBot", "+/x/y"),
    Case("paths are compared with their case: equal", "user-agent: FooBot | disallow: /x/", "FooBot", "-/x/y"),
    Case("paths are compared with their case: other", "user-agent: FooBot | disallow: /X/", "FooBot", "+/x/y"),
    Case("longest: disallow", "user-agent: FooBot | disallow: /x/page.html | allow: /x/", "FooBot", "-/x/page.html"),
    Case("longest: allow", "user-agent: FooBot | allow: /x/page.html | disallow: /x/", "FooBot", "+/x/page.html -/x/"),
    Case("empty rules", "user-agent: FooBot | disallow: | allow:", "FooBot", "+/x/page.html"),
    Case("equal rules: /", "user-agent: FooBot | disallow: / | allow: /", "FooBot", "+/x/page.html"),
    Case("a slash more", "user-agent: FooBot | disallow: /x | allow: /x/", "FooBot", "-/x +/x/"),
    Case(
        "equal rules: a page",
        "user-agent: FooBot | disallow: /x/page.html | allow: /x/page.html",
        "FooBot",
        "+/x/page.html",
    ),
    Case(
        "a wildcard counts as an octet",
        "user-agent: FooBot | allow: /page | disallow: /*.html",
        "FooBot",
        "-/page.html +/page",
    ),
    Case(
        "longer than the wildcard",
        "user-agent: FooBot | allow: /x/page. | disallow: /*.html",
        "FooBot",
        "+/x/page.html -/x/y.html",
    ),
    Case(
        "the own group alone",
        "User-agent: * | Disallow: /x/ | User-agent: FooBot | Disallow: /y/",
        "FooBot",
        "+/x/page -/y/page",
    ),
    Case(
        "a URL in the query",
        "User-agent: FooBot | Disallow: / | Allow: /foo/bar?qux=taz&baz=http://foo.bar?tar&par",
        "FooBot",
        "+/foo/bar?qux=taz&baz=http://foo.bar?tar&par",
    ),
    Case(
        "a rule that is not ASCII",
        "User-agent: FooBot | Disallow: / | Allow: /foo/bar/ツ",
        "FooBot",
        "+/foo/bar/%E3%83%84",
    ),
    Case(
        "a rule that is encoded",
        "User-agent: FooBot | Disallow: / | Allow: /foo/bar/%E3%83%84",
        "FooBot",
        "+/foo/bar/%E3%83%84",
    ),
    Case(
        "a rule with encoded letters",
        "User-agent: FooBot | Disallow: / | Allow: /foo/bar/%62%61%7A",
        "FooBot",
        "+/foo/bar/%62%61%7A",
    ),
    Case(
        "a wildcard",
        "User-agent: FooBot | Disallow: /foo/bar/quz | Allow: /foo/*/qux",
        "FooBot",
        "-/foo/bar/quz +/foo/quz +/foo//quz +/foo/bax/quz",
    ),
    Case(
        "the end of the URL",
        "User-agent: FooBot | Disallow: /foo/bar$ | Allow: /foo/bar/qux",
        "FooBot",
        "-/foo/bar +/foo/bar/qux +/foo/bar/ +/foo/bar/baz",
    ),
    Case(
        "comments",
        "User-agent: FooBot | # Disallow: / | Disallow: /foo/quz#qux | Allow: /",
        "FooBot",
        "+/foo/bar -/foo/quz",
    ),
    Case(
        "index.html is the folder",
        INDEX,
        "foobot",
        "+/allowed-slash/ -/allowed-slash/index.htm +/allowed-slash/index.html -/anyother-url",
    ),
    _fish(
        "/fish",
        "/fish /fish.html /fish/salmon.html /fishheads /fishheads/yummy.html /fish.html?id=anything",
        "/bar /Fish.asp /catfish /?id=fish",
    ),
    _fish(
        "/fish*",
        "/fish /fish.html /fish/salmon.html /fishheads /fishheads/yummy.html /fish.html?id=anything",
        "/bar /Fish.bar /catfish /?id=fish",
    ),
    _fish(
        "/fish/",
        "/fish/ /fish/salmon /fish/?salmon /fish/salmon.html /fish/?id=anything",
        "/bar /fish /fish.html /Fish/Salmon.html",
    ),
    _fish(
        "/*.php",
        "/filename.php /folder/filename.php /folder/filename.php?parameters //folder/any.php.file.html /filename.php/"
        " /index?f=filename.php/",
        "/bar /php/ /index?php /windows.PHP",
    ),
    _fish(
        "/*.php$",
        "/filename.php /folder/filename.php",
        "/bar /filename.php?parameters /filename.php/ /filename.php5 /php/ /filename?php /aaaphpaaa //windows.PHP",
    ),
    _fish("/fish*.php", "/fish.php /fishheads/catfish.php?parameters", "/bar /Fish.PHP"),
    Case("precedence: /p", "user-agent: FooBot | allow: /p | disallow: /", "FooBot", "+/page"),
    Case("precedence: a folder", "user-agent: FooBot | allow: /folder | disallow: /folder", "FooBot", "+/folder/page"),
    Case("precedence: a page", "user-agent: FooBot | allow: /page | disallow: /*.htm", "FooBot", "-/page.htm"),
    Case("precedence: the root", "user-agent: FooBot | allow: /$ | disallow: /", "FooBot", "+/ -/page.html"),
)

LINES = ("User-Agent: foo", "Allow: /some/path", "User-Agent: bar", "", "", "Disallow: /")
"""The last rule is in line 6 with every end of line."""

ENDS_OF_LINES = {
    "Unix": "\n".join([*LINES, ""]),
    "DOS": "\r\n".join([*LINES, ""]),
    "Mac": "\r".join([*LINES, ""]),
    "no end": "\n".join(LINES),
    "mixed": "User-Agent: foo\nAllow: /some/path\r\nUser-Agent: bar\n\r\n\nDisallow: /",
}

BYTE_ORDER_MARKS = {
    "whole": (b"\xef\xbb\xbf", True),
    "two octets": (b"\xef\xbb", True),
    "one octet": (b"\xef", True),
    "broken": (b"\xef\x11\xbf", False),
}
"""Octets before a file, and whether its first line counts."""
