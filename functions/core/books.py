"""The books of a run: every row of the manifest once, with the outcome that a batch has written down for it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from functions.core.batch import failed
from functions.core.faults import BooksFault, RowFault
from functions.core.outcomes import Ending
from functions.core.ports import Results
from functions.core.reasons import Reason
from functions.core.urls import host_of

Line = Mapping[str, Any]


@dataclass(slots=True)
class Books:
    """`rows` is counted from the manifest, the endings from what batches wrote: `check` holds one against the other."""

    rows: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    bytes: int = 0

    def add(self, line: Line) -> None:
        ending = line["outcome"]
        self.endings[ending] += 1
        if ending == Ending.STORED:
            self.bytes += line.get("bytes") or 0
        if ending == Ending.FAILED:
            self.reasons[line["reason"]] += 1
            self.hosts[_host(line["url"])] += 1

    def check(self) -> None:
        """Raises BooksFault."""
        if self.rows != self.endings.total():
            raise BooksFault(f"The manifest has {self.rows} rows, but {self.endings.total()} outcomes were found.")


def _host(url: str) -> str:
    try:
        return host_of(url) or "(none)"
    except ValueError:
        return "(none)"


def written_lines(results: Results) -> Iterator[Line]:
    """Every row's line, by row, once: of a batch that ran twice, the better end counts. One batch in memory."""
    for _, names in groupby(results.parts("results"), key=_batch_of):
        lines: dict[int, Line] = {}
        for name in names:
            for line in results.lines(name):
                known = lines.get(line["row"])
                if known is None or known["outcome"] == Ending.FAILED:
                    lines[line["row"]] = line
        yield from (lines[row] for row in sorted(lines))


def _batch_of(name: str) -> str:
    """`results/part-0000000101-02.jsonl`: the first row, without the round."""
    return name.rpartition("/")[2].rpartition("-")[0]


def entries(written: Iterable[Line], items: Iterable[Any], base_url: str = "") -> Iterator[tuple[Any, Line]]:
    """Each item of the manifest with its line. A row of which no batch has written is a crashed batch's."""
    lines = iter(written)
    line = next(lines, None)
    number = 0
    for number, item in enumerate(items, start=1):
        if line is not None and line["row"] == number:
            yield item, line
            line = next(lines, None)
        else:
            yield item, _crashed(number, item, base_url)
    if line is not None:
        raise BooksFault(f"There is an outcome for row {line['row']}, but the manifest has {number} rows.")


def _crashed(number: int, item: Any, base_url: str) -> Line:
    fault = RowFault(Reason.BATCH_CRASHED, "The batch that held the row crashed or was stopped before it got to it.")
    return failed(number, item, fault, base_url).as_json()
