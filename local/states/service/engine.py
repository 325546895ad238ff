"""The service: state machines, their executions, and the threads they run in."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from local.states.base import payloads
from local.states.base.arns import Arns, checked_name
from local.states.base.clock import Clock, SystemClock
from local.states.base.errors import ApiError
from local.states.language.definition import Definition, load
from local.states.records.executions import ABORTED, RUNNING, End, Execution, Executions, Machine
from local.states.records.history import History
from local.states.records.map_runs import MapRuns
from local.states.run.invocation import Invoke
from local.states.run.lifecycle import conclude, perform
from local.states.run.scope import Services

JOIN_SECONDS = 10.0


@dataclass(frozen=True)
class StateMachine:
    machine: Machine
    text: str
    """The definition as it came."""
    created: datetime
    updated: datetime
    configuration: dict[str, Any] = field(default_factory=dict)
    """What is kept and told, and has no effect here: logging, tracing."""


class Engine:
    def __init__(
        self,
        *,
        region: str,
        account: str,
        s3: Any,
        invoke: Invoke,
        clock: Clock | None = None,
        max_children: int = 40,
        on_status_change: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """`max_children` bounds the children of one Map Run that run at once, whatever its MaxConcurrency."""
        self.clock = clock or SystemClock()
        self.machines: dict[str, StateMachine] = {}
        self.services = Services(
            s3, invoke, self.clock, Arns(region, account), max_children,
            MapRuns(), Executions(), threading.Event(), on_status_change,
        )  # fmt: skip
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
        configuration: dict[str, Any] | None = None,
    ) -> str:
        """The ARN. Raises UnsupportedDefinition, InvalidDefinition or ApiError."""
        arn = self.services.arns.of("stateMachine", checked_name(name))
        text = _text(definition)
        loaded = load(text, kind)
        with self._lock:
            existing = self.machines.get(arn)
            if existing:
                return self._same(existing.machine, loaded, role_arn, kind)
            now = self.clock.now()
            machine = Machine(arn, name, loaded, role_arn, kind, str(uuid.uuid4()))
            self.machines[arn] = StateMachine(machine, text, now, now, configuration or {})
        return arn

    def update_state_machine(
        self,
        arn: str,
        *,
        definition: str | Definition | None = None,
        role_arn: str | None = None,
        configuration: dict[str, Any] | None = None,
    ) -> StateMachine:
        """Running executions keep what they started with."""
        with self._lock:
            old = self.machine(arn)
            text = old.text if definition is None else _text(definition)
            machine = replace(
                old.machine,
                definition=load(text, old.machine.kind),
                role_arn=role_arn or old.machine.role_arn,
                revision=str(uuid.uuid4()),
            )
            new = StateMachine(
                machine, text, old.created, self.clock.now(), {**old.configuration, **(configuration or {})}
            )
            self.machines[arn] = new
        return new

    def delete_state_machine(self, arn: str) -> None:
        """Running executions go on."""
        with self._lock:
            self.machines.pop(arn, None)

    def machine(self, arn: str) -> StateMachine:
        found = self.machines.get(arn)
        if found is None:
            raise ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return found

    def _same(self, machine: Machine, definition: Definition, role_arn: str, kind: str) -> str:
        if (machine.definition, machine.role_arn, machine.kind) != (definition, role_arn, kind):
            raise ApiError("StateMachineAlreadyExists", f"State Machine Already Exists: '{machine.arn}'")
        return machine.arn

    # ---- executions ----

    def start_execution(self, state_machine_arn: str, input: Any, name: str | None = None) -> str:  # noqa: A002
        """The ARN. The same name and input again give the execution that runs already."""
        return self.start(state_machine_arn, payloads.text(input), name).arn

    def start(self, machine_arn: str, input_text: str, name: str | None = None) -> Execution:
        name = checked_name(name if name is not None else str(uuid.uuid4()))
        data = _input(input_text)
        with self._lock:
            machine = self.machine(machine_arn).machine
            existing = self.services.executions.get(self._execution_arn(machine, name))
            if existing is not None:
                return _again(existing, data)
            execution = self._new(machine, name, input_text)
            self.services.executions.add(execution)
            self._begin(execution, data)
        return execution

    def stop_execution(self, arn: str, error: str | None = None, cause: str | None = None) -> Execution:
        """ABORTED at once; its threads end on their own."""
        execution = self.execution(arn)
        conclude(execution, End(ABORTED, None, error, cause), self.services)
        execution.stop.set()
        return execution

    def execution(self, arn: str) -> Execution:
        found = self.services.executions.get(arn)
        if found is None:
            raise ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return found

    def wait_for(self, execution_arn: str, timeout: float) -> Execution:
        """The execution, ended. Raises TimeoutError."""
        execution = self.execution(execution_arn)
        if not execution.done.wait(timeout):
            raise TimeoutError(f"{execution_arn} still runs after {timeout} s")
        return execution

    def close(self) -> None:
        """Stops every execution and joins its thread. An invocation under way is not waited for."""
        self.services.closing.set()
        for execution in self.services.executions.all():
            if execution.status == RUNNING:
                self.stop_execution(execution.arn)
        for arn in list(self._threads):
            self.join(arn)

    def join(self, execution_arn: str) -> None:
        """Until nothing of it is under way any more: a stopped Map Run still writes its results."""
        thread = self._threads.get(execution_arn)
        if thread is not None:
            thread.join(JOIN_SECONDS)

    def _new(self, machine: Machine, name: str, input_text: str) -> Execution:
        arn = self._execution_arn(machine, name)
        history = History(kept=machine.kind == "STANDARD")
        return Execution(arn, name, machine, input_text, self.clock.now(), history)

    def _execution_arn(self, machine: Machine, name: str) -> str:
        if machine.kind == "EXPRESS":
            return self.services.arns.of("express", machine.name, name, str(uuid.uuid4()))
        return self.services.arns.of("execution", machine.name, name)

    def _begin(self, execution: Execution, data: Any) -> None:
        if self.services.closing.is_set():
            raise ApiError("ServiceUnavailable", "the engine is closed", 503)
        thread = threading.Thread(
            target=self._run, args=(execution, data), name=f"execution {execution.name}", daemon=True
        )
        self._threads[execution.arn] = thread
        thread.start()

    def _run(self, execution: Execution, data: Any) -> None:
        try:
            perform(execution, data, self.services, execution.stop)
        finally:
            self._threads.pop(execution.arn, None)


def _again(existing: Execution, data: Any) -> Execution:
    if existing.status != RUNNING or json.loads(existing.input_text) != data:
        raise ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{existing.arn}'")
    return existing


def _input(text: str) -> Any:
    if len(text.encode("utf-8", "surrogatepass")) > payloads.LIMIT:
        raise ApiError("ValidationException", f"The input is larger than {payloads.LIMIT} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ApiError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from error


def _text(definition: str | Definition) -> str:
    return definition if isinstance(definition, str) else json.dumps(definition)
