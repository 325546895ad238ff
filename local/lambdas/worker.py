"""The process of a sandbox: `python -m local.lambdas.worker FD TMP`, FD a socket to the host, TMP its folder.

It sends {"ready": null} or {"ready": error} after loading the handler, then replies to each request
{"id", "payload", "deadline" (seconds since the epoch), "arn", "trace"} with {"payload", "error"}.
The function's configuration is in environment variables, as in Lambda's own runtime.
"""

from __future__ import annotations

import gc
import importlib
import os
import queue
import resource
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.lambdas import frames
from local.lambdas.function import WORKER_IMPORTS

MAX_RESPONSE_BYTES = 6_291_556
"""Quota of Lambda for a synchronous response."""

Handler = Callable[[Any, "LambdaContext"], Any]
"""Any: an event and a result are any JSON value."""


@dataclass(frozen=True)
class LambdaContext:
    """The context object of a handler, with Lambda's names and types. `deadline` is in seconds since the epoch."""

    aws_request_id: str
    invoked_function_arn: str
    deadline: float
    function_name: str = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    function_version: str = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
    memory_limit_in_mb: str = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    log_group_name: str = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
    log_stream_name: str = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.time()) * 1000))


class InitError(Exception):
    """The handler cannot be loaded. `error` is Lambda's payload for it."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error = {"errorType": error_type, "errorMessage": message, "requestId": "", "stackTrace": []}


def load(name: str) -> Handler:
    """Import a handler by its name, such as `functions.download_batch.handler`. Raises InitError."""
    module_name, _, attribute = name.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise InitError("Runtime.ImportModuleError", message) from error
    except Exception as error:
        raise InitError(type(error).__name__, str(error)) from error
    handler: Handler | None = getattr(module, attribute, None)
    if handler is None:
        raise InitError("Runtime.HandlerNotFound", f"Handler '{attribute}' missing on module '{module_name}'")
    return handler


def invoke(handler: Handler, request: dict[str, Any]) -> bytes:
    """The response to a request as JSON: the handler's result, or its exception in the format of Lambda's errors."""
    os.environ["_X_AMZN_TRACE_ID"] = request["trace"]
    context = LambdaContext(request["id"], request["arn"], request["deadline"])
    try:
        payload = handler(request["payload"], context)
    except Exception as error:
        return _exception(request["id"], error)
    try:
        content = frames.encode({"payload": payload, "error": None})
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return _error(request["id"], "Runtime.MarshalError", message)
    if len(content) > MAX_RESPONSE_BYTES:
        message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
        return _error(request["id"], "Function.ResponseSizeTooLarge", message)
    return content


def _exception(request_id: str, error: Exception) -> bytes:
    stack = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
    _print(f"[ERROR] {type(error).__name__}: {error}\nTraceback (most recent call last):\n{''.join(stack)}".rstrip())
    return _error(request_id, type(error).__name__, str(error), stack)


def _error(request_id: str, error_type: str, message: str, stack: list[str] | None = None) -> bytes:
    payload = {
        "errorMessage": message,
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": stack or [],
    }
    return frames.encode({"payload": payload, "error": "Unhandled"})


def max_memory_mb() -> int:
    """Peak of resident memory. `ru_maxrss` on Linux also includes the parent's memory before the exec."""
    try:
        with open("/proc/self/status") as status:
            peak = next(line for line in status if line.startswith("VmHWM:"))
        return int(peak.split()[1]) // 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20)  # in bytes on macOS


def report(request_id: str, milliseconds: float, init_milliseconds: float | None) -> str:
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {int(milliseconds) + 1} ms",
        f"Memory Size: {os.environ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']} MB",
        f"Max Memory Used: {max_memory_mb()} MB",
    ]
    if init_milliseconds is not None:
        fields.append(f"Init Duration: {init_milliseconds:.2f} ms")
    return "\t".join(fields)


def _print(line: str) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(1, f"{line}\n".encode())


def _receive_requests(channel: socket.socket, requests: queue.SimpleQueue[dict[str, Any]], tmp: str) -> None:
    """Queue the host's requests. Kills this process group when the host has exited, also during an invocation."""
    try:
        while True:
            requests.put(frames.receive(channel))
    except (EOFError, OSError):
        shutil.rmtree(tmp, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)


def main(descriptor: int, tmp: str) -> None:
    os.set_inheritable(descriptor, False)
    channel = socket.socket(fileno=descriptor)
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_receive_requests, args=(channel, requests, tmp), daemon=True).start()
    started = time.perf_counter()
    gc.disable()  # imports create almost no garbage, and looking for it takes a sixth of their time
    if WORKER_IMPORTS in os.environ:
        importlib.import_module(os.environ[WORKER_IMPORTS])
    try:
        handler = load(os.environ["_HANDLER"])
    except InitError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        sys.stderr.flush()
        frames.send(channel, frames.encode({"ready": error.error}))
        return
    gc.enable()
    init_milliseconds: float | None = (time.perf_counter() - started) * 1000
    frames.send(channel, frames.encode({"ready": None}))
    while True:
        request = requests.get()
        _print(f"START RequestId: {request['id']} Version: {os.environ['AWS_LAMBDA_FUNCTION_VERSION']}")
        started = time.perf_counter()
        response = invoke(handler, request)
        milliseconds = (time.perf_counter() - started) * 1000
        _print(f"END RequestId: {request['id']}\n{report(request['id'], milliseconds, init_milliseconds)}")
        init_milliseconds = None
        frames.send(channel, response)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
