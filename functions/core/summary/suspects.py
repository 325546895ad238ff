"""Placeholders: one image that a host serves for many of its URLs, instead of an error.

They are reported and never dropped: a host may have good reasons.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from functions.core.model.outcomes import OutcomeKind
from functions.core.model.types import ResultLine
from functions.core.model.urls import display_host
from functions.core.summary.failures_csv import cell

FILE = "suspects.csv"
COLUMNS = ("host", "sha256", "rows", "bytes", "object_key", "first_row")
MIN_ROWS = 10
"""Rows of one host with the same image from which it is a suspect."""

MAX_IMAGES = 50_000
"""Images, those with the most rows, that are kept once twice as many were counted: it bounds memory. An image that is
dropped and comes again is counted from there."""

_WITH_IMAGE = frozenset({OutcomeKind.STORED, OutcomeKind.UNCHANGED, OutcomeKind.SKIPPED})
"""A duplicate row has the URL of another row."""


@dataclass(slots=True)
class _Image:
    """An image of a host: the number of its rows, and where the first one is."""

    bytes: int
    object_key: str
    first_row: int
    rows: int = 1


class Suspects:
    """Counts rows by host and SHA-256."""

    def __init__(self) -> None:
        self._images: dict[tuple[str, str], _Image] = {}

    def add(self, line: ResultLine) -> None:
        digest = line.get("sha256")
        if line["outcome"] not in _WITH_IMAGE or not digest:
            return
        key = display_host(line["url"]), digest
        image = self._images.get(key)
        if image is not None:
            image.rows += 1
            return
        self._images[key] = _Image(line.get("bytes") or 0, line.get("object_key") or "", line["row"])
        if len(self._images) > 2 * MAX_IMAGES:
            most = sorted(self._images.items(), key=lambda each: -each[1].rows)
            self._images = dict(most[:MAX_IMAGES])

    def found(self) -> list[tuple[str, str, int, int, str, int]]:
        """The values of COLUMNS, the image with the most rows first."""
        return sorted(
            (
                (host, digest, image.rows, image.bytes, image.object_key, image.first_row)
                for (host, digest), image in self._images.items()
                if image.rows >= MIN_ROWS
            ),
            key=lambda values: (-values[2], values),
        )

    def note(self) -> str | None:
        """A sentence for the summary."""
        suspects = self.found()
        if not suspects:
            return None
        host, _, rows, *_ = suspects[0]
        more = f", and {len(suspects) - 1} more like it" if len(suspects) > 1 else ""
        return f"{rows:,} rows of {host} are one and the same image: a placeholder? It is in {FILE}{more}."

    def lines(self) -> Iterator[str]:
        """`suspects.csv`."""
        for values in (COLUMNS, *self.found()):
            buffer = io.StringIO()
            csv.writer(buffer).writerow(map(cell, values))
            yield buffer.getvalue()
