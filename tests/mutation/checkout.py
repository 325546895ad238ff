"""A copy of the repository in a temporary folder, in which mutants are made and tested. The checkout is not changed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutation.mutants import Mutant, mutated
from tests.mutation.plugin import ORDER, RECORD
from tests.mutation.selection import Record, file_of

ROOT = Path(__file__).parents[2]
COPIED = ("bench", "cdk", "docs", "functions", "local", "manifests", "requirements", "tests")
TESTS = ("tests/unit/functions", "tests/hostile")
PYTEST = (sys.executable, "-m", "pytest", "-p", "pytest_timeout", "-p", "tests.mutation.plugin", "--timeout=60")
ENVIRONMENT = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Without plugins pytest starts in a quarter of the time: schemathesis alone takes two seconds."""

PASSED = (0, 5)
"""Exit statuses of pytest: no test failed, and there was none."""


@dataclass(frozen=True)
class Verdict:
    """What the tests say of a mutant."""

    killed_by: str | None
    """The ID of the test that failed, or how else the run of the tests failed. None if the mutant survived."""

    tests: int
    """How many tests can see the mutant."""


class Checkout:
    """A copy of the repository."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._order = root / "order.json"

    def record(self) -> Record:
        """Run all tests."""
        file = self._root / "record.json"
        environment = {**ENVIRONMENT, RECORD: str(file)}
        subprocess.run([*PYTEST, *TESTS], cwd=self._root, env=environment, stdout=subprocess.DEVNULL)
        return Record(**json.loads(file.read_text()))

    def test(self, mutant: Mutant, record: Record) -> Verdict:
        """Run the tests that can see the mutant until one fails."""
        tests = record.tests(mutant)
        count = len(tests)
        with self._changed(mutant):
            while tests:
                failure = self._run(tests, record)
                if failure is None:
                    break
                test = failure.partition(" - ")[0]
                if not _is_timed(failure) or self._run([test], record):
                    return Verdict(test, count)
                tests = tests[tests.index(test) + 1 :]  # it fails now and then
        return Verdict(None, count)

    @contextmanager
    def _changed(self, mutant: Mutant) -> Iterator[None]:
        path = self._root / mutant.path
        original = path.read_text()
        path.write_text(mutated(self._root, mutant))
        yield
        path.write_text(original)

    def _run(self, tests: Sequence[str], record: Record) -> str | None:
        """The first test that fails, with its error, or how else the run failed; None if it did not."""
        self._order.write_text(json.dumps({"run": tests, "leave_out": record.others(tests)}))
        # The bytecode of `record` is used. That of a mutant must not be: a later one can have the same time and size.
        environment = {**ENVIRONMENT, ORDER: str(self._order), "PYTHONDONTWRITEBYTECODE": "1"}
        with subprocess.Popen(
            [*PYTEST, "-x", *dict.fromkeys(map(file_of, tests))],
            cwd=self._root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=record.limit(tests))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return "time limit"
        return None if process.returncode in PASSED else _failed(output) or f"exit status {process.returncode}"


def _failed(output: str) -> str:
    """The test that failed and its error, by the last lines of pytest's output."""
    named = [line for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return named[-1].partition(" ")[2] if named else ""


def _is_timed(failure: str) -> bool:
    """True for a test that can fail without a fault on a busy machine."""
    return failure.startswith("tests/hostile/") or "Failed: Timeout" in failure


@contextmanager
def checkout() -> Iterator[Checkout]:
    """A copy of the repository as it is, with what is not committed."""
    with TemporaryDirectory(prefix="image-mirror-mutation-") as folder:
        for name in COPIED:
            shutil.copytree(ROOT / name, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__"))
        for file in ROOT.iterdir():
            if file.is_file():
                shutil.copy(file, folder)
        yield Checkout(Path(folder))
