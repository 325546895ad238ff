"""A list that may be larger than memory: JSON lines, in a temporary file beyond a megabyte.

A lone surrogate, which JSON allows and UTF-8 does not, is written as its JSON escape sequence.
"""

import json
import tempfile
from collections.abc import Iterator
from typing import Generic, Self, TypeVar

IN_MEMORY_BYTES = 1024 * 1024
"""Size from which the list is kept on disk, in bytes."""

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
