"""`domains.csv`: how many images and bytes of a run come from each registrable domain."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import IndexFiles
from functions.core.model.types import ResultLine
from functions.core.model.urls import display_host
from functions.core.summary.failures_csv import cell

FILE = "domains.csv"
COLUMNS = ("domain", "images", "bytes", "share", "cumulated_share", "top_10_percent")
MAX_DOMAINS = 500_000
"""Domains that are counted; images of those that appear later are counted together. It bounds memory."""

OTHERS = "(others)"
TOP_SHARE = 10
"""The template of the European Commission for the summary of training content asks for the top 10 percent of all
domains by the size of their content."""

_WITH_IMAGE = frozenset({OutcomeKind.STORED, OutcomeKind.UNCHANGED, OutcomeKind.SKIPPED})
"""A duplicate row has no image of its own."""


class Domains:
    def __init__(self) -> None:
        self._suffixes = PublicSuffixList()
        self._domain_of = lru_cache(100_000)(self._registrable)
        self._images: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def add(self, item: object, line: ResultLine) -> None:
        if line["outcome"] in _WITH_IMAGE:
            domain = self._domain_of(display_host(line.get("final_url") or line["url"]))
            if domain not in self._images and len(self._images) >= MAX_DOMAINS:
                domain = OTHERS
            self._images[domain] += 1
            self._bytes[domain] += line.get("bytes") or 0

    def write(self, files: IndexFiles) -> None:
        files.write_text(FILE, self._text(), "text/csv; charset=utf-8")

    def _text(self) -> Iterator[str]:
        """By size, the largest first."""
        yield _line(COLUMNS)
        total, before = self._bytes.total(), 0
        top = -(-len(self._images) * TOP_SHARE // 100)
        ordered = sorted(self._images, key=lambda domain: (-self._bytes[domain], domain))
        for number, domain in enumerate(ordered, 1):
            size = self._bytes[domain]
            before += size
            shares = (round(part / total, 6) if total else 0 for part in (size, before))
            yield _line((domain, self._images[domain], size, *shares, number <= top))

    def _registrable(self, host: str) -> str:
        """The domain that is registered under a public suffix. An address or a name without one is its own domain."""
        name = urlsplit(f"//{host}").hostname or host
        try:
            return str(ip_address(name))
        except ValueError:
            return self._suffixes.privatesuffix(name.rstrip(".")) or name


def _line(values: tuple[object, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(map(cell, values))
    return buffer.getvalue()
