"""The books of a run: every row of the manifest once, with the outcome that a batch has written down for it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from functions.core.model.errors import BooksFault, RowError
from functions.core.model.outcomes import OutcomeKind, failed_outcome
from functions.core.model.ports import RunResults
from functions.core.model.reasons import Reason
from functions.core.model.urls import display_host

Line = Mapping[str, Any]

KEPT_HOSTS = 2000
"""Of more hosts than twice that, those with the fewest failures are forgotten: memory must not grow with the run."""

CRASHED = RowError(Reason.BATCH_CRASHED, "The batch that held the row crashed or was stopped before it got to it.")


@dataclass(slots=True)
class Reconciliation:
    """`rows` is counted from the manifest, the endings from what batches wrote: `check` holds one against the other.

    `lost` are the failures of which no batch could tell.
    """

    rows: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    lost: int = 0

    def add(self, line: Line) -> None:
        kind = line["outcome"]
        self.endings[kind] += 1
        if kind == OutcomeKind.STORED:
            self.bytes += line.get("bytes") or 0
        if kind == OutcomeKind.FAILED:
            self.reasons[line["reason"]] += 1
            self.lost += line.get("lost", False)
            self._count_host(display_host(line["url"]))

    def _count_host(self, host: str) -> None:
        self.hosts[host] += 1
        if len(self.hosts) > 2 * KEPT_HOSTS:
            self.hosts = Counter(dict(self.hosts.most_common(KEPT_HOSTS)))

    def check(self) -> None:
        """Raises BooksFault."""
        if self.rows != self.endings.total():
            raise BooksFault(f"The manifest has {self.rows} rows, but {self.endings.total()} outcomes were found.")


def written_lines(results: RunResults) -> Iterator[Line]:
    """Every row's line, by row, once: of a batch that ran twice, the better end counts. One batch in memory."""
    for _, parts in groupby(results.each("results"), key=lambda part: _batch_of(part[0])):
        lines: dict[int, Line] = {}
        for _, found in parts:
            for line in found:
                known = lines.get(line["row"])
                if known is None or known["outcome"] == OutcomeKind.FAILED:
                    lines[line["row"]] = line
        yield from (lines[row] for row in sorted(lines))


def _batch_of(name: str) -> str:
    """`results/part-0000000101-02.jsonl`: the first row, without the round."""
    return name.rpartition("/")[2].rpartition("-")[0]


def entries(
    written: Iterable[Line], items: Iterable[Any], base_url: str = "", missing: RowError = CRASHED
) -> Iterator[tuple[Any, Line]]:
    """Each item of the manifest with its line. A row of which no batch has written failed as `missing` says."""
    lines = iter(written)
    line = next(lines, None)
    number = 0
    for number, item in enumerate(items, start=1):
        if line is not None and line["row"] == number:
            yield item, line
            line = next(lines, None)
        else:
            yield item, _untold(number, item, missing, base_url)
    if line is not None:
        raise BooksFault(f"There is an outcome for row {line['row']}, but the manifest has {number} rows.")


def _untold(number: int, item: Any, missing: RowError, base_url: str) -> Line:
    """Of a crashed batch's rows nobody has told before: they are marked, to be counted."""
    return failed_outcome(number, item, missing, base_url).as_json() | ({"lost": True} if missing is CRASHED else {})
