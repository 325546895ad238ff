"""State machines, their executions, and the threads in which executions run."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from local.states.base import payloads
from local.states.base.arns import ArnBuilder
from local.states.base.clock import Clock, SystemClock
from local.states.base.errors import ReportedError
from local.states.base.payloads import JsonObject, JsonValue
from local.states.items.readers import LoadModule, import_parquet
from local.states.language.definition import Definition, load_definition
from local.states.records.executions import ABORTED, RUNNING, Execution, Executions, Machine, Outcome
from local.states.records.history import History
from local.states.records.map_runs import MapRuns
from local.states.run.lifecycle import run_execution
from local.states.run.services import Invoke, Refusal, Services
from local.states.service import errors
from local.states.service.validation import check_name, execution_input

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

JOIN_SECONDS = 10.0
"""Maximum wait for the thread of a stopped execution, in seconds."""


@dataclass(frozen=True)
class StateMachine:
    """The current revision of a state machine. `text` is the definition as it was passed in.

    `configuration` (logging, tracing) is stored and returned, and has no effect.
    """

    machine: Machine
    text: str
    created: datetime
    updated: datetime
    configuration: JsonObject = field(default_factory=dict)


class Engine:
    """Step Functions of one account in one region."""

    def __init__(
        self,
        *,
        region: str,
        account: str,
        s3_of: Callable[[str], S3Client],
        invoke: Invoke,
        clock: Clock | None = None,
        max_children: int = 40,
        on_status_change: Callable[[JsonObject], None] | None = None,
        load_parquet: LoadModule = import_parquet,
        refusal: Refusal = lambda role, action, resource: None,
    ) -> None:
        """`invoke` runs a Lambda function. `on_status_change` receives the detail of status change events.
        `load_parquet` imports `pyarrow.parquet`; it is called when a Parquet file is read. `s3_of` returns the S3
        client of the role of a state machine, `refusal` says why that role may not use an action, else None.

        `max_children` limits the concurrent child executions of one Map Run, in addition to its MaxConcurrency.
        """
        self.clock = clock or SystemClock()
        self.machines: dict[str, StateMachine] = {}
        self.services = Services(
            s3_of=s3_of,
            invoke=invoke,
            clock=self.clock,
            arns=ArnBuilder(region, account),
            max_children=max_children,
            map_runs=MapRuns(),
            executions=Executions(),
            closing=threading.Event(),
            on_status_change=on_status_change,
            run_execution=run_execution,
            nested=_NestedExecutions(self),
            load_parquet=load_parquet,
            refusal=refusal,
        )
        self._lock = threading.RLock()
        self._threads: dict[str, threading.Thread] = {}

    # ---- state machines ----

    def create_state_machine(
        self,
        *,
        name: str,
        definition: str | Definition,
        role_arn: str,
        kind: str = "STANDARD",
        configuration: JsonObject | None = None,
    ) -> str:
        """Returns the ARN. `kind` is STANDARD or EXPRESS. Creating the same state machine again has no effect.

        Raises InvalidDefinitionError, UnsupportedDefinitionError or ApiError.
        """
        arn = self.services.arns.build("stateMachine", check_name(name))
        text = _definition_text(definition)
        machine = Machine(arn, name, load_definition(text, kind), role_arn, kind)
        with self._lock:
            existing = self.machines.get(arn)
            if existing is None:
                now = self.clock.now()
                self.machines[arn] = StateMachine(machine, text, now, now, configuration or {})
            elif existing.text != text or replace(existing.machine, revision="") != machine:
                raise errors.state_machine_already_exists(arn)
        return arn

    def update_state_machine(
        self,
        arn: str,
        *,
        definition: str | Definition | None = None,
        role_arn: str | None = None,
        configuration: JsonObject | None = None,
    ) -> StateMachine:
        """Running executions keep the revision with which they started. Without a change the revision stays.

        Raises InvalidDefinitionError, UnsupportedDefinitionError or ApiError.
        """
        with self._lock:
            old = self.machine(arn)
            text = old.text if definition is None else _definition_text(definition)
            machine = replace(
                old.machine,
                definition=load_definition(text, old.machine.kind),
                role_arn=role_arn or old.machine.role_arn,
            )
            new = StateMachine(
                machine, text, old.created, self.clock.now(), {**old.configuration, **(configuration or {})}
            )
            if replace(new, updated=old.updated) != old:
                new = replace(new, machine=replace(machine, revision=str(uuid.uuid4())))
            self.machines[arn] = new
        return new

    def delete_state_machine(self, arn: str) -> None:
        """Running executions continue."""
        with self._lock:
            self.machines.pop(arn, None)

    def machine(self, arn: str) -> StateMachine:
        """Raises ApiError `StateMachineDoesNotExist`."""
        machine = self.machines.get(arn)
        if machine is None:
            raise errors.state_machine_does_not_exist(arn)
        return machine

    # ---- executions ----

    def start_execution(self, state_machine_arn: str, input: JsonValue, name: str | None = None) -> str:  # noqa: A002
        """Returns the ARN of the execution; see `start`."""
        return self.start(state_machine_arn, payloads.to_text(input), name).arn

    def start(self, machine_arn: str, input_text: str, name: str | None = None) -> Execution:
        """Starts an execution, or returns the running one that has the same name and input. Raises ApiError."""
        name = check_name(name if name is not None else str(uuid.uuid4()))
        data = execution_input(input_text)
        with self._lock:
            machine = self.machine(machine_arn).machine
            arn = self._execution_arn(machine, name)
            existing = self.services.executions.get(arn)
            if existing is not None:
                return _same_execution(existing, data)
            history = History(enabled=machine.kind == "STANDARD")
            execution = Execution(arn, name, machine, input_text, self.clock.now(), history)
            self.services.executions.add(execution)
            self._start_thread(execution, data)
        return execution

    def stop_execution(self, arn: str, error: str | None = None, cause: str | None = None) -> Execution:
        """The status is ABORTED at once; the threads of the execution end later. Raises ApiError."""
        execution = self.execution(arn)
        self.services.end_execution(execution, Outcome(ABORTED, None, error, cause))
        execution.stop.set()
        return execution

    def execution(self, arn: str) -> Execution:
        """Raises ApiError `ExecutionDoesNotExist`."""
        execution = self.services.executions.get(arn)
        if execution is None:
            raise errors.execution_does_not_exist(arn)
        return execution

    def wait_for(self, execution_arn: str, timeout: float) -> Execution:
        """Waits for the end of an execution, at most `timeout` seconds. Raises TimeoutError or ApiError."""
        execution = self.execution(execution_arn)
        if not execution.done.wait(timeout):
            raise TimeoutError(f"{execution_arn} has not ended after {timeout} s")
        return execution

    def close(self) -> None:
        """Stops every execution and joins its thread. Does not wait for functions that still run."""
        self.services.closing.set()
        for execution in self.services.executions.all():
            if execution.status == RUNNING:
                self.stop_execution(execution.arn)
        for arn in list(self._threads):
            self.join(arn)

    def join(self, execution_arn: str) -> None:
        """Waits for the thread of an execution: a stopped Map Run still writes its results."""
        thread = self._threads.get(execution_arn)
        if thread is not None:
            thread.join(JOIN_SECONDS)

    def _execution_arn(self, machine: Machine, name: str) -> str:
        if machine.kind == "EXPRESS":
            return self.services.arns.build("express", machine.name, name, str(uuid.uuid4()))
        return self.services.arns.build("execution", machine.name, name)

    def _start_thread(self, execution: Execution, data: JsonValue) -> None:
        if self.services.closing.is_set():
            raise errors.service_unavailable()
        thread = threading.Thread(
            target=self._run, args=(execution, data), name=f"execution {execution.name}", daemon=True
        )
        self._threads[execution.arn] = thread
        thread.start()

    def _run(self, execution: Execution, data: JsonValue) -> None:
        try:
            run_execution(execution, data, self.services)
        finally:
            self._threads.pop(execution.arn, None)


class _NestedExecutions:
    """Executions that a Task of another one starts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, machine_arn: str, input_text: str, name: str | None) -> Execution:
        """Raises ReportedError."""
        try:
            if self._engine.machine(machine_arn).machine.kind == "EXPRESS":
                raise errors.state_machine_type_not_supported()
            return self._engine.start(machine_arn, input_text, name)
        except errors.ApiError as error:
            name = error.code.removesuffix("Exception")
            raise ReportedError(f"StepFunctions.{name}Exception", error.message) from error

    def stop(self, execution: Execution) -> None:
        if execution.status == RUNNING:
            self._engine.stop_execution(execution.arn)


def _same_execution(existing: Execution, data: JsonValue) -> Execution:
    if existing.status != RUNNING or json.loads(existing.input_text) != data:
        raise errors.execution_already_exists(existing.arn)
    return existing


def _definition_text(definition: str | Definition) -> str:
    return definition if isinstance(definition, str) else json.dumps(definition)
