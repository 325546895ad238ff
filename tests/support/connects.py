"""Every `socket.connect` of this process, as the interpreter itself reports it, whatever library makes it.

An audit hook cannot be taken out again, so there is one, and it is deaf between recordings.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

Target = tuple[str, int]


class Held(ConnectionRefusedError):
    """Raised in place of a connect that would leave this machine."""


@dataclass(slots=True)
class Recording:
    """Addresses and ports in the order of their connects. `held` are those that were not let out."""

    targets: list[Target] = field(default_factory=list)
    held: list[Target] = field(default_factory=list)
    on_connect: Callable[[Target], None] | None = None


_lock = threading.Lock()
_recording: Recording | None = None
_hooked = False


@contextmanager
def recorded(on_connect: Callable[[Target], None] | None = None) -> Iterator[Recording]:
    """What is connected to meanwhile; what is not loopback is recorded, then refused before it is made."""
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
        raise Held(f"{target} is not on this machine")


def _is_loopback(text: str) -> bool:
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False
