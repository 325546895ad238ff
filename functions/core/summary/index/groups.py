"""The rows of a run in groups. Each group is a file of the index, and is written by one invocation.

The groups follow from the names of the parts, and the list of them is a file of the run: `results.groups.jsonl`.
"""

import heapq
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, Protocol, Self, cast

from functions.core.model.types import JsonObject, ResultLine
from functions.core.summary.passes import best_of_each_row
from functions.core.summary.reconciliation import read_result_lines

GROUP_ROWS = 100_000
"""Approximate number of rows of a group: a multiple of the rows of a batch."""

GROUPS_FILE = "results.groups.jsonl"

_PART = re.compile(r"(?:.*/)?part-(?:(?P<pass_>\d{4})-)?(?P<row>\d{10})-(?:(?P<last>\d{10})-)?(?P<round>\d+)\.jsonl")


class Part(NamedTuple):
    """A results part; see `part_name`. `pass_` is 0 for the first attempt of rows, `row` is the first row of the batch.

    `last` is the last row of a part of a later pass. The rows of a part of pass 0 end before those of the next one.
    """

    pass_: int
    row: int
    last: int | None
    round: int
    name: str

    @classmethod
    def parse(cls, name: str) -> Self:
        """Raises ValueError for a file that is not a part."""
        found = _PART.fullmatch(name)
        if not found:
            raise ValueError(f"{name} is not a results part.")
        last = int(found["last"]) if found["last"] else None
        return cls(int(found["pass_"] or 0), int(found["row"]), last, int(found["round"]), name)

    def sort_key(self) -> tuple[int, int, int]:
        return self.pass_, self.row, self.round


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
    parts = sorted(map(Part.parse, names), key=Part.sort_key)
    if not parts:
        return []
    starts = [1]
    for part in parts:
        if part.pass_ == 0 and part.row - starts[-1] >= rows:
            starts.append(part.row)
    groups = [Group(first, before) for first, before in pairwise([*starts, None]) if first]
    for part, last_row in _with_last_rows(parts):
        last_group = len(starts) if last_row is None else bisect_right(starts, last_row)
        for group in groups[bisect_right(starts, part.row) - 1 : last_group]:
            group.parts.append(part.name)
    return groups


def _with_last_rows(parts: Sequence[Part]) -> Iterator[tuple[Part, int | None]]:
    """The parts, each with the last row that it may have; None for the last batch of pass 0."""
    rows = sorted({part.row for part in parts if part.pass_ == 0})
    before = dict(zip(rows, [*rows[1:], None], strict=True))
    for part in parts:
        following = before.get(part.row) if part.pass_ == 0 else None
        yield part, part.last if following is None else following - 1


def read_group(reader: PartsReader, group: Group) -> Iterator[ResultLine]:
    """One line for each row of the group with a recorded outcome, in the order of rows, as RunLines chooses it.

    Memory: the lines of later passes of the group.
    """
    parts = sorted(map(Part.parse, group.parts), key=Part.sort_key)
    first = read_result_lines(_Parts(reader, [part.name for part in parts if part.pass_ == 0]))
    later = [
        line
        for _, lines in reader.read_parts([part.name for part in parts if part.pass_])
        for line in lines
        if group.has(line["row"])
    ]
    later.sort(key=lambda line: line["row"])
    in_group = (line for line in first if group.has(line["row"]))
    return best_of_each_row(heapq.merge(in_group, later, key=lambda line: line["row"]))


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of one pass, as `read_result_lines` takes them."""

    reader: PartsReader
    names: Sequence[str]

    def result_parts(self, pass_number: int = 0) -> Iterator[tuple[str, list[ResultLine]]]:
        return self.reader.read_parts(self.names)
