"""The rows of a run in groups. Each group is a file of the index, and is written by one invocation.

The groups follow from the names of the parts, and the list of them is a file of the run: `results.groups.jsonl`.
"""

import heapq
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby, pairwise
from typing import Any, NamedTuple, Protocol, Self, cast

from functions.core.model.outcomes import OutcomeKind
from functions.core.model.types import JsonObject, ResultLine
from functions.core.summary.reconciliation import read_result_lines

GROUP_ROWS = 100_000
"""Approximate number of rows of a group: a multiple of the rows of a batch."""

GROUPS_FILE = "results.groups.jsonl"

_PART = re.compile(r"(?:.*/)?part-(?:(?P<pass_>\d+)-)?(?P<row>\d{10})-(?P<round>\d+)\.jsonl")


class Part(NamedTuple):
    """A results part. `pass_` is 0 for the first attempt of rows, `row` is the first row of the batch."""

    pass_: int
    row: int
    round: int
    name: str

    @classmethod
    def parse(cls, name: str) -> Self:
        """Raises ValueError for a file that is not a part."""
        found = _PART.fullmatch(name)
        if not found:
            raise ValueError(f"{name} is not a results part.")
        return cls(int(found["pass_"] or 0), int(found["row"]), int(found["round"]), name)


@dataclass(frozen=True, slots=True)
class Group:
    """The rows from `first_row` to the one before `before_row`, which are in `parts`; None: to the last row."""

    first_row: int
    before_row: int | None
    parts: list[str] = field(default_factory=list)

    @property
    def file(self) -> str:
        return f"index/part-{self.first_row:010d}.parquet"

    @classmethod
    def from_json(cls, value: JsonObject) -> Self:
        return cls(**cast(Any, value))

    def as_json(self) -> JsonObject:
        return asdict(self)

    def has(self, row: int) -> bool:
        return self.first_row <= row and (self.before_row is None or row < self.before_row)


class PartsReader(Protocol):
    def read_parts(self, names: Iterable[str]) -> Iterator[tuple[str, list[ResultLine]]]:
        """The parts of these names, in this order. Raises StorageFault."""


def groups_of(names: Iterable[str], rows: int = GROUP_ROWS) -> list[Group]:
    """The groups of a run by the names of its results parts."""
    parts = sorted(map(Part.parse, names))
    if not parts:
        return []
    starts = [1]
    for part in parts:
        if part.pass_ == 0 and part.row - starts[-1] >= rows:
            starts.append(part.row)
    groups = [Group(first, before) for first, before in pairwise([*starts, None]) if first]
    for _, same_pass in groupby(parts, key=lambda part: part.pass_):
        for part, before in _with_ends(list(same_pass)):
            last = len(starts) if before is None else bisect_right(starts, before - 1)
            for group in groups[bisect_right(starts, part.row) - 1 : last]:
                group.parts.append(part.name)
    return groups


def _with_ends(parts: Sequence[Part]) -> Iterator[tuple[Part, int | None]]:
    """The parts of a pass, each with the first row of the next batch, or None for the last batch."""
    rows = sorted({part.row for part in parts})
    ends = dict(zip(rows, [*rows[1:], None], strict=True))
    return ((part, ends[part.row]) for part in parts)


def read_group(reader: PartsReader, group: Group) -> Iterator[ResultLine]:
    """One line for each row of the group with a recorded outcome, in the order of rows; see `read_result_lines`.

    A row that has lines of several passes has the outcome of the last one, unless an earlier one is not `failed`.
    """
    parts = sorted(map(Part.parse, group.parts))
    passes = [
        read_result_lines(_Parts(reader, [part.name for part in same_pass]))
        for _, same_pass in groupby(parts, key=lambda part: part.pass_)
    ]
    merged = heapq.merge(*passes, key=lambda line: line["row"])
    for row, lines in groupby(merged, key=lambda line: line["row"]):
        if group.has(row):
            yield _decisive(lines)


def _decisive(lines: Iterable[ResultLine]) -> ResultLine:
    decisive, *later = lines
    for line in later:
        if decisive["outcome"] == OutcomeKind.FAILED:
            decisive = line
    return decisive


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of one pass, as `read_result_lines` takes them."""

    reader: PartsReader
    names: Sequence[str]

    def result_parts(self) -> Iterator[tuple[str, list[ResultLine]]]:
        return self.reader.read_parts(self.names)
