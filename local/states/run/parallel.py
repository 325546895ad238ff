"""Concurrent branches of one execution: Parallel, and the iterations of an inline Map."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from local.states.base.errors import StatesError, StoppedError
from local.states.base.payloads import JsonValue
from local.states.base.stop import StopSignal
from local.states.language.dataflow import State
from local.states.language.definition import Definition
from local.states.run.scope import Scope

RunStates = Callable[[Definition, JsonValue, Scope], JsonValue]
"""`interpreter.run_states`, passed in because the interpreter is above this module."""
Job = Callable[[StopSignal], JsonValue]


def run_branches(state: State, data: JsonValue, scope: Scope, run_states: RunStates) -> list[JsonValue]:
    """The outputs in the order of the branches. The first error stops the other branches and is raised."""
    scope.record("ParallelStateStarted")

    def job(branch: Definition) -> Job:
        return lambda stop: run_states(branch, data, scope.child(stop))

    try:
        outputs = run_concurrently([job(branch) for branch in state["Branches"]], scope, len(state["Branches"]))
    except StatesError:
        scope.record("ParallelStateFailed")
        raise
    scope.record("ParallelStateSucceeded")
    return outputs


def run_concurrently(jobs: Sequence[Job], scope: Scope, max_concurrency: int) -> list[JsonValue]:
    """The results in the order of the jobs. The first exception stops the other jobs and is raised."""
    workers = _Workers(jobs)
    with scope.stop.child() as stop:
        threads = [
            threading.Thread(target=workers.work, args=(stop,), name=f"branch-{number}", daemon=True)
            for number in range(min(max_concurrency, len(jobs)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    scope.check()
    if workers.error is not None:
        raise workers.error
    return [workers.results[index] for index in range(len(jobs))]


class _Workers:
    """The work of the threads that share a list of jobs."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(enumerate(jobs))[::-1]
        self._lock = threading.Lock()
        self.results: dict[int, JsonValue] = {}
        self.error: BaseException | None = None

    def work(self, stop: StopSignal) -> None:
        while (numbered_job := self._next_job(stop)) is not None:
            index, job = numbered_job
            try:
                self.results[index] = job(stop)
            except BaseException as error:
                self._fail(error, stop)

    def _next_job(self, stop: StopSignal) -> tuple[int, Job] | None:
        with self._lock:
            return self._jobs.pop() if self._jobs and not stop else None

    def _fail(self, error: BaseException, stop: StopSignal) -> None:
        """Keeps the first error; a StoppedError only follows from another one."""
        with self._lock:
            if self.error is None or isinstance(self.error, StoppedError):
                self.error = error
        stop.set()
