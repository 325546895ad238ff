"""The EventBridge default bus: S3 and Step Functions events, delivered to the targets of rules, as AWS documents it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html; the key is not URL-encoded.
moto matches the patterns and serves all targets other than state machines and functions.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from local.aws import backend
from local.aws.backend import ACCOUNT, REGION
from local.aws.store.index import StoredObject
from local.aws.store.objects import NULL_VERSION

Event = dict[str, Any]
"""An EventBridge event as JSON. Any: moto's matcher and the targets take it as it is."""

SETTLE_SECONDS = 0.05
"""Delay before delivery: moto sends the event before it sets the object's metadata, AWS after its response."""

MAX_RECENT_EVENTS = 1000
"""Maximum number of events kept in `EventBus.recent`."""

# S3 event name of moto → detail-type and additional fields of the detail
S3_EVENTS: dict[str, tuple[str, dict[str, str]]] = {
    "ObjectCreated:Put": ("Object Created", {"reason": "PutObject"}),
    "ObjectCreated:Post": ("Object Created", {"reason": "POST Object"}),
    "ObjectCreated:Copy": ("Object Created", {"reason": "CopyObject"}),
    "ObjectCreated:CompleteMultipartUpload": ("Object Created", {"reason": "CompleteMultipartUpload"}),
    "ObjectRemoved:Delete": (
        "Object Deleted",
        {"reason": "DeleteObject", "deletion-type": "Permanently Deleted"},
    ),
}
log = logging.getLogger(__name__)


class EventBus:
    """The default bus. `start(state_machine_arn, input)` starts an execution, `invoke(function_arn, event)` invokes a
    function asynchronously, `dead_letter(queue_arn, body, attributes)` receives an event that cannot be delivered.
    `authorize(target, rule_arn)` raises an exception with the code NO_PERMISSIONS for a delivery without permission.

    `recent` holds the last thousand events; `put` one of them again to simulate a duplicate delivery.
    """

    def __init__(
        self,
        start: Callable[[str, Any], object],
        invoke: Callable[[str, Any], object],
        dead_letter: Callable[[str, str, Mapping[str, str]], None],
        authorize: Callable[[Mapping[str, Any], str], None] = lambda target, rule_arn: None,
    ) -> None:
        self._start = start
        self._invoke = invoke
        self._dead_letter = dead_letter
        self._authorize = authorize
        self._waiting: queue.Queue[tuple[float, Event] | None] = queue.Queue()
        self._sequencer = 0
        self._lock = threading.Lock()
        self.recent: deque[Event] = deque(maxlen=MAX_RECENT_EVENTS)
        self._thread = threading.Thread(target=self._run, name="event-bus", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Queue an event for delivery on the bus's own thread, in order."""
        self._waiting.put((time.monotonic() + SETTLE_SECONDS, event))

    def execution_changed(self, detail: Mapping[str, Any]) -> None:
        """Publish a "Step Functions Execution Status Change" with the detail of the engine's hook."""
        detail_type = "Step Functions Execution Status Change"
        self.put(_event("aws.states", detail_type, [str(detail["executionArn"])], dict(detail)))

    def flush(self) -> None:
        """Return when every earlier event has been delivered."""
        self._waiting.join()

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def object_changed(self, name: str, stored: StoredObject) -> None:
        """Publish an event of S3, such as `ObjectCreated:Put`, if the bucket sends its events to EventBridge."""
        if name not in S3_EVENTS or not backend.sends_events(stored.bucket):
            return
        detail_type, fields = S3_EVENTS[name]
        self.put(_event("aws.s3", detail_type, [f"arn:aws:s3:::{stored.bucket}"], self._detail(stored, fields)))

    def _detail(self, stored: StoredObject, fields: Mapping[str, str]) -> dict[str, Any]:
        properties = {
            "key": stored.key,
            "size": stored.size,
            "etag": stored.etag,
            "version-id": None if stored.version == NULL_VERSION else stored.version,
            "sequencer": self._next_sequencer(),
        }
        return {
            "version": "0",
            "bucket": {"name": stored.bucket},
            "object": {name: value for name, value in properties.items() if value is not None},
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": ACCOUNT,
            "source-ip-address": "127.0.0.1",
            **fields,
        }

    def _next_sequencer(self) -> str:
        """A hexadecimal number that is greater for the later of two events of one key."""
        with self._lock:
            self._sequencer = max(self._sequencer + 1, time.time_ns())
            return f"{self._sequencer:018X}"

    def _run(self) -> None:
        while (entry := self._waiting.get()) is not None:
            due, event = entry
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                self._deliver(event)
            except Exception:  # an invalid rule must not end the bus
                log.exception("EventBridge could not deliver the event %s", event["id"])
            finally:
                self._waiting.task_done()

    def _deliver(self, event: Event) -> None:
        self.recent.append(event)
        for rule, target in backend.matching_targets(event):
            try:
                self._send(rule, target, event)
            except Exception as error:
                log.warning("EventBridge could not deliver to %s by rule %s: %s", target["Arn"], rule.name, error)
                self._send_dead_letter(rule.arn, target, event, error)

    def _send(self, rule: Any, target: dict[str, Any], event: Event) -> None:
        self._authorize(target, rule.arn)
        if ":stateMachine:" in target["Arn"]:
            self._start(target["Arn"], target_input(target, event))
        elif ":function:" in target["Arn"]:
            self._invoke(target["Arn"], target_input(target, event))
        else:
            backend.send_to_target(rule, target, event, time.time())

    def _send_dead_letter(self, rule_arn: str, target: Mapping[str, Any], event: Event, error: Exception) -> None:
        """Send the event to the dead-letter queue, with AWS's attributes. AWS first tries 185 times in 24 hours."""
        queue_arn = target.get("DeadLetterConfig", {}).get("Arn")
        if queue_arn is None:
            return
        attributes = {
            "RULE_ARN": rule_arn,
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": getattr(error, "code", type(error).__name__),
            "ERROR_MESSAGE": str(error) or type(error).__name__,
        }
        try:
            self._dead_letter(queue_arn, json.dumps(event), attributes)
        except Exception as refused:  # the other targets still get the event
            log.warning("EventBridge could not send the event %s to %s: %s", event["id"], queue_arn, refused)


def target_input(target: Mapping[str, Any], event: Event) -> Any:
    """The event after the target's Input, InputPath or InputTransformer; without them the whole event."""
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputTransformer" in target:
        return backend.transformed(target["InputTransformer"], event)
    return _at_path(target.get("InputPath", "$"), event)


def _at_path(path: str, event: Event) -> Any:
    value: Any = event
    for name in path.removeprefix("$").split(".")[1:]:
        value = value[name]
    return value


def _event(source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> Event:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": resources,
        "detail": detail,
    }
