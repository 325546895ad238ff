"""What the owner of an image says about its use, in the headers of the response and in robots.txt: read, recorded, and
obeyed by choice.

`Content-Usage` is of the IETF (draft-ietf-aipref-attach and -vocab), `Content-Signal` of contentsignals.org,
`TDM-Reservation` and `TDM-Policy` of the W3C community group (www.w3.org/2022/tdmrep). `Content-Usage` and
`Content-Signal` have the same form in robots.txt.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from urllib3 import HTTPHeaderDict

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.model.urls import redact

OPT_OUT_DIRECTIVES = frozenset({"noai", "noimageai", "noimageindex"})
ROBOT_NAME = "image-mirror"
"""The name by which X-Robots-Tag can address this client."""

MAX_VALUES = 8
MAX_CHARACTERS = 256
"""Maximum number of values of a signal in a result line, and maximum length of a value in characters."""

_DIRECTIVES_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_ADDRESSED = re.compile(r"\s*([\w.*-]+)(?:/[\w.]+)?\s*:(.*)", re.ASCII | re.DOTALL)
_CONTENT_SIGNAL = re.compile(r"[ \t]*ai-train[ \t]*=[ \t]*no[ \t]*", re.IGNORECASE)
_URL = re.compile(r"(?:https?:/)?/[^\s\"'<>,;]+", re.IGNORECASE)
"""An absolute URL, or what may be a relative one."""

_MAX_READ = 4096
"""Length up to which a value is redacted for display, in characters: longer than any URL with a password."""


def opt_out_directive(headers: Iterable[str], robot: str = ROBOT_NAME) -> str | None:
    """The directive of `X-Robots-Tag` that opts out, or None. `headers` are the values of each such header, not joined.

    A directive may be addressed: `googlebot: noai, noindex` is for googlebot, up to the next name or header.
    """
    for header in headers:
        addressee = ""
        for part in header.lower().split(","):
            match = _ADDRESSED.fullmatch(part)
            if match and match[1] not in _DIRECTIVES_WITH_VALUE:
                addressee, part = match.groups()
            directive = part.strip()
            if directive in OPT_OUT_DIRECTIVES and addressee in ("", "*", robot.lower()):
                return directive
    return None


_KEY = r"[a-z*][a-z0-9_.*-]*+"
_BARE_ITEM = r"""(?>
    "(?:[ !\x23-\x5b\x5d-~]|\\["\\])*+"                     # string
  | %"(?:[ !\x23\x24\x26-~]|%[0-9a-f]{2})*+"                # display string
  | [A-Za-z*][!\x23$%&'*+.^_`|~0-9A-Za-z:/-]*+              # token
  | -?[0-9]{1,12}\.[0-9]{1,3}(?![0-9.]) | -?[0-9]{1,15}(?![0-9.])   # decimal, integer
  | @-?[0-9]{1,15}(?![0-9.])                                # date
  | :[A-Za-z0-9+/=]*+: | \?[01]                             # byte sequence, boolean
)"""
_PARAMETERS = rf"(?:;[ ]*+{_KEY}(?:={_BARE_ITEM})?)*+"
_INNER_LIST = rf"\([ ]*+(?:{_BARE_ITEM}{_PARAMETERS}(?:[ ]++|(?=\))))*+\)"
_MEMBER = rf"({_KEY})(?:=({_BARE_ITEM}|{_INNER_LIST})|(?!=)){_PARAMETERS}"
"""Compiled when it is needed, which takes milliseconds of a cold start."""

_SEPARATOR = re.compile(r"[ \t]*+,[ \t]*+(?!\Z)")


def dictionary_values(text: str) -> dict[str, str]:
    """The members of a Dictionary of structured fields (RFC 9651, section 4.2.2): keys and values as they are written,
    without parameters; a key without a value has "?1", and the last of several members with one key counts.

    Text that is not a dictionary has no members: the draft says that its preferences are unknown.
    """
    member = re.compile(_MEMBER, re.VERBOSE)
    members: dict[str, str] = {}
    text = text.lstrip(" ").rstrip(" \t")
    position = 0
    while match := member.match(text, position):
        members[match[1]] = match[2] or "?1"
        if match.end() == len(text):
            return members
        separator = _SEPARATOR.match(text, match.end())
        if separator is None:
            break
        position = separator.end()
    return {}


def content_usage_opt_out(values: Sequence[str]) -> str | None:
    """`train-ai=n` if `Content-Usage` has it, in lower case. Several headers are one dictionary."""
    return "train-ai=n" if dictionary_values(", ".join(values)).get("train-ai") == "n" else None


def content_signal_opt_out(values: Sequence[str]) -> str | None:
    """`ai-train=no` if a value of `Content-Signal` has it."""
    parts = (part for value in values for part in re.split("[,;]", value))
    return "ai-train=no" if any(map(_CONTENT_SIGNAL.fullmatch, parts)) else None


def tdm_reservation_opt_out(values: Sequence[str]) -> str | None:
    """`1` if a value of `TDM-Reservation` is that: the rights are reserved."""
    return "1" if any(part.strip() == "1" for value in values for part in value.split(",")) else None


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal, by its name in result lines. `group` is its name in the option `respect`, empty for a signal that opts
    out of nothing. `opt_out` returns what of its values opts out, or None; `source` is who says it.
    """

    name: str
    group: str = ""
    opt_out: Callable[[Sequence[str]], str | None] = lambda values: None
    source: str = "site"


HEADER_SIGNALS = (
    Signal("X-Robots-Tag", "noai", opt_out_directive),
    Signal("Content-Usage", "aipref", content_usage_opt_out),
    Signal("Content-Signal", "aipref", content_signal_opt_out),
    Signal("TDM-Reservation", "tdmrep", tdm_reservation_opt_out),
    Signal("TDM-Policy"),
)


ROBOTS_SIGNALS = {
    "Content-Usage": Signal("robots.txt Content-Usage", "aipref", content_usage_opt_out),
    "Content-Signal": Signal("robots.txt Content-Signal", "aipref", content_signal_opt_out),
}
"""By the name of the line in robots.txt."""

DISALLOWED = Signal("robots.txt")
"""The line that disallows the image, in a run that only records it."""


class OwnerSignals:
    """The signals of one image, from its last response and the robots.txt for its URL. `respected` are the groups that
    opt out.

    `found` has the values by the name of the signal as they came: bounded in number and length, and with their URLs
    redacted.
    """

    __slots__ = ("_disallowed", "_of_robots", "_opt_out", "_respected", "found")

    def __init__(self, respected: Collection[str] = ()) -> None:
        self.found: dict[str, list[str]] = {}
        self._respected = respected
        self._opt_out: str | None = None
        self._of_robots: Mapping[str, Sequence[str]] = {}
        self._disallowed: str | None = None

    def record_disallowed(self, message: str) -> None:
        """The first message counts: that of the URL of the row, unless only a redirect is disallowed."""
        self._disallowed = self._disallowed or message
        self._restart()

    def read_robots(self, values: Mapping[str, Sequence[str]]) -> None:
        """What robots.txt says about the URL that is requested next: values by the name of the line."""
        self._of_robots = values
        self._restart()

    def _restart(self) -> None:
        """Forget the signals of the response before."""
        self.found.clear()
        self._opt_out = None
        if self._disallowed:
            self.add(DISALLOWED, [self._disallowed])
        for name, values in self._of_robots.items():
            self.add(ROBOTS_SIGNALS[name], values)

    def read_headers(self, headers: HTTPHeaderDict) -> None:
        """Forget those of the response before, and read those of this one."""
        self._restart()
        for signal in HEADER_SIGNALS:
            if signal.name in headers:
                self.add(signal, headers.getlist(signal.name))

    def add(self, signal: Signal, values: Sequence[str]) -> None:
        self.found[signal.name] = [_shown(value) for value in values[:MAX_VALUES]]
        if signal.group in self._respected and (value := signal.opt_out(values)) is not None:
            self._opt_out = self._opt_out or f"The {signal.source} opts out of this use ({signal.name}: {value})."

    def check(self) -> None:
        """Raises RowError(OPT_OUT) if a respected signal opts out."""
        if self._opt_out is not None:
            raise RowError(Reason.OPT_OUT, self._opt_out, status=200)


def _shown(value: str) -> str:
    """Redacted before it is cut: a URL without its end may show a password."""
    text = _URL.sub(lambda url: redact(url[0]), value[:_MAX_READ])
    text = text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)
