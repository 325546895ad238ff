"""X-Ray, without its SDK: a subsegment for each invocation, sent to the daemon that Lambda runs beside it.

Loading the SDK costs as much CPU again as boto3, requests and powertools together (`bench/measures/cold_start.py`); it is in
maintenance since February 2026, and would wrap libraries that we do not want wrapped. What it sends is little:
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html and, for the datagrams,
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html.
"""

import json
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from functions.config import TraceConfig
from functions.telemetry.phases import Phases, Span

HEADER = b'{"format": "json", "version": 1}\n'
MAX_BYTES = 60_000
"""A datagram takes 64 KB."""


@dataclass(slots=True)
class Invocation:
    """What is said of it; both become annotations, by which X-Ray finds traces."""

    run_id: str = ""
    outcome: str = ""


@contextmanager
def traced(name: str, phases: Phases | None = None) -> Iterator[Invocation]:
    """Tells X-Ray, at the end, of what is done within. Silent where nothing is sampled and where no daemon is."""
    invocation, begun, error = Invocation(), time.time(), None
    try:
        yield invocation
    except BaseException as raised:
        error = raised
        raise
    finally:
        trace = TraceConfig.read()
        parent = parent_of(trace.header)
        if parent and trace.daemon:
            document = {**parent, **_subsegment(name, begun, invocation, error), "subsegments": _phases(phases)}
            _send(document, trace.daemon)


def parent_of(header: str) -> Mapping[str, str]:
    """From `Root=1-…;Parent=…;Sampled=1`; empty where the invocation is not sampled."""
    fields = dict(part.split("=", 1) for part in header.split(";") if "=" in part)
    if fields.get("Sampled") != "1" or not fields.get("Root") or not fields.get("Parent"):
        return {}
    return {"trace_id": fields["Root"], "parent_id": fields["Parent"]}


def _subsegment(name: str, begun: float, invocation: Invocation, error: BaseException | None) -> dict[str, Any]:
    said = {"run_id": invocation.run_id, "outcome": "error" if error else invocation.outcome}
    document = {
        "type": "subsegment",
        "id": _id(),
        "name": name,
        "start_time": begun,
        "end_time": time.time(),
        "annotations": {key: value for key, value in said.items() if value},
    }
    if error is not None:
        document["fault"] = True
        document["cause"] = {"exceptions": [{"id": _id(), "type": type(error).__name__}]}
    return document


def _phases(phases: Phases | None) -> list[dict[str, Any]]:
    return [_phase(phase.value, span) for phase, span in phases.spans.items()] if phases else []


def _phase(name: str, span: Span) -> dict[str, Any]:
    """Calls of many threads in one; `busy_ms` is the sum of theirs."""
    told = {"calls": span.calls, "raised": span.raised, "busy_ms": sum(span.milliseconds)}
    return {
        "id": _id(),
        "name": name,
        "start_time": span.begun,
        "end_time": span.ended,
        "metadata": {"default": told},
    }


def _id() -> str:
    return uuid.uuid4().hex[:16]


def _send(document: Mapping[str, Any], daemon: str) -> None:
    """`daemon` is `host:port`, or `tcp:host:port udp:host:port`. A trace that is lost is no reason to fail."""
    address = next((part[4:] for part in daemon.split() if part.startswith("udp:")), daemon)
    host, _, port = address.rpartition(":")
    datagram = HEADER + json.dumps(document, separators=(",", ":")).encode()
    if len(datagram) <= MAX_BYTES:
        with suppress(OSError, ValueError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(datagram, (host, int(port)))
