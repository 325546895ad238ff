"""The tests that can see a mutant."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

from tests.mutation.mutants import Mutant
from tests.unit.source_tree import imports


@dataclass(frozen=True)
class Record:
    """What each test did when nothing was mutated."""

    calls: Mapping[str, list[str]]
    """By the ID of a test, the functions that it calls, each as `path:function`. By "", those called at import."""

    seconds: Mapping[str, float]
    failed: Sequence[str] = ()
    """Tests that failed: they say nothing about a mutant."""

    @cached_property
    def _callers(self) -> Mapping[str, set[str]]:
        callers: dict[str, set[str]] = defaultdict(set)
        for test, functions in self.calls.items():
            for function in functions:
                callers[function].add(test)
        return callers

    def tests(self, mutant: Mutant) -> list[str]:
        """The tests that call the mutated function. What runs at import can be seen by each test that imports it.

        The tests of the same name come first. Tests of a file stay together, so that they share its fixtures.
        """
        callers = self._callers.get(f"{mutant.path}:{mutant.function}", set()) if mutant.function else {""}
        chosen = self._importing(mutant.path) if "" in callers else callers
        by_file: dict[str, list[str]] = defaultdict(list)
        for test in self.seconds:
            if test in chosen and test not in self.failed:
                by_file[file_of(test)].append(test)
        files = sorted(by_file, key=lambda file: (not _is_test_of(mutant.path, file), self._duration(by_file[file])))
        return [test for file in files for test in by_file[file]]

    def _importing(self, path: str) -> set[str]:
        files = {f"{module.replace('.', '/')}.py" for module in importers(module_of(path), imports())}
        return {test for test in self.seconds if file_of(test) in files}

    def others(self, tests: Iterable[str]) -> list[str]:
        """The remaining tests of the files of these tests."""
        chosen = set(tests)
        files = {file_of(test) for test in chosen}
        return [test for test in self.seconds if test not in chosen and file_of(test) in files]

    def _duration(self, tests: Iterable[str]) -> float:
        return sum(self.seconds[test] for test in tests)

    def limit(self, tests: Iterable[str]) -> float:
        """Seconds after which a mutant hangs: five times what its tests take, and a minute to begin."""
        return 60 + 5 * self._duration(tests)


def file_of(test: str) -> str:
    return test.partition("::")[0]


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def importers(module: str, graph: Mapping[str, frozenset[str]]) -> set[str]:
    """The modules that import this one, also through others."""
    found: set[str] = set()
    new = {module}
    while new:
        found |= new
        new = {other for other, imported in graph.items() if imported & new} - found
    return found


def _is_test_of(path: str, test_file: str) -> bool:
    return PurePath(test_file).name == f"test_{PurePath(path).name}"
