"""The API of the service, `AWSStepFunctions.<action>` in the JSON 1.0 protocol: a table of actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.states.base.arns import checked_arn
from local.states.base.errors import ApiError, InvalidDefinition
from local.states.records.executions import ABORTED, FAILED, RUNNING, SUCCEEDED, TIMED_OUT, Execution
from local.states.records.map_runs import MapRun
from local.states.service import responses
from local.states.service.engine import Engine
from local.states.service.pagination import page

Body = dict[str, Any]
KINDS = ("STANDARD", "EXPRESS")
STATUSES = (RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED, "PENDING_REDRIVE")
MAX_PERCENTAGE = 100
_EXECUTION = ("execution", "express")


class StatesApi:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tags: dict[str, dict[str, str]] = {}
        self._actions: dict[str, tuple[Callable[[Body], Body], dict[str, type]]] = {
            "CreateStateMachine": (self._create, {"name": str, "definition": str, "roleArn": str}),
            "UpdateStateMachine": (self._update, {"stateMachineArn": str}),
            "DeleteStateMachine": (self._delete, {"stateMachineArn": str}),
            "DescribeStateMachine": (self._describe_machine, {"stateMachineArn": str}),
            "ListStateMachines": (self._list_machines, {}),
            "StartExecution": (self._start, {"stateMachineArn": str}),
            "StartSyncExecution": (self._start_sync, {"stateMachineArn": str}),
            "StopExecution": (self._stop, {"executionArn": str}),
            "DescribeExecution": (self._describe_execution, {"executionArn": str}),
            "DescribeStateMachineForExecution": (self._machine_for_execution, {"executionArn": str}),
            "ListExecutions": (self._list_executions, {}),
            "GetExecutionHistory": (self._history, {"executionArn": str}),
            "DescribeMapRun": (self._describe_map_run, {"mapRunArn": str}),
            "ListMapRuns": (self._list_map_runs, {"executionArn": str}),
            "UpdateMapRun": (self._update_map_run, {"mapRunArn": str}),
            "TagResource": (self._tag, {"resourceArn": str, "tags": list}),
            "UntagResource": (self._untag, {"resourceArn": str, "tagKeys": list}),
            "ListTagsForResource": (self._list_tags, {"resourceArn": str}),
        }

    def call(self, action: str, body: Body) -> Body:
        """The answer's members. Raises ApiError."""
        if action not in self._actions:
            raise ApiError("UnknownOperationException", f"{action} is not implemented")
        act, required = self._actions[action]
        for name, kind in required.items():
            if not isinstance(body.get(name), kind):
                raise ApiError("ValidationException", f"'{name}' is missing or of a wrong type")
        try:
            return act(body)
        except InvalidDefinition as error:
            raise ApiError("InvalidDefinition", f"Invalid State Machine Definition: '{error}'") from error

    # ---- state machines ----

    def _create(self, body: Body) -> Body:
        kind = body.get("type", "STANDARD")
        if kind not in KINDS:
            raise ApiError("ValidationException", f"type must be one of {', '.join(KINDS)}")
        arn = self._engine.create_state_machine(
            name=body["name"],
            definition=body["definition"],
            role_arn=body["roleArn"],
            kind=kind,
            configuration=_configuration(body),
        )
        if body.get("tags"):
            self._tag({"resourceArn": arn, "tags": body["tags"]})
        return responses.present({"stateMachineArn": arn, "creationDate": self._engine.machine(arn).created})

    def _update(self, body: Body) -> Body:
        machine = self._engine.update_state_machine(
            checked_arn(body["stateMachineArn"], "stateMachine"),
            definition=body.get("definition"),
            role_arn=body.get("roleArn"),
            configuration=_configuration(body),
        )
        return responses.present({"updateDate": machine.updated, "revisionId": machine.machine.revision})

    def _delete(self, body: Body) -> Body:
        self._engine.delete_state_machine(checked_arn(body["stateMachineArn"], "stateMachine"))
        return {}

    def _describe_machine(self, body: Body) -> Body:
        return responses.machine_description(self._engine.machine(checked_arn(body["stateMachineArn"], "stateMachine")))

    def _list_machines(self, body: Body) -> Body:
        shown, token = page(list(self._engine.machines.values()), body)
        return {"stateMachines": [responses.machine_item(each) for each in shown], **token}

    # ---- executions ----

    def _start(self, body: Body) -> Body:
        execution = self._started(body)
        return responses.present({"executionArn": execution.arn, "startDate": execution.started})

    def _start_sync(self, body: Body) -> Body:
        machine = self._engine.machine(checked_arn(body["stateMachineArn"], "stateMachine")).machine
        if machine.kind != "EXPRESS":
            raise ApiError("StateMachineTypeNotSupported", "This operation is for EXPRESS state machines")
        execution = self._started(body)
        execution.done.wait()
        self._engine.services.executions.forget(execution.arn)
        return responses.sync_execution(execution)

    def _started(self, body: Body) -> Execution:
        arn = checked_arn(body["stateMachineArn"], "stateMachine")
        return self._engine.start(arn, body.get("input", "{}"), body.get("name"))

    def _stop(self, body: Body) -> Body:
        arn = checked_arn(body["executionArn"], "execution")
        execution = self._engine.stop_execution(arn, body.get("error"), body.get("cause"))
        return responses.present({"stopDate": execution.stopped})

    def _describe_execution(self, body: Body) -> Body:
        return responses.execution_description(self._execution(body))

    def _machine_for_execution(self, body: Body) -> Body:
        execution = self._execution(body)
        machine = self._engine.machines.get(execution.machine.arn)
        return responses.machine_of_execution(execution, machine.updated if machine else execution.started)

    def _list_executions(self, body: Body) -> Body:
        """The newest first. The children of an Express Map Run are not listed: the service keeps none either."""
        status = body.get("statusFilter")
        if status is not None and status not in STATUSES:
            raise ApiError("ValidationException", f"statusFilter must be one of {', '.join(STATUSES)}")
        found = self._found(body)
        shown, token = page(found, body, newest_first=True)
        return {
            "executions": [responses.execution_item(each) for each in shown if status in (None, each.status)],
            **token,
        }

    def _found(self, body: Body) -> list[Execution]:
        given = [name for name in ("stateMachineArn", "mapRunArn") if body.get(name)]
        if len(given) != 1:
            raise ApiError("ValidationException", "Either stateMachineArn or mapRunArn is needed")
        everything = self._engine.services.executions.all()
        if given == ["mapRunArn"]:
            run = self._map_run(body)
            return [each for each in everything if each.map_run_arn == run.arn]
        machine = self._engine.machine(checked_arn(body["stateMachineArn"], "stateMachine")).machine
        if machine.kind == "EXPRESS":
            raise ApiError("StateMachineTypeNotSupported", "This operation is for STANDARD state machines")
        return [each for each in everything if each.machine.arn == machine.arn]

    def _history(self, body: Body) -> Body:
        events = self._execution(body).history.events()
        shown, token = page(events, body, newest_first=bool(body.get("reverseOrder")))
        return {"events": shown, **token}

    def _execution(self, body: Body) -> Execution:
        return self._engine.execution(checked_arn(body["executionArn"], "execution"))

    # ---- Map Runs ----

    def _describe_map_run(self, body: Body) -> Body:
        return responses.map_run_description(self._map_run(body))

    def _list_map_runs(self, body: Body) -> Body:
        runs = self._engine.services.map_runs.of(self._execution(body).arn)
        shown, token = page(runs, body, newest_first=True)
        return {"mapRuns": [responses.map_run_item(each) for each in shown], **token}

    def _update_map_run(self, body: Body) -> Body:
        run = self._map_run(body)
        if run.status != RUNNING:
            raise ApiError("ValidationException", "The Map Run has ended")
        percentage = _number(body, "toleratedFailurePercentage", (int, float))
        if percentage is not None and percentage > MAX_PERCENTAGE:
            raise ApiError("ValidationException", "toleratedFailurePercentage must be from 0 to 100")
        run.update(_number(body, "maxConcurrency", int), percentage, _number(body, "toleratedFailureCount", int))
        return {}

    def _map_run(self, body: Body) -> MapRun:
        arn = checked_arn(body["mapRunArn"], "mapRun")
        run = self._engine.services.map_runs.get(arn)
        if run is None:
            raise ApiError("ResourceNotFound", f"Resource not found: '{arn}'")
        return run

    # ---- tags ----

    def _tag(self, body: Body) -> Body:
        self._tags_of(body).update({tag["key"]: tag.get("value", "") for tag in body["tags"]})
        return {}

    def _untag(self, body: Body) -> Body:
        for key in body["tagKeys"]:
            self._tags_of(body).pop(key, None)
        return {}

    def _list_tags(self, body: Body) -> Body:
        return {"tags": [{"key": key, "value": value} for key, value in self._tags_of(body).items()]}

    def _tags_of(self, body: Body) -> dict[str, str]:
        arn = checked_arn(body["resourceArn"], "stateMachine")
        if arn not in self._engine.machines:
            raise ApiError("ResourceNotFound", f"Resource not found: '{arn}'")
        return self._tags.setdefault(arn, {})


def _configuration(body: Body) -> Body:
    """What the description repeats. Versions are refused, not ignored."""
    if body.get("publish"):
        raise ApiError("ValidationException", "Versions are not implemented")
    return {name: body[name] for name in ("loggingConfiguration", "tracingConfiguration") if body.get(name)}


def _number(body: Body, name: str, kinds: Any) -> Any:
    value = body.get(name)
    if value is not None and (not isinstance(value, kinds) or isinstance(value, bool) or value < 0):
        raise ApiError("ValidationException", f"{name} must be a number, 0 or more")
    return value
