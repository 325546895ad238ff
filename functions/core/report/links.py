"""The page of a run for a reader who does not have its folder: its links are replaced, for example by presigned URLs.

The page is parsed, so a text that looks like a link stays a text. All that is not a link is left as it is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from itertools import accumulate

IMAGES = "../../images/"
"""Start of the links to images, from the folder of a run to that of the images, on a machine that has both."""

Attributes = Mapping[str, str | None]

_LINK_ATTRIBUTES = {"a": "href", "img": "src"}
_POLICY = "content-security-policy"


@dataclass(frozen=True, slots=True)
class LinkedPage:
    """`policy` is the Content-Security-Policy of the page."""

    html: str
    policy: str


def replace_links(page: str, replacement: Callable[[str], str | None], notice: str) -> LinkedPage:
    """The page with `notice` as its first sentence, and with the replacement of each link to a file or an image.

    Links within the page are kept. Without a replacement, a link becomes a text, and an image is left out.
    """
    parser = _LinkParser(page, replacement, notice)
    parser.feed(page)
    parser.close()
    return LinkedPage("".join(_edited(page, parser.edits)), parser.policy)


@dataclass(frozen=True, slots=True)
class _Edit:
    """The text from `start` to `end` is replaced."""

    start: int
    end: int
    text: str


def _edited(page: str, edits: list[_Edit]) -> Iterator[str]:
    position = 0
    for edit in edits:
        yield page[position : edit.start]
        yield edit.text
        position = edit.end
    yield page[position:]


class _LinkParser(HTMLParser):
    """Collects the edits of a page, in their order."""

    def __init__(self, page: str, replacement: Callable[[str], str | None], notice: str) -> None:
        super().__init__()
        self.edits: list[_Edit] = []
        self.policy = "default-src 'none'"
        self._page = page
        self._lines = [0, *accumulate(len(line) for line in page.split("\n"))]
        self._replacement = replacement
        self._notice = notice
        self._is_text = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes, start = dict(attrs), self._position()
        end = start + len(self.get_starttag_text() or "")
        if tag == "meta" and (attributes.get("http-equiv") or "").lower() == _POLICY:
            self.policy = " ".join((attributes.get("content") or "").split())
        elif tag == "main":
            self.edits.append(_Edit(end, end, f'<p class="hint">{escape(self._notice)}</p>'))
        elif tag in _LINK_ATTRIBUTES:
            self._replace_link(tag, attributes, start, end)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._is_text:
            start = self._position()
            self.edits.append(_Edit(start, self._page.index(">", start) + 1, "</span>"))
            self._is_text = False

    def _replace_link(self, tag: str, attributes: Attributes, start: int, end: int) -> None:
        name = _LINK_ATTRIBUTES[tag]
        link = attributes.get(name) or ""
        if link.startswith("#"):
            return
        target = self._replacement(link)
        if target is not None:
            self.edits.append(_Edit(start, end, _start_tag(tag, {**attributes, name: target})))
            return
        self._is_text = tag == "a"
        self.edits.append(_Edit(start, end, "<span>" if tag == "a" else ""))

    def _position(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + line - 1 + column


def _start_tag(tag: str, attributes: Attributes) -> str:
    values = (name if value is None else f'{name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{' '.join((tag, *values))}>"
