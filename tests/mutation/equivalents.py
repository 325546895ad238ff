"""Mutants that no test can kill, because the changed code does the same."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.mutation.mutants import Mutant


@dataclass(frozen=True)
class Change:
    """A mutant without its line, which moves. It is no longer found when the code is written differently."""

    path: str
    function: str
    before: str
    after: str


BLOCK = "The size of a block or of a buffer changes nothing but the speed."
_BLOCKS = (
    ("functions/adapters/s3/connections.py", "", "BLOCK_BYTES = {} * {}", 256, 1024),
    ("functions/adapters/s3/reading.py", "", "CHUNK_BYTES = {} * {}", 256, 1024),
    ("functions/adapters/s3/run_files.py", "", "MAX_IN_MEMORY_BYTES = {} * {} * 1024", 4, 1024),
    ("functions/adapters/s3/run_files.py", "", "MAX_IN_MEMORY_BYTES = 4 * {} * {}", 1024, 1024),
    ("functions/core/summary/spool.py", "", "IN_MEMORY_BYTES = {} * {}", 1024, 1024),
    ("functions/core/download/images/ends.py", "", "BLOCK_BYTES = {} * {}", 256, 1024),
    ("functions/core/manifests/json_rows.py", "", "CHARACTERS = {} * {}", 64, 1024),
    ("functions/core/manifests/streams.py", "", "PIECE_BYTES = {} * {}", 1024, 1024),
    ("functions/core/manifests/streams.py", "", "BUFFER_BYTES = {} * {}", 256, 1024),
    ("functions/core/web/transport.py", "", "READ_BYTES = {} * {}", 64, 1024),
)

EQUIVALENTS: Mapping[Change, str] = {
    **{
        Change(path, function, code.format(first, second), code.format(*changed)): BLOCK
        for path, function, code, first, second in _BLOCKS
        for changed in ((first + 1, second), (first, second + 1))
    },
    Change(
        "functions/core/download/images/ends.py",
        "gif",
        "_skip_color_table(file, file.read(3)[:1])",
        "_skip_color_table(file, file.read(3)[:2])",
    ): "Only the first of the flags is used.",
    Change(
        "functions/core/download/images/ends.py",
        "_next_marker",
        "previous = searched[-1:]",
        "previous = searched[-2:]",
    ): "One byte of the block before is enough, and more do no harm.",
    Change(
        "functions/core/manifests/json_validation.py",
        "_line_items",
        "if len(line) > MIN_CHECKED_CHARACTERS and is_too_large(item):",
        "if len(line) >= MIN_CHECKED_CHARACTERS and is_too_large(item):",
    ): "A line of that length is never too large: the bound only saves the check.",
    Change(
        "functions/core/manifests/parquet/thrift.py",
        "CompactProtocol._map",
        "kinds = self._byte() if size else 0",
        "kinds = self._byte() if size else 1",
    ): "The kinds of an empty map are not used.",
    Change(
        "functions/core/manifests/parquet/thrift.py",
        "CompactProtocol._bytes",
        "if self._position > len(self._data):",
        "if self._position >= len(self._data):",
    ): "At least one more byte of a struct is read after these, and raises the same error where it is missing.",
    Change(
        "functions/core/web/deadlines.py",
        "Watchdog._run",
        "if remaining > 0:",
        "if remaining >= 0:",
    ): "At 0 the thread waits for no time, and then finds that the deadline has passed.",
    Change(
        "functions/core/web/response.py",
        "_decompressor",
        "return zlib.decompressobj(-zlib.MAX_WBITS if is_raw else zlib.MAX_WBITS | 32)",
        "return zlib.decompressobj(-zlib.MAX_WBITS if is_raw else zlib.MAX_WBITS | 33)",
    ): "MAX_WBITS is 15, and both are 47.",
}
"""The reason of each."""


def is_equivalent(mutant: Mutant) -> bool:
    return Change(mutant.path, mutant.function, mutant.before, mutant.after) in EQUIVALENTS
