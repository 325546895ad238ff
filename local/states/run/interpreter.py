"""Runs the states of a machine, of a branch or of an item processor."""

from __future__ import annotations

from collections.abc import Callable

from local.states.base import payloads, quotas
from local.states.base.errors import NO_CHOICE_MATCHED, RUNTIME, TIMEOUT, StatesError
from local.states.base.payloads import JsonObject, JsonValue
from local.states.language.choices import matches, parse_timestamp
from local.states.language.dataflow import (
    State,
    apply_path,
    apply_result_path,
    apply_template,
    expression,
    integer_setting,
    setting,
)
from local.states.language.definition import Definition, map_mode
from local.states.language.paths import Sources
from local.states.language.retry import RetryCounter, find_catcher
from local.states.run.distributed_map import run_distributed_map
from local.states.run.inline_map import run_inline_map
from local.states.run.parallel import run_branches
from local.states.run.scope import Scope
from local.states.run.tasks import TaskResource, task_resource

NextState = str | None
StateRunner = Callable[[str, State, JsonValue, Scope], tuple[JsonValue, NextState]]
"""Runs a state, given its name and its raw input: returns its output and the name of the next state."""
Work = Callable[[str, State, JsonValue, Scope], JsonValue]
"""Computes the result of a state from its effective input, which InputPath has selected."""


def run_states(definition: Definition, data: JsonValue, scope: Scope) -> JsonValue:
    """The output of the last state. Raises StatesError, StoppedError or TimedOutError."""
    name: NextState = definition["StartAt"]
    while name is not None:
        scope.check()
        state = definition["States"][name]
        scope.enter_state(name, 0)
        scope.record(f"{state['Type']}StateEntered", name=name, input=scope.history_text(data))
        data, next_state = _run_with_retries(name, state, data, scope)
        payloads.check_size(data, f"The output of the state '{name}'")
        scope.record(f"{state['Type']}StateExited", name=name, output=scope.history_text(data))
        name = next_state
    return data


def _run_with_retries(name: str, state: State, raw_input: JsonValue, scope: Scope) -> tuple[JsonValue, NextState]:
    retries = RetryCounter(state)
    retry_count = 0
    while True:
        try:
            return _RUNNERS[state["Type"]](name, state, raw_input, scope)
        except StatesError as error:
            delay = retries.next_delay(error.name)
            if delay is None:
                return _catch(state, raw_input, error)
            scope.sleep(delay)
            retry_count += 1
            scope.enter_state(name, retry_count)


def _catch(state: State, raw_input: JsonValue, error: StatesError) -> tuple[JsonValue, NextState]:
    catcher = find_catcher(state, error.name)
    if catcher is None:
        raise error
    return apply_result_path(raw_input, error.output(), catcher.get("ResultPath", "$")), catcher["Next"]


# ---- states with a result ----


def _with_result(work: Work) -> StateRunner:
    """Adds the data flow of the state around its work."""

    def run(name: str, state: State, raw_input: JsonValue, scope: Scope) -> tuple[JsonValue, NextState]:
        data = apply_path(state, "InputPath", raw_input, scope.context)
        result = work(name, state, data, scope)
        result = apply_template(state, "ResultSelector", result, scope.context)
        output = apply_result_path(raw_input, result, state.get("ResultPath", "$"))
        return apply_path(state, "OutputPath", output, scope.context), state.get("Next")

    return run


def _pass(name: str, state: State, data: JsonValue, scope: Scope) -> JsonValue:
    parameters = apply_template(state, "Parameters", data, scope.context)
    result: JsonValue = state.get("Result", parameters)
    return result


def _task(name: str, state: State, data: JsonValue, scope: Scope) -> JsonValue:
    resource = task_resource(state["Resource"])
    timeout = integer_setting(state, "TimeoutSeconds", scope.sources(data))
    parameters = apply_template(state, "Parameters", data, scope.context)
    payloads.check_size(parameters, f"The input of the state '{name}'")
    details = _record_task_start(state, resource, parameters, scope)
    try:
        result = resource.call(state["Resource"], parameters, scope, timeout)
        payloads.check_size(result, f"The result of the state '{name}'")
    except StatesError as error:
        event = f"{resource.event_prefix}{'TimedOut' if error.name == TIMEOUT else 'Failed'}"
        scope.record(event, **details, error=error.name, cause=error.cause)
        raise
    scope.record(f"{resource.event_prefix}Succeeded", **details, output=scope.history_text(result))
    return result


def _record_task_start(state: State, resource: TaskResource, parameters: JsonValue, scope: Scope) -> JsonObject:
    """Records the events Scheduled and Started, and returns the details that all events of the task have."""
    details: JsonObject = {}
    text = scope.history_text(parameters)
    scheduled: JsonObject = {"resource": state["Resource"], "input": text}
    if resource.event_prefix == "Task":  # an optimized integration
        service, _, action = state["Resource"].removeprefix("arn:aws:states:::").partition(":")
        details = {"resourceType": service, "resource": action}
        scheduled = {**details, "parameters": text, "region": scope.services.arns.region}
    scope.record(f"{resource.event_prefix}Scheduled", **scheduled)
    scope.record(f"{resource.event_prefix}Started", **details)
    return details


def _parallel(name: str, state: State, data: JsonValue, scope: Scope) -> JsonValue:
    return run_branches(state, apply_template(state, "Parameters", data, scope.context), scope, run_states)


def _map(name: str, state: State, data: JsonValue, scope: Scope) -> JsonValue:
    if map_mode(state) == "DISTRIBUTED":
        return run_distributed_map(name, state, data, scope)
    return run_inline_map(name, state, data, scope, run_states)


# ---- states without a result ----


def _choice(name: str, state: State, raw_input: JsonValue, scope: Scope) -> tuple[JsonValue, NextState]:
    data = apply_path(state, "InputPath", raw_input, scope.context)
    sources = scope.sources(data)
    next_state = next((rule["Next"] for rule in state["Choices"] if matches(rule, sources)), state.get("Default"))
    if next_state is None:
        raise StatesError(NO_CHOICE_MATCHED, f"No rule of the state '{name}' matches, and it has no Default")
    return apply_path(state, "OutputPath", data, scope.context), next_state


def _wait(name: str, state: State, raw_input: JsonValue, scope: Scope) -> tuple[JsonValue, NextState]:
    data = apply_path(state, "InputPath", raw_input, scope.context)
    scope.sleep(_wait_seconds(state, data, scope))
    return apply_path(state, "OutputPath", data, scope.context), state.get("Next")


def _wait_seconds(state: State, data: JsonValue, scope: Scope) -> float:
    sources = scope.sources(data)
    seconds = setting(state, "Seconds", sources)
    if seconds is not None:
        maximum = quotas.MAX_WAIT_SECONDS
        if not payloads.is_integer(seconds) or not 0 <= seconds <= maximum:
            message = f"SecondsPath must refer to an integer from 0 to {maximum}, not {seconds!r}"
            raise StatesError(RUNTIME, message)
        return seconds
    end = parse_timestamp(setting(state, "Timestamp", sources))
    if end is None:
        raise StatesError(RUNTIME, "TimestampPath must refer to a timestamp such as 2026-01-31T12:00:00Z")
    return max(0.0, (end - scope.services.clock.now()).total_seconds())


def _succeed(name: str, state: State, raw_input: JsonValue, scope: Scope) -> tuple[JsonValue, NextState]:
    data = apply_path(state, "InputPath", raw_input, scope.context)
    return apply_path(state, "OutputPath", data, scope.context), None


def _fail(name: str, state: State, raw_input: JsonValue, scope: Scope) -> tuple[JsonValue, NextState]:
    sources = scope.sources(raw_input)
    raise StatesError(_string_setting(state, "Error", sources), _string_setting(state, "Cause", sources))


def _string_setting(state: State, field: str, sources: Sources) -> str:
    if f"{field}Path" not in state:
        return str(state.get(field, ""))
    value = expression(state[f"{field}Path"]).value(sources, f"{field}Path")
    if not isinstance(value, str):
        raise StatesError(RUNTIME, f"{field}Path must refer to a string, not {value!r}")
    return value


_RUNNERS: dict[str, StateRunner] = {
    "Pass": _with_result(_pass),
    "Task": _with_result(_task),
    "Parallel": _with_result(_parallel),
    "Map": _with_result(_map),
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
}
