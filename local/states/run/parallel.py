"""Branches of one execution side by side: Parallel, and the iterations of an inline Map."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from local.states.base.errors import StatesError, Stopped
from local.states.base.stop import Stop
from local.states.language.dataflow import State
from local.states.language.definition import Definition
from local.states.run.scope import Scope

Run = Callable[[Definition, Any, Scope], Any]
Job = Callable[[Stop], Any]


def branches(state: State, data: Any, scope: Scope, run: Run) -> list[Any]:
    """The outputs in the order of the branches; the first error ends the others."""
    scope.record("ParallelStateStarted")

    def job(definition: Definition) -> Job:
        return lambda stop: run(definition, data, scope.below(stop))

    try:
        outputs = together([job(branch) for branch in state["Branches"]], scope, len(state["Branches"]))
    except StatesError:
        scope.record("ParallelStateFailed")
        raise
    scope.record("ParallelStateSucceeded")
    return outputs


def together(jobs: Sequence[Job], scope: Scope, limit: int) -> list[Any]:
    """The results in the order of the jobs, at most `limit` at a time. The first exception stops the rest."""
    crew = _Crew(jobs)
    with scope.stop.below() as stop:
        threads = [
            threading.Thread(target=crew.work, args=(stop,), name=f"branch-{n}", daemon=True)
            for n in range(min(limit, len(jobs)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    scope.check()
    if crew.error is not None:
        raise crew.error
    return [crew.results[index] for index in range(len(jobs))]


class _Crew:
    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(enumerate(jobs))[::-1]
        self._lock = threading.Lock()
        self.results: dict[int, Any] = {}
        self.error: BaseException | None = None

    def work(self, stop: Stop) -> None:
        while (taken := self._take(stop)) is not None:
            index, job = taken
            try:
                self.results[index] = job(stop)
            except BaseException as error:
                self._failed(error, stop)

    def _take(self, stop: Stop) -> tuple[int, Job] | None:
        with self._lock:
            return self._jobs.pop() if self._jobs and not stop else None

    def _failed(self, error: BaseException, stop: Stop) -> None:
        with self._lock:
            if self.error is None or isinstance(self.error, Stopped):
                self.error = error
        stop.set()
