"""Records every `socket.connect` of this process by an audit hook of the interpreter, whatever library calls it.

An audit hook cannot be removed: there is one, which does nothing outside a recording.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

Target = tuple[str, int]


class ConnectHeldError(ConnectionRefusedError):
    """Raised instead of a connection to another machine."""


@dataclass(slots=True)
class Recording:
    """Addresses and ports in the order of the connections. `held` are those that were blocked."""

    targets: list[Target] = field(default_factory=list)
    held: list[Target] = field(default_factory=list)
    on_connect: Callable[[Target], None] | None = None


_lock = threading.Lock()
_recording: Recording | None = None
_hooked = False


@contextmanager
def recorded(on_connect: Callable[[Target], None] | None = None) -> Iterator[Recording]:
    """Records connections. Those to other machines are recorded and then blocked."""
    global _recording, _hooked
    with _lock:
        assert _recording is None, "one recording at a time"
        _recording = Recording(on_connect=on_connect)
        if not _hooked:
            sys.addaudithook(_hook)
            _hooked = True
    try:
        yield _recording
    finally:
        _recording = None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    recording = _recording
    if event != "socket.connect" or recording is None or not isinstance(args[1], tuple):
        return
    target = (str(args[1][0]), int(args[1][1]))
    recording.targets.append(target)
    if recording.on_connect is not None:
        recording.on_connect(target)
    if not _is_loopback(target[0]):
        recording.held.append(target)
        raise ConnectHeldError(f"{target} is not on this machine")


def _is_loopback(text: str) -> bool:
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False
