"""Settings that inline and distributed Map states have in common."""

from __future__ import annotations

from local.states.base.errors import EXCEED_TOLERATED_FAILURE_THRESHOLD, RUNTIME, StatesError
from local.states.base.payloads import JsonValue, is_number
from local.states.language.dataflow import State, integer_setting, not_a_number, setting
from local.states.language.paths import Sources, path
from local.states.records.map_runs import MAX_PERCENTAGE, FailureThreshold


def input_items(state: State, sources: Sources) -> list[JsonValue]:
    """The array at ItemsPath. Raises `States.Runtime`."""
    items = path(state.get("ItemsPath", "$")).value(sources, "ItemsPath")
    if not isinstance(items, list):
        raise StatesError(RUNTIME, "Attempting to map over non-iterable node.")
    return items


def max_concurrency(state: State, sources: Sources) -> int:
    """0 is no limit. Raises `States.Runtime`."""
    return integer_setting(state, "MaxConcurrency", sources) or 0


def failure_threshold(state: State, sources: Sources) -> FailureThreshold:
    """Raises `States.Runtime`."""
    percentage = setting(state, "ToleratedFailurePercentage", sources)
    if percentage is not None and not is_number(percentage):
        raise not_a_number(state, "ToleratedFailurePercentage", percentage, "float")
    if percentage is not None and not 0 <= percentage <= MAX_PERCENTAGE:
        raise StatesError(RUNTIME, f"ToleratedFailurePercentage must be between 0 and {MAX_PERCENTAGE}.")
    return FailureThreshold(percentage, integer_setting(state, "ToleratedFailureCount", sources))


def threshold_exceeded() -> StatesError:
    return StatesError(EXCEED_TOLERATED_FAILURE_THRESHOLD, "The specified tolerated failure threshold was exceeded")
