"""X-Ray subsegments without the X-Ray SDK: one for each invocation, sent to the daemon that Lambda runs.

Importing the SDK takes as much CPU as boto3, requests and powertools together (`bench/measures/cold_start.py`). It has
been in maintenance mode since February 2026, and it patches libraries. The formats are small:
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html and
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html.
"""

import json
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from functions.config import TraceConfig
from functions.core.model.types import JsonValue
from functions.telemetry.phases import Phases, Span

HEADER = b'{"format": "json", "version": 1}\n'
MAX_BYTES = 60_000
"""Maximum size of a document in bytes: a UDP datagram has at most 64 KB."""


@dataclass(slots=True)
class Invocation:
    """Annotations of the subsegment, by which traces can be searched."""

    run_id: str = ""
    outcome: str = ""


@contextmanager
def traced(name: str, phases: Phases | None = None) -> Iterator[Invocation]:
    """Sends a subsegment when the block ends, unless the invocation is not sampled or there is no daemon."""
    invocation, started_at, error = Invocation(), time.time(), None
    try:
        yield invocation
    except BaseException as raised:
        error = raised
        raise
    finally:
        trace = TraceConfig.read()
        parent = parent_of(trace.header)
        if parent and trace.daemon:
            subsegment = _subsegment(name, started_at, invocation, error)
            _send({**parent, **subsegment, "subsegments": _phase_subsegments(phases)}, trace.daemon)


def parent_of(header: str) -> Mapping[str, str]:
    """IDs from a trace header `Root=1-…;Parent=…;Sampled=1`. Empty if the invocation is not sampled."""
    fields = dict(part.split("=", 1) for part in header.split(";") if "=" in part)
    if fields.get("Sampled") != "1" or not fields.get("Root") or not fields.get("Parent"):
        return {}
    return {"trace_id": fields["Root"], "parent_id": fields["Parent"]}


def _subsegment(
    name: str, started_at: float, invocation: Invocation, error: BaseException | None
) -> dict[str, JsonValue]:
    annotations = {"run_id": invocation.run_id, "outcome": "error" if error else invocation.outcome}
    document: dict[str, JsonValue] = {
        "type": "subsegment",
        "id": _new_id(),
        "name": name,
        "start_time": started_at,
        "end_time": time.time(),
        "annotations": {key: value for key, value in annotations.items() if value},
    }
    if error is not None:
        document["fault"] = True
        document["cause"] = {"exceptions": [{"id": _new_id(), "type": type(error).__name__}]}
    return document


def _phase_subsegments(phases: Phases | None) -> list[JsonValue]:
    return [_phase_subsegment(phase.value, span) for phase, span in phases.spans.items()] if phases else []


def _phase_subsegment(name: str, span: Span) -> dict[str, JsonValue]:
    """One subsegment for the calls of all threads. `busy_ms` is the sum of their durations."""
    return {
        "id": _new_id(),
        "name": name,
        "start_time": span.started_at,
        "end_time": span.ended_at,
        "metadata": {
            "default": {"calls": span.calls, "raised": span.raised, "busy_ms": sum(span.milliseconds)},
        },
    }


def _new_id() -> str:
    return uuid.uuid4().hex[:16]


def _send(document: Mapping[str, JsonValue], daemon: str) -> None:
    """`daemon` is `host:port` or `tcp:host:port udp:host:port`. Errors are ignored: a trace is not essential."""
    address = next((part[4:] for part in daemon.split() if part.startswith("udp:")), daemon)
    host, _, port = address.rpartition(":")
    datagram = HEADER + json.dumps(document, separators=(",", ":")).encode()
    if len(datagram) <= MAX_BYTES:
        with suppress(OSError, ValueError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(datagram, (host, int(port)))
