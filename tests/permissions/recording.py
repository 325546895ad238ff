"""Runs the suite with recording on, and reads what the local clouds recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from local.aws.permissions.recording import VARIABLE
from tests.unit.source_tree import ROOT

FILE = Path(__file__).with_name("recorded.json")
MAX_TESTS = 12
"""Tests that are kept for a grant, the fastest first."""


@dataclass(frozen=True)
class Recorded:
    """`tests` by grant, `calls` counts the checked calls by caller and service, and `shown_by` has the test that fails
    when a grant is removed."""

    tests: dict[str, list[str]]
    calls: dict[str, dict[str, int]]
    shown_by: dict[str, str] = field(default_factory=dict)

    def added(self, more: Recorded) -> Recorded:
        """With the tests of another recording after those of this one, and the calls of this one."""
        tests = {
            grant: list(dict.fromkeys([*self.tests.get(grant, []), *more.tests.get(grant, [])]))[:MAX_TESTS]
            for grant in self.tests | more.tests
        }
        return Recorded(tests, self.calls, {**self.shown_by, **more.shown_by})

    def write(self) -> None:
        FILE.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n")


def read() -> Recorded:
    return Recorded(**json.loads(FILE.read_text()))


def record(arguments: list[str]) -> Recorded:
    """Runs pytest with the arguments; the whole suite without any."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        report = folder / "report.xml"
        command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", f"--junitxml={report}", *arguments]
        subprocess.run(command, cwd=ROOT, env={**os.environ, VARIABLE: str(folder)}, check=False)
        return summarized(folder, _seconds(report))


def summarized(folder: Path, seconds: dict[str, float]) -> Recorded:
    tests: defaultdict[str, set[str]] = defaultdict(set)
    calls: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for file in folder.glob("*.jsonl"):
        for line in map(json.loads, file.read_text().splitlines()):
            if not line["grants"]:
                continue  # a refused call
            calls[_caller(line["caller"])][line["action"].partition(":")[0]] += line["count"]
            for grant in line["grants"]:
                if grant != "Administrator * *" and line["test"]:
                    tests[grant].add(line["test"])
    slow = 1e9
    return Recorded(
        {
            grant: sorted(found, key=lambda test: (seconds.get(_name(test), slow), test))[:MAX_TESTS]
            for grant, found in tests.items()
        },
        {caller: dict(counts) for caller, counts in calls.items()},
    )


def _caller(name: str) -> str:
    """A role without its random suffix: `ImageMirror-ApiRole-ABCDEF` is `ApiRole`."""
    parts = name.split("-")
    return parts[1] if len(parts) == 3 else name.rpartition(":")[2]


def _name(test: str) -> str:
    """`tests/a/test_b.py::test_c[x]` as in the report: `tests.a.test_b.test_c[x]`."""
    path, _, name = test.partition("::")
    return f"{path.removesuffix('.py').replace('/', '.')}.{name}"


def _seconds(report: Path) -> dict[str, float]:
    """The duration of each test."""
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return {f"{case.get('classname')}.{case.get('name')}": float(case.get("time", "0")) for case in cases}
