"""Runs the states of a machine, of a branch or of an item processor."""

from __future__ import annotations

from collections.abc import Callable

from local.states.base import payloads, quotas
from local.states.base.errors import (
    INTRINSIC_FAILURE,
    NO_CHOICE_MATCHED,
    RUNTIME,
    TIMEOUT,
    NestedError,
    ReportedError,
    StatesError,
)
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
from local.states.language.resources import check_partition
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
        scope.enter_state(name, state["Type"], 0)
        scope.record(f"{state['Type']}StateEntered", name=name, input=scope.input_text(data))
        data, next_state = _run_with_retries(name, state, data, scope)
        payloads.check_size(data, name)
        scope.record(f"{state['Type']}StateExited", name=name, output=scope.history_text(data))
        scope.state_type = ""
        name = next_state
    return data


def _run_with_retries(name: str, state: State, raw_input: JsonValue, scope: Scope) -> tuple[JsonValue, NextState]:
    retries = RetryCounter(state)
    retry_count = 0
    entered_event = scope.last_event
    while True:
        try:
            return _RUNNERS[state["Type"]](name, state, raw_input, scope)
        except StatesError as error:
            delay = retries.next_delay(error.name)
            if delay is None:
                if isinstance(error, NestedError):
                    scope.record(f"{state['Type']}StateFailed")
                return _catch(state, raw_input, _located(error, name, entered_event))
            scope.sleep(delay)
            retry_count += 1
            scope.enter_state(name, state["Type"], retry_count)


def _located(error: StatesError, name: str, entered_event: int) -> StatesError:
    """The error with the place in its cause, if it comes from the evaluation of the state itself."""
    if isinstance(error, ReportedError) or error.name not in (RUNTIME, INTRINSIC_FAILURE):
        return error
    place = f"An error occurred while executing the state '{name}' (entered at the event id #{entered_event})."
    return StatesError(error.name, f"{place} {error.cause}")


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
    check_partition(state["Resource"])
    resource = task_resource(state["Resource"])
    timeout = integer_setting(state, "TimeoutSeconds", scope.sources(data))
    parameters = apply_template(state, "Parameters", data, scope.context)
    payloads.check_size(parameters, name)
    details = _record_task_start(state, resource, parameters, timeout, scope)
    try:
        result = resource.call(state["Resource"], parameters, scope, timeout)
        payloads.check_size(result, str(details.get("resourceType", state["Resource"])))
    except StatesError as error:
        event = f"{resource.event_prefix}{'TimedOut' if error.name == TIMEOUT else 'Failed'}"
        scope.record(event, **details, **error.details())
        raise
    scope.record(f"{resource.event_prefix}Succeeded", **details, output=scope.history_text(result))
    return result


def _record_task_start(
    state: State, resource: TaskResource, parameters: JsonValue, timeout: int | None, scope: Scope
) -> JsonObject:
    """Records the events Scheduled and Started, and returns the details that all events of the task have."""
    details: JsonObject = {}
    text = scope.history_text(parameters)
    limit: JsonObject = {} if timeout is None else {"timeoutInSeconds": timeout}
    scheduled: JsonObject = {"resource": state["Resource"], "input": text, **limit}
    if resource.event_prefix == "Task":  # an optimized integration
        service, _, action = state["Resource"].removeprefix("arn:aws:states:::").partition(":")
        details = {"resourceType": service, "resource": action}
        scheduled = {**details, "parameters": text, "region": scope.services.arns.region, **limit}
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
    if "Seconds" in state or "SecondsPath" in state:
        return _seconds(state, sources)
    text = setting(state, "Timestamp", sources)
    end = parse_timestamp(text)
    if end is None:
        place = f"{state.get('TimestampPath')} == {payloads.to_plain_text(text)}"
        raise StatesError(
            RUNTIME,
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string:"
            f" {place}",
        )
    seconds = (end - scope.services.clock.now()).total_seconds()
    if seconds >= quotas.MAX_DELAY_SECONDS:
        raise StatesError(RUNTIME, "Wait state delay is too long.")
    return max(0.0, seconds)


def _seconds(state: State, sources: Sources) -> int:
    value = setting(state, "Seconds", sources)
    place = f"{state.get('SecondsPath')} == {payloads.to_plain_text(value)}"
    if not payloads.is_integer(value):
        raise StatesError(RUNTIME, f"The SecondsPath parameter cannot be parsed as a long value: {place}")
    if value < 0:
        raise StatesError(RUNTIME, f"The SecondsPath parameter references a negative value: {place}")
    if value > quotas.MAX_WAIT_SECONDS:
        raise StatesError(RUNTIME, f"The SecondsPath parameter exceeds {quotas.MAX_WAIT_SECONDS} seconds: {place}")
    return value


def _succeed(name: str, state: State, raw_input: JsonValue, scope: Scope) -> tuple[JsonValue, NextState]:
    data = apply_path(state, "InputPath", raw_input, scope.context)
    return apply_path(state, "OutputPath", data, scope.context), None


def _fail(name: str, state: State, raw_input: JsonValue, scope: Scope) -> tuple[JsonValue, NextState]:
    sources = scope.sources(raw_input)
    raise ReportedError(_string_setting(state, "Error", sources), _string_setting(state, "Cause", sources))


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
