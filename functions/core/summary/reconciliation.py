"""Reconciliation of a run: every row of the manifest has exactly one outcome."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from functions.core.model.errors import BooksFault, RowError
from functions.core.model.outcomes import OutcomeKind, failed_outcome
from functions.core.model.ports import ResultParts
from functions.core.model.reasons import Reason
from functions.core.model.rows import DEFAULT_RULES, RowRules
from functions.core.model.types import OutcomeCounts, ResultLine
from functions.core.model.urls import display_host

ItemT = TypeVar("ItemT")

MAX_HOSTS = 2000
"""Number of hosts, those with the most failures, that are kept once twice as many were counted: it bounds memory."""

BATCH_CRASHED = RowError(
    Reason.BATCH_CRASHED, "The batch of this row crashed or was stopped before it recorded an outcome."
)


@dataclass(slots=True)
class Reconciliation:
    """Counts of a run. `rows` comes from the manifest, all else from the lines that `add` receives.

    `lost` is the number of failed rows, by reason, that no batch recorded, `moved` that of images whose former object
    has another key.
    """

    rows: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    moved: int = 0

    def add(self, line: ResultLine) -> None:
        outcome = line["outcome"]
        self.outcomes[outcome] += 1
        if outcome == OutcomeKind.STORED:
            self.bytes += line.get("bytes") or 0
            self.moved += "former_key" in line
        if outcome == OutcomeKind.FAILED:
            self.reasons[line["reason"]] += 1
            if line.get("lost"):
                self.lost[line["reason"]] += 1
            self._count_host(display_host(line["url"]))

    def _count_host(self, host: str) -> None:
        self.hosts[host] += 1
        if len(self.hosts) > 2 * MAX_HOSTS:
            self.hosts = Counter(dict(self.hosts.most_common(MAX_HOSTS)))

    def check(self) -> None:
        """Raises BooksFault unless there is one outcome for each row."""
        if self.rows != self.outcomes.total():
            raise BooksFault(f"The manifest has {self.rows} rows, but {self.outcomes.total()} outcomes were found.")

    def counts(self) -> OutcomeCounts:
        return {
            "stored": self.outcomes[OutcomeKind.STORED],
            "unchanged": self.outcomes[OutcomeKind.UNCHANGED],
            "skipped": self.outcomes[OutcomeKind.SKIPPED],
            "duplicate": self.outcomes[OutcomeKind.DUPLICATE],
            "failed": self.outcomes[OutcomeKind.FAILED],
        }


def read_result_lines(results: ResultParts) -> Iterator[ResultLine]:
    """One line for each row with an outcome in the Map over the manifest, in their order; keeps one batch in memory.

    Where a batch ran twice, an outcome other than `failed` takes precedence, then the later one.
    """
    for _, parts in groupby(results.result_parts(), key=lambda part: _batch_of(part[0])):
        lines: dict[int, ResultLine] = {}
        for _, part_lines in parts:
            for line in part_lines:
                earlier = lines.get(line["row"])
                if earlier is None or earlier["outcome"] == OutcomeKind.FAILED:
                    lines[line["row"]] = line
        yield from (lines[row] for row in sorted(lines))


def _batch_of(part_name: str) -> str:
    """The part's name without its round: `part-0000000101` for `results/part-0000000101-02.jsonl`."""
    return part_name.rpartition("/")[2].rpartition("-")[0]


def pair_with_items(
    lines: Iterable[ResultLine],
    items: Iterable[ItemT],
    rules: RowRules = DEFAULT_RULES,
    missing_outcome: RowError = BATCH_CRASHED,
) -> Iterator[tuple[ItemT, ResultLine]]:
    """Each item of the manifest with its result line.

    A row without a line gets a failure with the reason and message of `missing_outcome`. Raises BooksFault where a
    line belongs to no item.
    """
    remaining = iter(lines)
    line = next(remaining, None)
    row = 0
    for row, item in enumerate(items, start=1):
        if line is not None and line["row"] == row:
            yield item, line
            line = next(remaining, None)
        else:
            yield item, _missing_line(row, item, missing_outcome, rules)
    if line is not None:
        raise BooksFault(f"There is an outcome for row {line['row']}, but the manifest has {row} rows.")


def _missing_line(row: int, item: object, missing_outcome: RowError, rules: RowRules) -> ResultLine:
    """Rows of crashed batches are marked as lost: no batch has counted them in the metrics."""
    line = failed_outcome(row, item, missing_outcome, rules).as_json()
    if missing_outcome is BATCH_CRASHED:
        line["lost"] = True
    return line
