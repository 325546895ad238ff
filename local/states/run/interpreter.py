"""Goes through the states of a machine, a branch or an item processor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.states.base import payloads
from local.states.base.errors import StatesError
from local.states.language.choices import matches, moment
from local.states.language.dataflow import State, at_path, expression, merged, setting, templated, whole
from local.states.language.definition import Definition, mode
from local.states.language.retry import Attempts, catcher
from local.states.run import inline_map, parallel
from local.states.run.scope import Scope
from local.states.run.tasks import resource

Next = str | None


def run(definition: Definition, data: Any, scope: Scope) -> Any:
    """The output of the last state. Raises StatesError, Stopped or TimedOut."""
    name: Next = definition["StartAt"]
    while name is not None:
        scope.check()
        state = definition["States"][name]
        scope.enter(name, 0)
        scope.record(_event(state, "Entered"), name=name, input=scope.data(data))
        data, following = _visit(name, state, data, scope)
        payloads.within_limit(data, f"The output of the state '{name}'")
        scope.record(_event(state, "Exited"), name=name, output=scope.data(data))
        name = following
    return data


def _event(state: State, what: str) -> str:
    return f"{state['Type']}State{what}"


def _visit(name: str, state: State, raw: Any, scope: Scope) -> tuple[Any, Next]:
    """One state with its retries; its output and the name of the next."""
    attempts = Attempts(state)
    retries = 0
    while True:
        try:
            return KINDS[state["Type"]](name, state, raw, scope)
        except StatesError as error:
            delay = attempts.delay(error.name)
            if delay is None:
                return _caught(state, raw, error)
            scope.pause(delay)
            retries += 1
            scope.enter(name, retries)


def _caught(state: State, raw: Any, error: StatesError) -> tuple[Any, Next]:
    handler = catcher(state, error.name)
    if handler is None:
        raise error
    return merged(raw, error.output(), handler.get("ResultPath", "$")), handler["Next"]


# ---- states that have a result ----

Work = Callable[[str, State, Any, Scope], Any]


def _with_result(work: Work) -> Callable[[str, State, Any, Scope], tuple[Any, Next]]:
    """Puts the data flow around it. `work` gets what InputPath left."""

    def visit(name: str, state: State, raw: Any, scope: Scope) -> tuple[Any, Next]:
        data = at_path(state, "InputPath", raw, scope.context)
        result = work(name, state, data, scope)
        result = templated(state, "ResultSelector", result, scope.context)
        output = merged(raw, result, state.get("ResultPath", "$"))
        return at_path(state, "OutputPath", output, scope.context), state.get("Next")

    return visit


def _pass(name: str, state: State, data: Any, scope: Scope) -> Any:
    return state.get("Result", templated(state, "Parameters", data, scope.context))


def _task(name: str, state: State, data: Any, scope: Scope) -> Any:
    called = resource(state["Resource"])
    timeout = whole(setting(state, "TimeoutSeconds", scope.sources(data)), "TimeoutSeconds")
    data = templated(state, "Parameters", data, scope.context)
    payloads.within_limit(data, f"The input of the state '{name}'")
    details = _task_details(state, called.events)
    scheduled = (
        {"parameters": scope.data(data), "region": scope.services.arns.region}
        if details
        else {"input": scope.data(data)}
    )
    scope.record(f"{called.events}Scheduled", **_arn_detail(state, details), **scheduled)
    scope.record(f"{called.events}Started", **details)
    try:
        result = called.call(state["Resource"], data, scope, timeout)
        payloads.within_limit(result, f"The result of the state '{name}'")
    except StatesError as error:
        ending = "TimedOut" if error.name == "States.Timeout" else "Failed"
        scope.record(f"{called.events}{ending}", **details, error=error.name, cause=error.cause)
        raise
    scope.record(f"{called.events}Succeeded", **details, output=scope.data(result))
    return result


def _task_details(state: State, events: str) -> dict[str, str]:
    if events != "Task":
        return {}
    service, _, action = state["Resource"].removeprefix("arn:aws:states:::").partition(":")
    return {"resourceType": service, "resource": action}


def _arn_detail(state: State, details: dict[str, str]) -> dict[str, str]:
    return details or {"resource": state["Resource"]}


def _parallel(name: str, state: State, data: Any, scope: Scope) -> Any:
    return parallel.branches(state, templated(state, "Parameters", data, scope.context), scope, run)


def _map(name: str, state: State, data: Any, scope: Scope) -> Any:
    if mode(state) == "DISTRIBUTED":
        from local.states.run import distributed_map

        return distributed_map.work(name, state, data, scope)
    return inline_map.work(name, state, data, scope, run)


# ---- states that have none ----


def _choice(name: str, state: State, raw: Any, scope: Scope) -> tuple[Any, Next]:
    data = at_path(state, "InputPath", raw, scope.context)
    sources = scope.sources(data)
    chosen = next((rule["Next"] for rule in state["Choices"] if matches(rule, sources)), state.get("Default"))
    if chosen is None:
        raise StatesError("States.NoChoiceMatched", f"No rule of the state '{name}' matched, and it has no Default")
    return at_path(state, "OutputPath", data, scope.context), chosen


def _wait(name: str, state: State, raw: Any, scope: Scope) -> tuple[Any, Next]:
    data = at_path(state, "InputPath", raw, scope.context)
    scope.pause(_wait_seconds(state, data, scope))
    return at_path(state, "OutputPath", data, scope.context), state.get("Next")


MAX_WAIT = 99_999_999


def _wait_seconds(state: State, data: Any, scope: Scope) -> float:
    sources = scope.sources(data)
    seconds = setting(state, "Seconds", sources)
    if seconds is not None:
        if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= MAX_WAIT:
            raise StatesError(
                "States.Runtime", f"SecondsPath must give an integer from 0 to {MAX_WAIT}, not {seconds!r}"
            )
        return seconds
    until = moment(setting(state, "Timestamp", sources))
    if until is None:
        raise StatesError("States.Runtime", "TimestampPath must give a timestamp such as 2026-01-31T12:00:00Z")
    return max(0.0, (until - scope.services.clock.now()).total_seconds())


def _succeed(name: str, state: State, raw: Any, scope: Scope) -> tuple[Any, Next]:
    data = at_path(state, "InputPath", raw, scope.context)
    return at_path(state, "OutputPath", data, scope.context), None


def _fail(name: str, state: State, raw: Any, scope: Scope) -> tuple[Any, Next]:
    raise StatesError(_text(state, "Error", raw, scope), _text(state, "Cause", raw, scope))


def _text(state: State, field: str, raw: Any, scope: Scope) -> str:
    if f"{field}Path" not in state:
        return str(state.get(field, ""))
    value = expression(state[f"{field}Path"]).value(scope.sources(raw), f"{field}Path")
    if not isinstance(value, str):
        raise StatesError("States.Runtime", f"{field}Path must give a string, not {value!r}")
    return value


KINDS: dict[str, Callable[[str, State, Any, Scope], tuple[Any, Next]]] = {
    "Pass": _with_result(_pass),
    "Task": _with_result(_task),
    "Parallel": _with_result(_parallel),
    "Map": _with_result(_map),
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
}
