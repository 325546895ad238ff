"""One execution environment: a subprocess that has loaded one handler and runs one invocation at a time."""

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
from local.lambdas.function import FunctionConfig, Target, worker_environment
from local.lambdas.memory import MemoryWatch
from local.lambdas.output import LineSink, Output
from local.lambdas.trace import Trace

INIT_SECONDS = 60.0  # Lambda gives 10 s, then loads again in the invocation's own time; we just wait
SegmentSink = Callable[[dict[str, Any]], None]
SIGNALS = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGTERM: "terminated"}


@dataclass(frozen=True)
class Answer:
    """`error` is Lambda's FunctionError, `payload` then {"errorType", "errorMessage", …}."""

    payload: Any
    error: str | None
    request_id: str
    log_tail: bytes = b""


class Environment:
    """Once it is not `alive` it only waits to be thrown away with `close`."""

    def __init__(
        self,
        function: FunctionConfig,
        place: Target,
        log_stream: str,
        sink: LineSink,
        memory: MemoryWatch,
        traces: SegmentSink = lambda segment: None,
    ) -> None:
        self._function = function
        self._arn = place.arn(function.name)
        self._memory = memory
        self._traces = traces
        self._outgrown = False
        self._tmp = Path(tempfile.mkdtemp(prefix="lambda-"))
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "local.lambdas.worker", str(theirs.fileno()), str(self._tmp)],
                pass_fds=[theirs.fileno()],
                env=worker_environment(function, place, log_stream, self._tmp),
                cwd=place.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own: killed whole, and deaf to the terminal's Ctrl-C
            )
        assert self._process.stdout is not None
        self.output = Output(self._process.stdout, sink)
        self._ready = False
        self._lost = False

    @property
    def alive(self) -> bool:
        return not self._lost and not self._outgrown and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def memory_bytes(self) -> int:
        return self._function.memory_mb << 20

    def end_for_memory(self) -> None:
        self._outgrown = True
        self._kill()

    def invoke(self, payload: Any, *, tail: bool = False) -> Answer:
        """Never raises for what the function does: that is an answer with an error."""
        request_id = str(uuid.uuid4())
        self.output.begin()
        self._memory.add(self)
        try:
            answer = self._load(request_id) or self._run(request_id, payload)
        finally:
            self._memory.remove(self)
        if not tail:
            return answer
        return Answer(answer.payload, answer.error, request_id, self.output.tail(request_id))

    def close(self) -> None:
        self._kill()
        self._process.wait()
        self.output.join()
        self._channel.close()
        shutil.rmtree(self._tmp, ignore_errors=True)

    def _load(self, request_id: str) -> Answer | None:
        """Waits for the handler to be loaded; an answer only when it cannot be."""
        if self._ready:
            return None
        self._channel.settimeout(INIT_SECONDS)
        try:
            error = frames.receive(self._channel)["ready"]
        except TimeoutError:
            message = f"RequestId: {request_id} Error: Init timed out after {INIT_SECONDS:.2f} seconds"
            return self._failed(request_id, _error("Sandbox.Timedout", message))
        except (EOFError, OSError):
            return self._ended(request_id)
        self._ready = error is None
        return None if error is None else self._failed(request_id, {**error, "requestId": request_id})

    def _run(self, request_id: str, payload: Any) -> Answer:
        timeout = self._function.timeout_seconds
        trace = Trace()
        request = {
            "id": request_id,
            "payload": payload,
            "deadline": time.time() + timeout,
            "arn": self._arn,
            "trace": trace.header,
        }
        answer = self._answer(request, timeout)
        fault = answer.error is not None
        for segment in trace.segments(name=self._function.name, arn=self._arn, request_id=request_id, fault=fault):
            self._traces(segment)
        return answer

    def _answer(self, request: dict[str, Any], timeout: float) -> Answer:
        request_id = request["id"]
        self._channel.settimeout(timeout)
        try:
            frames.send(self._channel, frames.encode(request))
            result = frames.receive(self._channel)
        except TimeoutError:
            message = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
            return self._failed(request_id, _error("Sandbox.Timedout", message))
        except (EOFError, OSError):
            return self._ended(request_id)
        return Answer(result["payload"], result["error"], request_id)

    def _ended(self, request_id: str) -> Answer:
        """The worker is gone: by a signal, by its own exit, or because it outgrew its memory."""
        self._kill()
        code = self._process.wait()
        reason = "Runtime exited without providing a reason"
        if code < 0:
            name = SIGNALS.get(signal.Signals(-code), signal.Signals(-code).name)
            reason = f"Runtime exited with error: signal: {name}"
        elif code > 0:
            reason = f"Runtime exited with error: exit status {code}"
        error_type = "Runtime.OutOfMemory" if self._outgrown else "Runtime.ExitError"
        return self._failed(request_id, _error(error_type, f"RequestId: {request_id} Error: {reason}"))

    def _failed(self, request_id: str, payload: dict[str, Any]) -> Answer:
        """The environment is of no more use. The log gets the lines that the worker could not write."""
        self._lost = True
        self._kill()
        self._process.wait()
        self.output.join()
        report = f"REPORT RequestId: {request_id}\tStatus: error\tError Type: {payload['errorType']}"
        self.output.add([str(payload["errorMessage"]), f"END RequestId: {request_id}", report])
        return Answer(payload, "Unhandled", request_id)

    def _kill(self) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _error(error_type: str, message: str) -> dict[str, Any]:
    return {"errorType": error_type, "errorMessage": message}
