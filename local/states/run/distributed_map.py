"""A distributed Map: its iterations are child executions, which belong to a Map Run.

DG "Using Map state in Distributed mode". Items are read, selected and batched only when another child execution can
start, so memory holds no more of them than the running children and one batch.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import uuid
from collections.abc import Callable, Generator, Iterator

from local.states.base import payloads
from local.states.base.errors import (
    PERMISSIONS,
    RESULT_WRITER_FAILED,
    RUNTIME,
    NestedError,
    StatesError,
    StoppedError,
    TimedOutError,
)
from local.states.base.payloads import JsonValue
from local.states.base.stop import StopSignal
from local.states.items import readers
from local.states.items.batcher import Batch, Limits, batches, unbatched
from local.states.items.results import PENDING, ChildResult, Results, S3Results, StateResults
from local.states.language.dataflow import State, evaluate, evaluate_object, integer_setting
from local.states.language.definition import child_kind
from local.states.language.paths import Sources
from local.states.language.resources import check_partition
from local.states.records.executions import ABORTED, FAILED, SUCCEEDED, Execution, Machine, Outcome
from local.states.records.history import History
from local.states.records.map_runs import MapRun
from local.states.run.map_settings import failure_threshold, input_items, max_concurrency, threshold_exceeded
from local.states.run.scope import Scope

log = logging.getLogger(__name__)

_MAP_RUN_EVENTS = {SUCCEEDED: "MapRunSucceeded", FAILED: "MapRunFailed", ABORTED: "MapRunAborted"}


def run_distributed_map(name: str, state: State, data: JsonValue, scope: Scope) -> JsonValue:
    """The result of the state. Raises StatesError, StoppedError or TimedOutError."""
    check_partition(*(state[name]["Resource"] for name in ("ItemReader", "ResultWriter") if name in state))
    sources = scope.sources(data)
    scope.record("MapStateStarted", length=0 if "ItemReader" in state else len(input_items(state, sources)))
    if "ItemReader" in state:
        readers.max_items_setting(state["ItemReader"], sources)  # a wrong setting fails before the Map Run starts
    results = _create_results(state, sources, scope)
    run = _create_map_run(name, state, sources, scope)
    scope.record("MapRunStarted", mapRunArn=run.arn)
    try:
        with scope.stop.child() as stop, contextlib.closing(_read_batches(state, sources, scope)) as source:
            return _Coordinator(scope, run, results, source, stop, list_pending="ResultWriter" in state).run()
    finally:
        results.close()


def _create_map_run(name: str, state: State, sources: Sources, scope: Scope) -> MapRun:
    services, parent = scope.services, scope.execution
    machine = _child_machine(name, state, parent.machine)
    _check_start(scope)
    run = MapRun(
        services.arns.build("mapRun", machine.name, str(uuid.uuid4())),
        parent.arn,
        machine,
        services.clock.now(),
        max_concurrency(state, sources),
        failure_threshold(state, sources),
    )
    services.map_runs.add(run)
    return run


def _check_start(scope: Scope) -> None:
    """A Map Run starts its child executions with the role of its state machine. Raises `States.Permissions`."""
    machine = scope.execution.machine
    cause = scope.services.refusal(machine.role_arn, "states:StartExecution", machine.arn.partition("/")[0])
    if cause is not None:
        raise StatesError(PERMISSIONS, cause)


def _child_machine(name: str, state: State, parent: Machine) -> Machine:
    label = _label(name, state, parent)
    return Machine(
        f"{parent.arn}/{label}", f"{parent.name}/{label}", state["ItemProcessor"], parent.role_arn,
        child_kind(state), parent.revision, label,
    )  # fmt: skip


def _label(name: str, state: State, parent: Machine) -> str:
    """The service generates a label, too, if the state has none."""
    return str(state.get("Label") or uuid.uuid5(uuid.NAMESPACE_OID, f"{parent.arn}/{name}"))


def _create_results(state: State, sources: Sources, scope: Scope) -> Results:
    if "ResultWriter" not in state:
        return StateResults()
    writer = state["ResultWriter"]
    parameters = evaluate_object(writer["Parameters"], sources)
    bucket, prefix = parameters["Bucket"], parameters.get("Prefix", "")
    if not isinstance(bucket, str) or not isinstance(prefix, str):
        raise StatesError(RESULT_WRITER_FAILED, f"Bucket and Prefix must be strings, not {bucket!r} and {prefix!r}")
    s3 = scope.services.s3_of(scope.execution.machine.role_arn)
    return S3Results(s3, bucket, prefix, writer.get("WriterConfig", {}))


def _read_batches(state: State, sources: Sources, scope: Scope) -> Generator[Batch, None, None]:
    """A generator, so that all of its errors occur while it is iterated."""
    if "ItemReader" in state:
        s3 = scope.services.s3_of(scope.execution.machine.role_arn)
        items = readers.read_items(state["ItemReader"], s3, sources, scope.services.load_parquet)
    else:
        items = iter(input_items(state, sources))
    selected = _select_items(state, items, sources)
    if "ItemBatcher" not in state:
        yield from unbatched(selected)
        return
    batcher = state["ItemBatcher"]
    limits = Limits(
        integer_setting(batcher, "MaxItemsPerBatch", sources, minimum=1),
        integer_setting(batcher, "MaxInputBytesPerBatch", sources, minimum=1),
    )
    yield from batches(selected, limits, evaluate(batcher.get("BatchInput"), sources))


def _select_items(state: State, items: Iterator[JsonValue], sources: Sources) -> Iterator[JsonValue]:
    """The items, or what ItemSelector makes of each."""
    if "ItemSelector" not in state:
        return items
    return (
        evaluate(
            state["ItemSelector"],
            Sources(sources.data, {**sources.context, "Map": {"Item": {"Index": index, "Value": item}}}),
        )
        for index, item in enumerate(items)
    )


class _Coordinator:
    """Starts the child executions of a Map Run, waits for them, and finishes the run.

    With `list_pending`, batches that were never started are part of the results, as PENDING.
    """

    def __init__(
        self,
        scope: Scope,
        run: MapRun,
        results: Results,
        source: Iterator[Batch],
        stop: StopSignal,
        *,
        list_pending: bool,
    ) -> None:
        self._scope, self._run, self._results, self._stop = scope, run, results, stop
        self._list_pending = list_pending
        self._numbered_batches = enumerate(source)
        self._waiting_batch: tuple[int, Batch] | None = None
        """The batch that has been read and not started yet."""

    def run(self) -> JsonValue:
        """The result of the state. Raises StatesError, StoppedError or TimedOutError."""
        try:
            self._run_children()
        except StatesError as error:
            self._abort_children()
            self._finish(FAILED, error)
        except (StoppedError, TimedOutError):
            self._abort_children()
            with contextlib.suppress(StatesError):
                self._finish(ABORTED)
            raise
        return self._finish(SUCCEEDED)

    def _run_children(self) -> None:
        run = self._run
        for index, batch in self._numbered_batches:
            self._waiting_batch = index, batch
            run.batch_read(batch.items)
            self._wait_for(self._has_capacity)
            self._waiting_batch = None
            self._start_child(index, batch)
        run.finish_reading()
        self._wait_for(self._is_idle)

    def _wait_for(self, predicate: Callable[[], bool]) -> None:
        """Raises `States.ExceedToleratedFailureThreshold` as soon as too many items have failed."""
        run = self._run
        with run.changed:
            self._scope.wait_for_condition(run.changed, lambda: predicate() or run.exceeds_threshold())
            if run.exceeds_threshold():
                raise threshold_exceeded()

    def _has_capacity(self) -> bool:
        limit = self._scope.services.max_children
        return self._run.executions["running"] < min(self._run.max_concurrency or limit, limit)

    def _is_idle(self) -> bool:
        return self._run.executions["running"] == 0

    def _start_child(self, index: int, batch: Batch) -> None:
        self._run.child_started(batch.items)
        threading.Thread(target=self._run_child, args=(index, batch), name="child", daemon=True).start()

    def _run_child(self, index: int, batch: Batch) -> None:
        services = self._scope.services
        child = self._create_child(batch)
        try:
            if child.history.enabled:
                services.executions.add(child)
            with self._stop.calling(child.stop.set):
                services.run_execution(child, batch.input, services)
            self._results.add(_child_result(index, child))
        except Exception as error:
            log.exception("child execution %s failed unexpectedly", child.arn)
            services.end_execution(child, Outcome(FAILED, None, RUNTIME, str(error)))
        finally:
            self._run.child_ended(child.status, batch.items)

    def _create_child(self, batch: Batch) -> Execution:
        services, machine = self._scope.services, self._run.machine
        name = str(uuid.uuid4())
        return Execution(
            services.arns.build("execution", machine.name, name),
            name,
            machine,
            payloads.to_text(batch.input),
            services.clock.now(),
            History(enabled=machine.kind == "STANDARD"),
            map_run_arn=self._run.arn,
            item_count=batch.items,
        )

    def _abort_children(self) -> None:
        """Stops the running children, waits for them, and lists the batches that will not be started."""
        self._stop.set()
        with self._run.changed:
            self._run.changed.wait_for(self._is_idle)
        self._run.abort_pending()
        if self._list_pending:
            self._add_pending_results()

    def _add_pending_results(self) -> None:
        if self._waiting_batch is not None:
            self._results.add(self._pending_result(*self._waiting_batch))
        with contextlib.suppress(StatesError):
            for index, batch in self._numbered_batches:
                if self._scope.services.closing.is_set():
                    break
                self._run.batch_not_started(batch.items)
                self._results.add(self._pending_result(index, batch))

    def _pending_result(self, index: int, batch: Batch) -> ChildResult:
        child = self._create_child(batch)
        return ChildResult(index, child.arn, child.name, child.machine.arn, child.input_text, PENDING)

    def _finish(self, status: str, error: StatesError | None = None) -> JsonValue:
        """Writes the results and closes the run. Raises the error, or `States.ResultWriterFailed`."""
        result: JsonValue = None
        try:
            if not self._scope.services.closing.is_set():
                result = self._results.finish(self._run)
        except StatesError as results_error:
            status, error = FAILED if status == SUCCEEDED else status, error or results_error
        self._run.close(status, self._scope.services.clock.now())
        self._scope.record(_MAP_RUN_EVENTS[status], **({} if error is None else error.details()))
        if error is not None:
            raise NestedError(error.name, error.cause) from error
        if status == SUCCEEDED:
            self._scope.record_aside("MapStateSucceeded")
        return result


def _child_result(index: int, child: Execution) -> ChildResult:
    return ChildResult(
        index, child.arn, child.name, child.machine.arn, child.input_text, child.status,
        child.output_text, child.error, child.cause, child.started, child.stopped,
    )  # fmt: skip
