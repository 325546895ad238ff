"""A list that may outgrow memory: JSON lines, in a temporary file past a megabyte.

Half of a surrogate pair, which JSON allows and UTF-8 does not, is written as JSON's own escape of it.
"""

import json
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Any

IN_MEMORY_BYTES = 1024 * 1024


class Spool:
    """Filled first, then read; gone when its context is left."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed on exit
            max_size=IN_MEMORY_BYTES, mode="w+", encoding="utf-8", errors="backslashreplace"
        )
        self._count = 0

    def __enter__(self) -> "Spool":
        return self

    def add(self, value: Any) -> None:
        self._file.write(json.dumps(value, ensure_ascii=False) + "\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        self._file.seek(0)
        return map(json.loads, self._file)

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        self._file.close()
