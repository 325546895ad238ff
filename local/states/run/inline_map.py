"""A Map whose iterations are part of the execution."""

from __future__ import annotations

from itertools import count
from typing import Any

from local.states.base.errors import StatesError
from local.states.base.stop import Stop
from local.states.language.dataflow import State, filled, setting, whole
from local.states.language.paths import Sources, path
from local.states.records.map_runs import Tolerance
from local.states.run.parallel import Job, Run, together
from local.states.run.scope import Scope

MAX_CONCURRENCY = 40
"""What the service holds to in inline mode."""


def work(name: str, state: State, data: Any, scope: Scope, run: Run) -> list[Any]:
    items = listed(state, data, scope)
    scope.record("MapStateStarted", length=len(items))
    tolerance = tolerance_of(state, scope.sources(data))
    failures = _Failures(len(items), tolerance)

    def job(index: int, item: Any) -> Job:
        return lambda stop: _iterate(name, index, item, stop)

    def _iterate(name: str, index: int, item: Any, stop: Stop) -> Any:
        below = scope.below(stop, {"Map": {"Item": {"Index": index, "Value": item}}})
        below.record("MapIterationStarted", name=name, index=index)
        try:
            selected = filled(state["ItemSelector"], Sources(data, below.context)) if "ItemSelector" in state else item
            output = run(state["ItemProcessor"], selected, below)
        except StatesError as error:
            below.record("MapIterationFailed", name=name, index=index)
            return failures.tolerated(error)
        below.record("MapIterationSucceeded", name=name, index=index)
        return output

    limit = concurrency(state, scope.sources(data)) or MAX_CONCURRENCY
    try:
        outputs = together([job(*each) for each in enumerate(items)], scope, min(limit, MAX_CONCURRENCY))
    except StatesError:
        scope.record("MapStateFailed")
        raise
    scope.record("MapStateSucceeded")
    return outputs


class _Failures:
    """An iteration that may fail leaves its error in the place of its output."""

    def __init__(self, total: int, tolerance: Tolerance) -> None:
        self._total, self._tolerance = total, tolerance
        self._failures = count(1)

    def tolerated(self, error: StatesError) -> dict[str, str]:
        if self._tolerance == Tolerance():
            raise error
        if self._tolerance.exceeded(next(self._failures), self._total):
            raise StatesError("States.ExceedToleratedFailureThreshold", EXCEEDED) from error
        return error.output()


EXCEEDED = "The specified tolerated failure threshold was exceeded"


def listed(state: State, data: Any, scope: Scope) -> list[Any]:
    items = path(state.get("ItemsPath", "$")).value(scope.sources(data), "ItemsPath")
    if not isinstance(items, list):
        raise StatesError("States.Runtime", "Attempting to map over non-iterable node.")
    return items


def concurrency(state: State, sources: Sources) -> int:
    """0 is no limit."""
    return whole(setting(state, "MaxConcurrency", sources), "MaxConcurrency") or 0


def tolerance_of(state: State, sources: Sources) -> Tolerance:
    percentage = setting(state, "ToleratedFailurePercentage", sources)
    number = setting(state, "ToleratedFailureCount", sources)
    if percentage is not None and not _is_percentage(percentage):
        raise StatesError("States.Runtime", f"ToleratedFailurePercentage must be from 0 to 100, not {percentage!r}")
    return Tolerance(percentage, whole(number, "ToleratedFailureCount"))


def _is_percentage(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 100
