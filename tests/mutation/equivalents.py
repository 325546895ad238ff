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


EQUIVALENTS: Mapping[Change, str] = {
    Change(
        "functions/core/manifests/parquet.py",
        "_CompactProtocol._map",
        "kinds = self._byte() if size else 0",
        "kinds = self._byte() if size else 1",
    ): "The kinds of an empty map are not used.",
    Change(
        "functions/core/download/image_types.py",
        "_contains_eoi",
        "while (chunk := file.read(256 * 1024)):",
        "while (chunk := file.read(257 * 1024)):",
    ): "The size of a block does not change what is found.",
    Change(
        "functions/core/download/image_types.py",
        "_contains_eoi",
        "while (chunk := file.read(256 * 1024)):",
        "while (chunk := file.read(256 * 1025)):",
    ): "The size of a block does not change what is found.",
    Change(
        "functions/core/download/image_types.py",
        "_contains_eoi",
        "previous = chunk[-1:]",
        "previous = chunk[-2:]",
    ): "One byte of the block before is enough, and more do no harm.",
}
"""The reason of each."""


def is_equivalent(mutant: Mutant) -> bool:
    return Change(mutant.path, mutant.function, mutant.before, mutant.after) in EQUIVALENTS
