"""A Map whose iterations are executions of their own: a Map Run.

Items are read, selected and batched only when there is room for another child, so at any time no more of
them are held than are being worked on.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import Any

from local.states.base import payloads
from local.states.base.errors import StatesError, Stopped, TimedOut
from local.states.base.stop import Stop
from local.states.items import readers
from local.states.items.batcher import Batch, Limits, batches, single
from local.states.items.results import CHUNK_BYTES, PENDING, ChildResult, ListedResults, Results, WrittenResults
from local.states.language.dataflow import State, filled, setting, whole
from local.states.language.definition import child_kind
from local.states.language.paths import Sources
from local.states.records.executions import ABORTED, FAILED, SUCCEEDED, End, Execution, Machine
from local.states.records.history import History
from local.states.records.map_runs import MapRun
from local.states.run.inline_map import EXCEEDED, concurrency, listed, tolerance_of
from local.states.run.lifecycle import conclude, perform
from local.states.run.scope import Scope

log = logging.getLogger(__name__)


def work(name: str, state: State, data: Any, scope: Scope) -> Any:
    """The state's result. Raises StatesError, Stopped or TimedOut."""
    scope.record("MapStateStarted", length=0)
    run = _started(name, state, data, scope)
    scope.record("MapRunStarted", mapRunArn=run.arn)
    results = _results(state, data, scope)
    try:
        with scope.stop.below() as stop, contextlib.closing(_batches(state, data, scope)) as source:
            return _MapRun(state, scope, run, results, source, stop).result()
    finally:
        results.close()


def label_of(name: str, state: State) -> str:
    return str(state.get("Label") or re.sub(r"[^\w-]", "", name)[:40] or "Map")


def child_machine(name: str, state: State, parent: Machine) -> Machine:
    label = label_of(name, state)
    return Machine(
        f"{parent.arn}/{label}", f"{parent.name}/{label}", state["ItemProcessor"], parent.role_arn,
        child_kind(state), parent.revision, label,
    )  # fmt: skip


def _started(name: str, state: State, data: Any, scope: Scope) -> MapRun:
    sources = scope.sources(data)
    services, parent = scope.services, scope.execution
    machine = child_machine(name, state, parent.machine)
    run = MapRun(
        services.arns.of("mapRun", machine.name, str(uuid.uuid4())),
        parent.arn,
        machine,
        services.clock.now(),
        concurrency(state, sources),
        tolerance_of(state, sources),
    )
    services.map_runs.add(run)
    return run


def _results(state: State, data: Any, scope: Scope) -> Results:
    if "ResultWriter" not in state:
        return ListedResults()
    writer = state["ResultWriter"]
    where = filled(writer["Parameters"], scope.sources(data))
    config = writer.get("WriterConfig", {})
    return WrittenResults(scope.services.s3, where["Bucket"], where.get("Prefix", ""), config, CHUNK_BYTES)


def _batches(state: State, data: Any, scope: Scope) -> Generator[Batch, None, None]:
    """A generator, so that its faults, too, arise when it is drawn from."""
    sources = scope.sources(data)
    if "ItemReader" in state:
        items = readers.items(state["ItemReader"], scope.services.s3, sources)
    else:
        items = iter(listed(state, data, scope))
    selected = _selected(state, items, sources)
    if "ItemBatcher" not in state:
        yield from single(selected)
        return
    batcher = state["ItemBatcher"]
    limits = Limits(_limit(batcher, "MaxItemsPerBatch", sources), _limit(batcher, "MaxInputBytesPerBatch", sources))
    yield from batches(selected, limits, filled(batcher.get("BatchInput"), sources))


def _selected(state: State, items: Iterator[Any], sources: Sources) -> Iterator[Any]:
    if "ItemSelector" not in state:
        return items
    return (
        filled(
            state["ItemSelector"],
            Sources(sources.data, {**sources.context, "Map": {"Item": {"Index": index, "Value": item}}}),
        )
        for index, item in enumerate(items)
    )


def _limit(batcher: State, field: str, sources: Sources) -> int | None:
    return whole(setting(batcher, field, sources), field, least=1)


class _MapRun:
    def __init__(
        self, state: State, scope: Scope, run: MapRun, results: Results, source: Iterator[Batch], stop: Stop
    ) -> None:
        self._scope, self._run, self._results, self._source, self._stop = scope, run, results, source, stop
        self._written = "ResultWriter" in state
        self._numbered = enumerate(source)
        self._held: tuple[int, Batch] | None = None
        """Read, not started yet."""

    def result(self) -> Any:
        try:
            self._work()
        except StatesError as error:
            self._halt()
            self._finish(FAILED, error)
        except (Stopped, TimedOut):
            self._halt()
            with contextlib.suppress(StatesError):
                self._finish(ABORTED)
            raise
        return self._finish(SUCCEEDED)

    def _work(self) -> None:
        run = self._run
        for index, batch in self._numbered:
            self._held = index, batch
            run.read(batch.items)
            self._await(self._has_room)
            self._held = None
            self._start(index, batch)
        run.finish_reading()
        self._await(self._is_idle)

    def _await(self, condition: Callable[[], bool]) -> None:
        """Raises also when too many items have failed."""
        with self._run.changed:
            self._scope.await_condition(self._run.changed, lambda: condition() or self._run.failed())
            if self._run.failed():
                raise StatesError("States.ExceedToleratedFailureThreshold", EXCEEDED)

    def _has_room(self) -> bool:
        cap = self._scope.services.max_children
        return self._run.executions["running"] < min(self._run.max_concurrency or cap, cap)

    def _is_idle(self) -> bool:
        return self._run.executions["running"] == 0

    def _start(self, index: int, batch: Batch) -> None:
        self._run.begin(batch.items)
        threading.Thread(target=self._child, args=(index, batch), name="child", daemon=True).start()

    def _child(self, index: int, batch: Batch) -> None:
        services, parent = self._scope.services, self._scope.execution
        child = self._execution(batch)
        try:
            if child.history.kept:
                services.executions.add(child)
            with self._stop.watched(child.stop.set):
                perform(child, batch.input, services, child.stop)
            self._results.add(_ended(index, child))
        except Exception as error:
            log.exception("a child of %s was lost", parent.arn)
            conclude(child, End(FAILED, None, "States.Runtime", str(error)), services)
        finally:
            self._run.end(child.status, batch.items)

    def _execution(self, batch: Batch) -> Execution:
        services, machine = self._scope.services, self._run.machine
        name = str(uuid.uuid4())
        return Execution(
            services.arns.of("execution", machine.name, name),
            name,
            machine,
            payloads.text(batch.input),
            services.clock.now(),
            History(kept=machine.kind == "STANDARD"),
            map_run_arn=self._run.arn,
            item_count=batch.items,
        )

    def _halt(self) -> None:
        """Ends the children, and lists what will not be started."""
        self._stop.set()
        with self._run.changed:
            self._run.changed.wait_for(self._is_idle)
        self._run.drop_pending()
        if not self._written:
            return
        if self._held is not None:
            self._results.add(self._never_started(*self._held))
        with contextlib.suppress(StatesError):
            for index, batch in self._numbered:
                if self._scope.services.closing.is_set():
                    break
                self._run.never_begin(batch.items)
                self._results.add(self._never_started(index, batch))

    def _never_started(self, index: int, batch: Batch) -> ChildResult:
        child = self._execution(batch)
        return ChildResult(index, child.arn, child.name, child.machine.arn, child.input_text, PENDING)

    def _finish(self, status: str, error: StatesError | None = None) -> Any:
        """Raises the error, or `States.ResultWriterFailed`."""
        output = None
        try:
            if not self._scope.services.closing.is_set():
                output = self._results.finish(self._run)
        except StatesError as failure:
            status, error = FAILED if status == SUCCEEDED else status, error or failure
        self._run.close(status, self._scope.services.clock.now())
        details = {} if error is None else {"error": error.name, "cause": error.cause}
        self._scope.record(
            {SUCCEEDED: "MapRunSucceeded", FAILED: "MapRunFailed"}.get(status, "MapRunAborted"), **details
        )
        self._scope.record({SUCCEEDED: "MapStateSucceeded", FAILED: "MapStateFailed"}.get(status, "MapStateAborted"))
        if error is not None:
            raise error
        return output


def _ended(index: int, child: Execution) -> ChildResult:
    return ChildResult(
        index, child.arn, child.name, child.machine.arn, child.input_text, child.status,
        child.output_text, child.error, child.cause, child.started, child.stopped,
    )  # fmt: skip
