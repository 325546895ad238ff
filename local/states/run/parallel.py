"""Concurrent branches of one execution: Parallel, and the iterations of an inline Map."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from local.states.base.errors import NestedError, StatesError, StoppedError
from local.states.base.payloads import JsonValue
from local.states.base.stop import StopSignal
from local.states.language.dataflow import State
from local.states.language.definition import Definition
from local.states.run.scope import Scope

RunStates = Callable[[Definition, JsonValue, Scope], JsonValue]
"""`interpreter.run_states`, passed in because the interpreter is above this module."""
Job = Callable[[Scope], JsonValue]
"""The work of one branch or iteration, in a scope of its own."""
Abort = Callable[[int, Scope], None]
"""Records that a branch was stopped because another one failed; it has the index of the branch."""

_ABORTABLE = ("Task", "Wait", "Parallel", "Map")
"""Types of states that have an event for being aborted."""


def run_branches(state: State, data: JsonValue, scope: Scope, run_states: RunStates) -> list[JsonValue]:
    """The outputs in the order of the branches. The first error stops the other branches and is raised."""
    scope.record("ParallelStateStarted")

    def job(branch: Definition) -> Job:
        return lambda branch_scope: run_states(branch, data, branch_scope)

    outputs = run_concurrently([job(branch) for branch in state["Branches"]], scope, len(state["Branches"]))
    scope.record_aside("ParallelStateSucceeded")
    return outputs


def run_concurrently(
    jobs: Sequence[Job], scope: Scope, max_concurrency: int, on_abort: Abort = lambda index, branch: None
) -> list[JsonValue]:
    """The results in the order of the jobs. The first exception stops the other jobs and is raised: an error of the
    language as NestedError."""
    with scope.stop.child() as stop:
        workers = _Workers(jobs, scope, stop)
        threads = [
            threading.Thread(target=workers.work, name=f"branch-{number}", daemon=True)
            for number in range(min(max_concurrency, len(jobs)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    scope.check()
    scope.last_event = workers.last_event
    if workers.error is None:
        return [workers.results[index] for index in range(len(jobs))]
    for index, branch in sorted(workers.unfinished.items()):
        branch.last_event = scope.last_event
        on_abort(index, branch)
        if branch.state_type in _ABORTABLE:
            branch.record_aside(f"{branch.state_type}StateAborted")
    if isinstance(workers.error, StatesError):
        raise NestedError(workers.error.name, workers.error.cause) from workers.error
    raise workers.error


class _Workers:
    """The work of the threads that share a list of jobs.

    `last_event` is the event that the next one of the whole state follows, `unfinished` has the branches without a
    result by index.
    """

    def __init__(self, jobs: Sequence[Job], scope: Scope, stop: StopSignal) -> None:
        self._jobs = list(enumerate(jobs))[::-1]
        self._scope, self._stop = scope, stop
        self._lock = threading.Lock()
        self.results: dict[int, JsonValue] = {}
        self.unfinished: dict[int, Scope] = {}
        self.error: BaseException | None = None
        self.last_event = scope.last_event

    def work(self) -> None:
        last_event = self._scope.last_event
        while (numbered_job := self._next_job()) is not None:
            index, job = numbered_job
            branch = self._scope.child(self._stop, last_event)
            try:
                self._finish(index, job(branch), branch)
            except BaseException as error:
                self._fail(error, index, branch)
            last_event = branch.last_event

    def _next_job(self) -> tuple[int, Job] | None:
        with self._lock:
            return self._jobs.pop() if self._jobs and not self._stop else None

    def _finish(self, index: int, result: JsonValue, branch: Scope) -> None:
        with self._lock:
            self.results[index] = result
            if self.error is None:
                self.last_event = max(self.last_event, branch.closing_event or branch.last_event)

    def _fail(self, error: BaseException, index: int, branch: Scope) -> None:
        """Keeps the first error; a StoppedError only follows from another one."""
        with self._lock:
            self.unfinished[index] = branch
            if self.error is None or isinstance(self.error, StoppedError):
                self.error = error
                self.last_event = branch.last_event
        self._stop.set()
