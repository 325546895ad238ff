"""Handlers that the tests run in real sandboxes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

CALLS = 0
RELEASED = threading.Event()


def echo(event: Any, context: Any) -> Any:
    return event


def count(event: Any, context: Any) -> int:
    global CALLS
    CALLS += 1
    return CALLS


def pid(event: Any, context: Any) -> int:
    return os.getpid()


def fail(event: Any, context: Any) -> None:
    raise ValueError("no such manifest")


def wait(event: Any, context: Any) -> None:
    RELEASED.wait(30)


def wait_for_deletion(event: Any, context: Any) -> int:
    """Creates a file and waits until it is deleted; returns at once for the name `missing`."""
    if not event["path"].endswith("missing"):
        with open(event["path"], "w"):
            pass
        while os.path.exists(event["path"]):
            RELEASED.wait(0.01)
    return os.getpid()


def kill_itself(event: Any, context: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave(event: Any, context: Any) -> None:
    sys.exit(event["status"])


def kill_once(event: Any, context: Any) -> str:
    """Kills its process at the first call for a path, returns at the second."""
    if os.path.exists(event["path"]):
        return "second"
    with open(event["path"], "w"):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def exceed_memory(event: Any, context: Any) -> None:
    content = bytearray(os.urandom(1 << 20)) * 400
    RELEASED.wait(30)
    del content


def print_much(event: Any, context: Any) -> str:
    print('{"payload": "forged", "error": null}')  # noqa: T201
    print("to stderr", file=sys.stderr)  # noqa: T201
    os.write(1, b"\x00\x00\x00\x02{}\n")
    subprocess.run(["echo", "from a child"], check=True)
    return "answer"


def unserializable(event: Any, context: Any) -> object:
    return object()


def huge(event: Any, context: Any) -> str:
    return "x" * 7_000_000


def variables(event: Any, context: Any) -> dict[str, str]:
    return dict(os.environ)


def about(event: Any, context: Any) -> dict[str, Any]:
    return {
        "function_name": context.function_name,
        "function_version": context.function_version,
        "memory": context.memory_limit_in_mb,
        "arn": context.invoked_function_arn,
        "group": context.log_group_name,
        "stream": context.log_stream_name,
        "request_id": context.aws_request_id,
        "remaining": context.get_remaining_time_in_millis(),
    }


def spawn_and_wait(event: Any, context: Any) -> None:
    """Writes its own and its child's process ID to a file, then hangs."""
    child = subprocess.Popen(["sleep", "60"])
    with open(event["path"] + ".new", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.replace(event["path"] + ".new", event["path"])
    time.sleep(60)
