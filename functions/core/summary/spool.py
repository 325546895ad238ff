"""Lists that may be larger than memory: JSON lines, in a temporary file beyond a megabyte.

A lone surrogate, which JSON allows and UTF-8 does not, is written as its JSON escape sequence.
"""

import heapq
import json
import tempfile
from collections.abc import Callable, Iterator
from typing import Generic, Self, TypeVar

IN_MEMORY_BYTES = 1024 * 1024
"""Size from which the list is kept on disk, in bytes."""

SORTED_IN_MEMORY = 50_000
"""Number of values that are sorted in memory, about 50 MB of result lines, before they go to a file."""

ValueT = TypeVar("ValueT")


class Spool(Generic[ValueT]):
    """JSON values that are all added first and then read. A context manager: on exit its file is deleted."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed on exit
            max_size=IN_MEMORY_BYTES, mode="w+", encoding="utf-8", errors="backslashreplace"
        )
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def add(self, value: ValueT) -> None:
        self._file.write(json.dumps(value, ensure_ascii=False) + "\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ValueT]:
        self._file.seek(0)
        return map(json.loads, self._file)

    def __exit__(self, *_: object) -> None:
        self._file.close()


class Sorted(Generic[ValueT]):
    """JSON values that are all added first and then read in the order of their keys; those of one key in the order in
    which they were added. A context manager, like Spool."""

    def __init__(self, key: Callable[[ValueT], int]) -> None:
        self._key = key
        self._last: list[ValueT] = []
        self._runs: list[Spool[ValueT]] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs)) + len(self._last)

    def __enter__(self) -> Self:
        return self

    def add(self, value: ValueT) -> None:
        self._last.append(value)
        if len(self._last) == SORTED_IN_MEMORY:
            spool = Spool[ValueT]()
            self._runs.append(spool)
            for each in sorted(self._last, key=self._key):
                spool.add(each)
            self._last.clear()

    def __iter__(self) -> Iterator[ValueT]:
        return heapq.merge(*self._runs, sorted(self._last, key=self._key), key=self._key)

    def __exit__(self, *_: object) -> None:
        for spool in self._runs:
            spool.__exit__()
