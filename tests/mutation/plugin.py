"""A pytest plugin. It records which test calls which function, and runs chosen tests in a given order.

A variable of the environment asks for each of the two.
"""

import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

import pytest

RECORD = "IMAGE_MIRROR_MUTATION_RECORD"
"""The file that the record is written to: JSON with the fields of `selection.Record`."""

ORDER = "IMAGE_MIRROR_MUTATION_ORDER"
"""The file with the tests to run: JSON with the arguments of `Order`, which are IDs of tests."""

ROOT = Path(__file__).parents[2]
MUTATED = str(ROOT / "functions") + os.sep
UNNAMED = re.compile(r"(\.?<locals>)?\.?<(lambda|listcomp|setcomp|dictcomp|genexpr|module)>.*")


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Register before the first module of the product is imported."""
    if record := os.environ.get(RECORD):
        early_config.pluginmanager.register(Recorder(Path(record)))
    if order := os.environ.get(ORDER):
        early_config.pluginmanager.register(Order(**json.loads(Path(order).read_text())))


class Recorder:
    """Traces calls only, not lines, so that tests take little more time than without it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._called: set[CodeType] = set()
        self._calls: dict[str, list[str]] = {}
        self._seconds: dict[str, float] = {}
        self._failed: list[str] = []
        threading.settrace(self._trace)
        sys.settrace(self._trace)

    def pytest_collection_finish(self) -> None:
        self._calls[""] = self._names()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._called = set(_running())
        sys.settrace(self._trace)  # Python ends the trace where the function fails, as in a test of deep recursion
        started = time.monotonic()
        result = yield
        self._seconds[item.nodeid] = time.monotonic() - started
        self._calls[item.nodeid] = self._names()
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        sys.settrace(None)
        record = {"calls": self._calls, "seconds": self._seconds, "failed": self._failed}
        self._file.write_text(json.dumps(record))

    def _trace(self, frame: FrameType, event: str, argument: object) -> None:
        self._called.add(frame.f_code)

    def _names(self) -> list[str]:
        return sorted({function_name(code) for code in self._called.copy() if code.co_filename.startswith(MUTATED)})


def _running() -> Iterator[CodeType]:
    """The functions that other threads are in: a thread that an earlier test started may serve this one, too."""
    for top in sys._current_frames().values():
        frame: FrameType | None = top
        while frame is not None:
            yield frame.f_code
            frame = frame.f_back


def function_name(code: CodeType) -> str:
    """`path:function`. A lambda and a comprehension belong to the function around them."""
    return f"{Path(code.co_filename).relative_to(ROOT)}:{UNNAMED.sub('', code.co_qualname)}"


class Order:
    """Runs tests in a given order, then those of their files that are new, because a mutant can change IDs of tests."""

    def __init__(self, run: list[str], leave_out: list[str]) -> None:
        self._ranks = {test: rank for rank, test in enumerate(run)}
        self._leave_out = frozenset(leave_out)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid not in self._leave_out]
        items[:] = sorted(chosen, key=lambda item: self._ranks.get(item.nodeid, len(self._ranks)))
