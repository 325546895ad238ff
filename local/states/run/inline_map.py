"""An inline Map: its iterations are part of the execution. DG "Using Map state in Inline mode"."""

from __future__ import annotations

from itertools import count

from local.states.base import quotas
from local.states.base.errors import StatesError
from local.states.base.payloads import JsonValue
from local.states.language.dataflow import State, evaluate
from local.states.language.paths import Sources
from local.states.records.map_runs import FailureThreshold
from local.states.run.map_settings import failure_threshold, input_items, max_concurrency, threshold_exceeded
from local.states.run.parallel import Job, RunStates, run_concurrently
from local.states.run.scope import Scope


def run_inline_map(name: str, state: State, data: JsonValue, scope: Scope, run_states: RunStates) -> list[JsonValue]:
    """The outputs of the iterations, in the order of the items. Raises StatesError, StoppedError or TimedOutError."""
    sources = scope.sources(data)
    items = input_items(state, sources)
    limit = min(max_concurrency(state, sources) or quotas.MAX_INLINE_CONCURRENCY, quotas.MAX_INLINE_CONCURRENCY)
    scope.record("MapStateStarted", length=len(items))
    failures = _Failures(len(items), failure_threshold(state, sources))

    def job(index: int, item: JsonValue) -> Job:
        return lambda iteration: run_iteration(index, item, iteration)

    def run_iteration(index: int, item: JsonValue, iteration: Scope) -> JsonValue:
        iteration.context["Map"] = {"Item": {"Index": index, "Value": item}}
        iteration.record("MapIterationStarted", name=name, index=index)
        try:
            output = run_states(state["ItemProcessor"], _select(state, item, data, iteration), iteration)
        except StatesError as error:
            iteration.closing_event = iteration.record_aside("MapIterationFailed", name=name, index=index)
            return failures.tolerate(error)
        iteration.closing_event = iteration.record_aside("MapIterationSucceeded", name=name, index=index)
        return output

    def abort(index: int, iteration: Scope) -> None:
        if not iteration.closing_event:
            iteration.record_aside("MapIterationAborted", name=name, index=index)

    outputs = run_concurrently([job(index, item) for index, item in enumerate(items)], scope, limit, abort)
    scope.record_aside("MapStateSucceeded")
    return outputs


def _select(state: State, item: JsonValue, data: JsonValue, iteration: Scope) -> JsonValue:
    """The input of an iteration: the item, or what ItemSelector makes of it."""
    return evaluate(state["ItemSelector"], Sources(data, iteration.context)) if "ItemSelector" in state else item


class _Failures:
    """Counts failed iterations. The output of a tolerated one is its error output."""

    def __init__(self, total: int, threshold: FailureThreshold) -> None:
        self._total, self._threshold = total, threshold
        self._failures = count(1)

    def tolerate(self, error: StatesError) -> dict[str, str]:
        """Raises the error if no threshold is set, `States.ExceedToleratedFailureThreshold` if it is exceeded."""
        if self._threshold == FailureThreshold():
            raise error
        if self._threshold.is_exceeded(next(self._failures), self._total):
            raise threshold_exceeded() from error
        return error.output()
