"""The API: `AWSStepFunctions.<action>` in the AWS JSON 1.0 protocol, as a table of actions.

A new action is a row of the table and a method. Its errors belong in `errors`, checks of its members in `validation`,
the shape of its response in `responses`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from local.states.base import quotas
from local.states.base.errors import InvalidDefinitionError
from local.states.base.payloads import JsonObject
from local.states.records.executions import ABORTED, FAILED, RUNNING, SUCCEEDED, TIMED_OUT, Execution
from local.states.records.map_runs import MapRun
from local.states.service import errors, responses
from local.states.service.engine import Engine
from local.states.service.pagination import paginate
from local.states.service.responses import Response
from local.states.service.validation import (
    Request,
    check_arn,
    check_one_of,
    check_types,
    count_member,
    logging_configuration,
    percentage_member,
)

KINDS = ("STANDARD", "EXPRESS")
"""`type` of a state machine."""

STATUSES = (SUCCEEDED, TIMED_OUT, "PENDING_REDRIVE", ABORTED, FAILED, RUNNING)
"""`statusFilter` of ListExecutions. Nothing is ever PENDING_REDRIVE here."""

CONFIGURATIONS = ("loggingConfiguration", "tracingConfiguration")
"""Members that are stored and returned, and have no effect."""


@dataclass(frozen=True)
class Action:
    """The method of an action, and its members with their types. Members that are not listed are ignored."""

    method: Callable[[StatesApi, Request], Response]
    required: Mapping[str, type] = field(default_factory=dict)
    optional: Mapping[str, type] = field(default_factory=dict)


class StatesApi:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tags: dict[str, dict[str, str]] = {}

    def call(self, name: str, request: Request) -> Response:
        """Runs an action and returns the members of its response. Raises ApiError."""
        action = ACTIONS.get(name)
        if action is None:
            raise errors.unknown_operation(name)
        check_types(request, action.required, action.optional)
        try:
            return action.method(self, request)
        except InvalidDefinitionError as error:
            raise errors.invalid_definition(error) from error

    # ---- state machines ----

    def _create_state_machine(self, request: Request) -> Response:
        check_one_of(request, "type", KINDS)
        arn = self._engine.create_state_machine(
            name=request["name"],
            definition=request["definition"],
            role_arn=request["roleArn"],
            kind=request.get("type") or "STANDARD",
            configuration=_configuration(request),
        )
        if request.get("tags"):
            self._tag_resource({"resourceArn": arn, "tags": request["tags"]})
        return responses.response({"stateMachineArn": arn, "creationDate": self._engine.machine(arn).created})

    def _update_state_machine(self, request: Request) -> Response:
        if not any(request.get(name) for name in ("definition", "roleArn", *CONFIGURATIONS)):
            raise errors.nothing_to_update()
        updated = self._engine.update_state_machine(
            check_arn(request["stateMachineArn"], "stateMachine"),
            definition=request.get("definition"),
            role_arn=request.get("roleArn"),
            configuration=_configuration(request),
        )
        return responses.response({"updateDate": updated.updated, "revisionId": updated.machine.revision or None})

    def _delete_state_machine(self, request: Request) -> Response:
        self._engine.delete_state_machine(check_arn(request["stateMachineArn"], "stateMachine"))
        return {}

    def _describe_state_machine(self, request: Request) -> Response:
        arn = check_arn(request["stateMachineArn"], "stateMachine")
        return responses.state_machine_description(self._engine.machine(arn))

    def _list_state_machines(self, request: Request) -> Response:
        page, token = paginate(list(self._engine.machines.values()), request)
        return {"stateMachines": [responses.state_machine_item(machine) for machine in page], **token}

    # ---- executions ----

    def _start_execution(self, request: Request) -> Response:
        execution = self._start(request)
        return responses.response({"executionArn": execution.arn, "startDate": execution.started})

    def _start_sync_execution(self, request: Request) -> Response:
        machine = self._engine.machine(check_arn(request["stateMachineArn"], "stateMachine")).machine
        if machine.kind != "EXPRESS":
            raise errors.state_machine_type_not_supported()
        execution = self._start(request)
        execution.done.wait()
        self._engine.services.executions.remove(execution.arn)
        return responses.sync_execution(execution)

    def _start(self, request: Request) -> Execution:
        arn = check_arn(request["stateMachineArn"], "stateMachine")
        text = request.get("input")
        return self._engine.start(arn, "{}" if text is None else text, request.get("name"))

    def _stop_execution(self, request: Request) -> Response:
        arn = check_arn(request["executionArn"], "execution")
        execution = self._engine.stop_execution(arn, request.get("error"), request.get("cause"))
        return responses.response({"stopDate": execution.stopped})

    def _describe_execution(self, request: Request) -> Response:
        return responses.execution_description(self._execution(request))

    def _describe_state_machine_for_execution(self, request: Request) -> Response:
        execution = self._execution(request)
        return responses.state_machine_of_execution(execution, self._engine.machines.get(execution.machine.arn))

    def _list_executions(self, request: Request) -> Response:
        """The newest first. Express child executions are not listed: the service does not record them either."""
        check_one_of(request, "statusFilter", STATUSES)
        status = request.get("statusFilter")
        page, token = paginate(
            self._find_executions(request),
            request,
            newest_first=True,
            max_token_length=quotas.MAX_EXECUTIONS_TOKEN_LENGTH,
        )
        return {
            "executions": [responses.execution_item(each) for each in page if status in (None, each.status)],
            **token,
        }

    def _find_executions(self, request: Request) -> list[Execution]:
        filters = [name for name in ("stateMachineArn", "mapRunArn") if request.get(name)]
        if len(filters) != 1:
            raise errors.validation_error("Exactly one of stateMachineArn and mapRunArn is required")
        executions = self._engine.services.executions.all()
        if filters == ["mapRunArn"]:
            run = self._map_run(request)
            return [execution for execution in executions if execution.map_run_arn == run.arn]
        machine = self._engine.machine(check_arn(request["stateMachineArn"], "stateMachine")).machine
        if machine.kind == "EXPRESS":
            raise errors.state_machine_type_not_supported()
        return [execution for execution in executions if execution.machine.arn == machine.arn]

    def _get_execution_history(self, request: Request) -> Response:
        events = self._execution(request).history.events()
        page, token = paginate(events, request, newest_first=bool(request.get("reverseOrder")))
        return {"events": page, **token}

    def _execution(self, request: Request) -> Execution:
        return self._engine.execution(check_arn(request["executionArn"], "execution"))

    # ---- Map Runs ----

    def _describe_map_run(self, request: Request) -> Response:
        return responses.map_run_description(self._map_run(request))

    def _list_map_runs(self, request: Request) -> Response:
        runs = self._engine.services.map_runs.of_execution(self._execution(request).arn)
        page, token = paginate(runs, request, newest_first=True)
        return {"mapRuns": [responses.map_run_item(run) for run in page], **token}

    def _update_map_run(self, request: Request) -> Response:
        run = self._map_run(request)
        if run.status != RUNNING:
            raise errors.validation_error("The Map Run has ended")
        run.update(
            count_member(request, "maxConcurrency"),
            percentage_member(request, "toleratedFailurePercentage"),
            count_member(request, "toleratedFailureCount"),
        )
        return {}

    def _map_run(self, request: Request) -> MapRun:
        arn = check_arn(request["mapRunArn"], "mapRun")
        run = self._engine.services.map_runs.get(arn)
        if run is None:
            raise errors.resource_not_found(arn)
        return run

    # ---- tags ----

    def _tag_resource(self, request: Request) -> Response:
        self._tags_of(request).update({tag["key"]: tag.get("value", "") for tag in request["tags"]})
        return {}

    def _untag_resource(self, request: Request) -> Response:
        for key in request["tagKeys"]:
            self._tags_of(request).pop(key, None)
        return {}

    def _list_tags_for_resource(self, request: Request) -> Response:
        return {"tags": [{"key": key, "value": value} for key, value in self._tags_of(request).items()]}

    def _tags_of(self, request: Request) -> dict[str, str]:
        arn = check_arn(request["resourceArn"], "stateMachine")
        if arn not in self._engine.machines:
            raise errors.resource_not_found(arn)
        return self._tags.setdefault(arn, {})


def _configuration(request: Request) -> JsonObject:
    """Logging and tracing. Raises ValidationException for versions, which are rejected rather than ignored."""
    if request.get("publish"):
        raise errors.validation_error("Versions are not implemented")
    if request.get("versionDescription"):
        raise errors.validation_error("Version description can only be set when publish is true")
    configuration = {name: request[name] for name in CONFIGURATIONS if request.get(name) is not None}
    if "loggingConfiguration" in configuration:
        configuration["loggingConfiguration"] = logging_configuration(configuration["loggingConfiguration"])
    return configuration


_MACHINE, _EXECUTION, _MAP_RUN = {"stateMachineArn": str}, {"executionArn": str}, {"mapRunArn": str}
ACTIONS: Mapping[str, Action] = {
    "CreateStateMachine": Action(
        StatesApi._create_state_machine,
        {"name": str, "definition": str, "roleArn": str},
        {"type": str, "tags": list},
    ),
    "UpdateStateMachine": Action(StatesApi._update_state_machine, _MACHINE, {"definition": str, "roleArn": str}),
    "DeleteStateMachine": Action(StatesApi._delete_state_machine, _MACHINE),
    "DescribeStateMachine": Action(StatesApi._describe_state_machine, _MACHINE),
    "ListStateMachines": Action(StatesApi._list_state_machines),
    "StartExecution": Action(StatesApi._start_execution, _MACHINE, {"input": str, "name": str}),
    "StartSyncExecution": Action(StatesApi._start_sync_execution, _MACHINE, {"input": str, "name": str}),
    "StopExecution": Action(StatesApi._stop_execution, _EXECUTION, {"error": str, "cause": str}),
    "DescribeExecution": Action(StatesApi._describe_execution, _EXECUTION),
    "DescribeStateMachineForExecution": Action(StatesApi._describe_state_machine_for_execution, _EXECUTION),
    "ListExecutions": Action(StatesApi._list_executions, {}, {**_MACHINE, **_MAP_RUN, "statusFilter": str}),
    "GetExecutionHistory": Action(StatesApi._get_execution_history, _EXECUTION),
    "DescribeMapRun": Action(StatesApi._describe_map_run, _MAP_RUN),
    "ListMapRuns": Action(StatesApi._list_map_runs, _EXECUTION),
    "UpdateMapRun": Action(StatesApi._update_map_run, _MAP_RUN),
    "TagResource": Action(StatesApi._tag_resource, {"resourceArn": str, "tags": list}),
    "UntagResource": Action(StatesApi._untag_resource, {"resourceArn": str, "tagKeys": list}),
    "ListTagsForResource": Action(StatesApi._list_tags_for_resource, {"resourceArn": str}),
}
"""The actions of the API. Any other is answered UnknownOperationException by name."""
