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


EQUIVALENTS: Mapping[Change, str] = {}
"""The reason of each."""


def is_equivalent(mutant: Mutant) -> bool:
    return Change(mutant.path, mutant.function, mutant.before, mutant.after) in EQUIVALENTS
