"""A sandbox (Lambda's "execution environment"): a subprocess that has loaded a handler and runs one invocation at a
time."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.lambdas import frames
from local.lambdas.function import FunctionConfig, Target, worker_variables
from local.lambdas.memory import MemoryMonitor
from local.lambdas.output import LineSink, Output
from local.lambdas.trace import Trace

INIT_SECONDS = 60.0
"""Maximum time to load a handler. Lambda allows 10 s and then loads it again within the function's timeout."""

SegmentSink = Callable[[dict[str, Any]], None]
"""Receives an X-Ray segment as JSON."""

SIGNAL_NAMES = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGTERM: "terminated"}


@dataclass(frozen=True)
class InvocationResult:
    """The result of an invocation. Any: a payload is any JSON value.

    `error` is Lambda's FunctionError; the payload is then {"errorType", "errorMessage", …}.
    """

    payload: Any
    error: str | None
    request_id: str
    log_tail: bytes = b""


class Sandbox:
    """Runs from construction to `close`. When it is no longer `alive`, it must be closed and replaced."""

    def __init__(
        self,
        function: FunctionConfig,
        target: Target,
        log_stream: str,
        sink: LineSink,
        memory: MemoryMonitor,
        traces: SegmentSink = lambda segment: None,
    ) -> None:
        self._function = function
        self._arn = target.arn(function.qualified_name)
        self._memory = memory
        self._traces = traces
        self._out_of_memory = False
        self._tmp = Path(tempfile.mkdtemp(prefix="lambda-"))
        self._channel, worker_socket = socket.socketpair()
        with worker_socket:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "local.lambdas.worker", str(worker_socket.fileno()), str(self._tmp)],
                pass_fds=[worker_socket.fileno()],
                env=worker_variables(function, target, log_stream, self._tmp),
                cwd=target.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a process group of its own: it is killed as a whole and gets no Ctrl-C
            )
        assert self._process.stdout is not None
        self.output = Output(self._process.stdout, sink)
        self._ready = False
        self._failed = False

    @property
    def alive(self) -> bool:
        return not self._failed and not self._out_of_memory and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def memory_bytes(self) -> int:
        return self._function.memory_mb << 20

    def kill_out_of_memory(self) -> None:
        self._out_of_memory = True
        self._kill()

    def invoke(self, payload: Any, *, tail: bool = False) -> InvocationResult:
        """Run one invocation. A failure of the function is a result with an error, never an exception."""
        request_id = str(uuid.uuid4())
        self.output.begin()
        self._memory.add(self)
        try:
            result = self._wait_for_init(request_id) or self._run(request_id, payload)
        finally:
            self._memory.remove(self)
        if not tail:
            return result
        return InvocationResult(result.payload, result.error, request_id, self.output.tail(request_id))

    def close(self) -> None:
        self._kill()
        self._process.wait()
        self.output.join()
        self._channel.close()
        shutil.rmtree(self._tmp, ignore_errors=True)

    def _wait_for_init(self, request_id: str) -> InvocationResult | None:
        """Wait until the handler is loaded. The result is None, or the error where it cannot be loaded."""
        if self._ready:
            return None
        self._channel.settimeout(INIT_SECONDS)
        try:
            error = frames.receive(self._channel)["ready"]
        except TimeoutError:
            message = f"RequestId: {request_id} Error: Init timed out after {INIT_SECONDS:.2f} seconds"
            return self._failure(request_id, _error("Sandbox.Timedout", message))
        except (EOFError, OSError):
            return self._exit_failure(request_id)
        self._ready = error is None
        return None if error is None else self._failure(request_id, {**error, "requestId": request_id})

    def _run(self, request_id: str, payload: Any) -> InvocationResult:
        timeout = self._function.timeout_seconds
        trace = Trace()
        request = {
            "id": request_id,
            "payload": payload,
            "deadline": time.time() + timeout,
            "arn": self._arn,
            "trace": trace.header,
        }
        result = self._exchange(request, timeout)
        fault = result.error is not None
        for segment in trace.segments(name=self._function.name, arn=self._arn, request_id=request_id, fault=fault):
            self._traces(segment)
        return result

    def _exchange(self, request: dict[str, Any], timeout: float) -> InvocationResult:
        request_id = request["id"]
        self._channel.settimeout(timeout)
        try:
            frames.send(self._channel, frames.encode(request))
            response = frames.receive(self._channel)
        except TimeoutError:
            message = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
            return self._failure(request_id, _error("Sandbox.Timedout", message))
        except (EOFError, OSError):
            return self._exit_failure(request_id)
        return InvocationResult(response["payload"], response["error"], request_id)

    def _exit_failure(self, request_id: str) -> InvocationResult:
        """The error of a worker that was killed by a signal, exited, or exceeded its memory."""
        self._kill()
        code = self._process.wait()
        reason = "Runtime exited without providing a reason"
        if code < 0:
            name = SIGNAL_NAMES.get(signal.Signals(-code), signal.Signals(-code).name)
            reason = f"Runtime exited with error: signal: {name}"
        elif code > 0:
            reason = f"Runtime exited with error: exit status {code}"
        error_type = "Runtime.OutOfMemory" if self._out_of_memory else "Runtime.ExitError"
        return self._failure(request_id, _error(error_type, f"RequestId: {request_id} Error: {reason}"))

    def _failure(self, request_id: str, payload: dict[str, Any]) -> InvocationResult:
        """Kill the worker, and add to the log the lines that the worker could not write."""
        self._failed = True
        self._kill()
        self._process.wait()
        self.output.join()
        report = f"REPORT RequestId: {request_id}\tStatus: error\tError Type: {payload['errorType']}"
        self.output.add([str(payload["errorMessage"]), f"END RequestId: {request_id}", report])
        return InvocationResult(payload, "Unhandled", request_id)

    def _kill(self) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _error(error_type: str, message: str) -> dict[str, Any]:
    return {"errorType": error_type, "errorMessage": message}
