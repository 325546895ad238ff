"""The rules of a robots.txt for one robot (RFC 9309), and the rule that disallows a URL.

Text is Latin-1 here: a character is an octet of the file.
"""

import json
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

MAX_FILE_BYTES = 500 * 1024
"""Size of a robots.txt up to which it is read, in bytes: the minimum that RFC 9309, section 2.5, allows."""

MAX_LINE_BYTES = 16_664
"""A longer line is cut, as Google's parser does."""

MAX_SHOWN = 100
"""Maximum length of a rule in a message."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANK = " \t\v\f"
_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE = re.compile(
    r"(?P<agent>user[- ]?agent)|(?P<allow>allow)|(?P<delay>crawl[- ]?delay)"
    r"|(?P<disallow>disallow|dissallow|dissalow|disalow|diasllow|disallaw)"
    r"|(?P<usage>content-usage)|(?P<signal>content-signal)",
    re.IGNORECASE,
)
"""The names of the lines that count, with the misspellings that the parsers of Google and Scrapy accept."""

_PRODUCT_TOKEN = re.compile(r"\*(?=\s|$)|[a-zA-Z_-]+")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})|[^\w.~/%=-]", re.ASCII)
_UNRESERVED = re.compile(r"[\w.~=-]", re.ASCII)

_MARK, _SLASH = "%3F", "%2F"


class Rule(NamedTuple):
    """A line of robots.txt: its number, and the pattern as it is written."""

    line: int
    allow: bool
    pattern: str

    def __str__(self) -> str:
        text = self.pattern.encode("latin-1").decode(errors="replace")[:MAX_SHOWN]
        shown = "".join(char if char.isprintable() else "?" for char in text)
        return f"{'Allow' if self.allow else 'Disallow'}: {shown}"


class Preference(NamedTuple):
    """What a line says about the use of what has the pattern: the name of the line and its value, as it is written."""

    name: str
    pattern: str
    value: str


_PREFERENCES = {"usage": "Content-Usage", "signal": "Content-Signal"}


class _Pattern(NamedTuple):
    """A pattern that is prepared for matching: the text before its first `*`, the texts after each, and whether the
    last one must be at the end. `has_query`: it has a question mark; `path` is the start before it."""

    path: str
    start: str
    others: tuple[str, ...]
    to_the_end: bool
    has_query: bool
    octets: int
    rule: Rule

    def matches(self, target: str) -> bool:
        if not self.others:
            return target == self.start if self.to_the_end else target.startswith(self.start)
        if not target.startswith(self.start):
            return False
        position = len(self.start)
        *middle, last = self.others
        for text in middle:
            found = target.find(text, position)
            if found < 0:
                return False
            position = found + len(text)
        if self.to_the_end:
            return len(target) - len(last) >= position and target.endswith(last)
        return target.find(last, position) >= 0


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The rules for one robot, in the order of their precedence. `crawl_delay` is the time between
    two requests that the file asks for, in seconds."""

    _patterns: Sequence[_Pattern] = ()
    _paths: tuple[str, ...] = ()
    crawl_delay: float | None = None
    _preferences: Sequence[tuple[_Pattern, Preference]] = ()

    @classmethod
    def of(
        cls, rules: Iterable[Rule], crawl_delay: float | None = None, preferences: Iterable[Preference] = ()
    ) -> Self:
        patterns = [pattern for rule in rules for pattern in _patterns_of(rule)]
        patterns.sort(key=lambda pattern: (-pattern.octets, not pattern.rule.allow))
        prepared = [(_prepared(Rule(0, True, wish.pattern), wish.pattern), wish) for wish in preferences]
        return cls(patterns, tuple({pattern.path for pattern in patterns}), crawl_delay, prepared)

    @classmethod
    def parse(cls, file: bytes, robot: str) -> Self:
        """The rules for `robot`, a product token, else those for all robots. The file may be longer than
        MAX_FILE_BYTES: its beginning counts."""
        groups = _Groups(robot.lower())
        for number, line in enumerate(_lines(file), start=1):
            groups.add(number, line)
        return cls.of(*groups.chosen())

    def disallowing(self, target: str) -> Rule | None:
        """The rule that disallows the path and query of a URL, or None if they are allowed."""
        if not self._patterns:
            return None
        target = _normal(target)
        if not target.startswith(self._paths):  # the usual case: one call for all rules
            return None
        in_query = _with_slashes(target)
        for pattern in self._patterns:
            if target.startswith(pattern[0]) and pattern.matches(in_query if pattern.has_query else target):
                return None if pattern.rule.allow else pattern.rule
        return None

    def preferences(self, target: str) -> Mapping[str, Sequence[str]]:
        """The preferences for the use of the path and query of a URL: values by name, those of the longest pattern
        (draft-ietf-aipref-attach, section 5.1)."""
        if not self._preferences:
            return {}
        target = _normal(target)
        in_query = _with_slashes(target)
        found: dict[str, list[str]] = {}
        longest: dict[str, int] = {}
        for pattern, wish in self._preferences:
            if pattern.octets < longest.get(wish.name, 0):
                continue
            if pattern.matches(in_query if pattern.has_query else target):
                if pattern.octets > longest.get(wish.name, 0):
                    found[wish.name], longest[wish.name] = [], pattern.octets
                found.setdefault(wish.name, []).append(wish.value)
        return found

    def __len__(self) -> int:
        return len(self._patterns) + len(self._preferences)

    def encoded(self) -> bytes:
        """The rules for `decoded`, compressed."""
        rules = sorted({pattern.rule for pattern in self._patterns})
        preferences = [preference for _, preference in self._preferences]
        return zlib.compress(json.dumps([rules, self.crawl_delay, preferences], separators=(",", ":")).encode())

    @classmethod
    def decoded(cls, content: bytes) -> Self:
        """Raises ValueError, TypeError or zlib.error for anything else than the result of `encoded`."""
        rules, crawl_delay, preferences = json.loads(zlib.decompress(content))
        return cls.of((Rule(*rule) for rule in rules), crawl_delay, (Preference(*wish) for wish in preferences))


class _Groups:
    """The rules of the groups for the robot, and of those for all robots (`*`), as the lines are read."""

    def __init__(self, robot: str) -> None:
        self._robot = robot
        self._rules: dict[str, list[Rule]] = {}
        self._delays: dict[str, float] = {}
        self._preferences: defaultdict[str, list[Preference]] = defaultdict(list)
        self._agents: set[str] = set()
        self._names_agents = False

    def add(self, number: int, line: str) -> None:
        """Lines of other names, such as Sitemap, neither end a group nor begin one (RFC 9309, section 2.2.4)."""
        kind, value = _kind_and_value(line)
        if kind == "agent":
            self._begin(value)
        elif kind in ("allow", "disallow"):
            self._names_agents = False
            for agent in self._agents if value else ():
                self._rules[agent].append(Rule(number, kind == "allow", value))
        elif kind == "delay":
            self._names_agents = False
            if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
                self._delays |= dict.fromkeys(self._agents, float(value))

        elif kind in _PREFERENCES and value:
            self._names_agents = False
            pattern, _, rest = value.partition(" ") if value.startswith(("/", "*")) else ("", "", value)
            for agent in self._agents:
                self._preferences[agent].append(Preference(_PREFERENCES[kind], pattern, rest.strip(_BLANK)))

    def _begin(self, value: str) -> None:
        if not self._names_agents:
            self._agents = set()
            self._names_agents = True
        token = _PRODUCT_TOKEN.match(value)
        agent = token[0].lower() if token else ""
        if agent in ("*", self._robot):
            self._agents.add(agent)
            self._rules.setdefault(agent, [])

    def chosen(self) -> tuple[list[Rule], float | None, list[Preference]]:
        agent = self._robot if self._robot in self._rules else "*"
        return self._rules.get(agent, []), self._delays.get(agent), self._preferences[agent]


def _lines(file: bytes) -> Iterator[str]:
    """The lines without comments. The last line of a file that is cut may not be whole, and is left out."""
    for length in (3, 2, 1):  # also the beginning of a byte order mark, as Google's parser does
        if file.startswith(_BYTE_ORDER_MARK[:length]):
            file = file[length:]
            break
    lines = _LINE_END.split(file[:MAX_FILE_BYTES].decode("latin-1"))
    for line in lines[:-1] if len(file) > MAX_FILE_BYTES else lines:
        yield line[:MAX_LINE_BYTES].partition("#")[0].strip(_BLANK)


def _kind_and_value(line: str) -> tuple[str | None, str]:
    """What a line is, and its value. Without a colon, a space is enough where the value is a single word."""
    name = _LINE.match(line)
    if name is None:
        return None, ""
    rest = line[name.end() :]
    value = rest.lstrip(_BLANK)
    if value.startswith(":"):
        return name.lastgroup, value[1:].lstrip(_BLANK)
    is_word = rest != value and not any(blank in value for blank in _BLANK)
    return (name.lastgroup, value) if is_word else (None, "")


def _patterns_of(rule: Rule) -> Iterator[_Pattern]:
    """The pattern of a rule. Where `/folder/index.html` is allowed, so is `/folder/`, as for Google and Scrapy."""
    yield _prepared(rule, rule.pattern)
    if rule.allow and rule.pattern.endswith("/index.html"):
        yield _prepared(rule, rule.pattern.removesuffix("index.html") + "$")


def _prepared(rule: Rule, written: str) -> _Pattern:
    to_the_end = written.endswith("$")
    texts = [_normal(text) for text in written.removesuffix("$").split("*")]
    octets = sum(map(len, texts)) + len(texts) - 1 + to_the_end
    has_query = any(_MARK in text for text in texts)
    if has_query:
        texts = _with_slashes("*".join(texts)).split("*")
    start, *others = texts
    return _Pattern(start.partition(_MARK)[0], start, tuple(others), to_the_end, has_query, octets, rule)


def _normal(text: str) -> str:
    """Percent-encoding of which equal octets are equal (RFC 9309, section 2.2.2): an unreserved character is not
    encoded, any other is, except that `/` differs from `%2F`."""
    return _ESCAPED.sub(_normal_octet, text) if _ESCAPED.search(text) else text


def _normal_octet(match: re.Match[str]) -> str:
    octet = chr(int(match[1], 16)) if match[1] else match[0]
    return octet if _UNRESERVED.fullmatch(octet) else f"%{ord(octet):02X}"


def _with_slashes(text: str) -> str:
    """In a query, `/` and `%2F` are the same."""
    path, mark, query = text.partition(_MARK)
    return path + mark + query.replace(_SLASH, "/")
