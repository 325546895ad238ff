"""EventBridge rules and their targets."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from moto.events.models import Rule, events_backends
from moto.events.utils import EventTemplateParser

from local.aws.backend.application import ACCOUNT, REGION

# Any: moto's types of events and targets are internal; both are JSON objects.


def matching_targets(event: Any) -> Iterator[tuple[Rule, dict[str, Any]]]:
    """The targets of the default bus's enabled rules whose pattern matches the event; moto does the matching."""
    for rule in list(events_backends[ACCOUNT][REGION].event_buses["default"].rules.values()):
        matches = rule.event_pattern.get_pattern() and rule.event_pattern.matches_event(event)
        if rule.state == "ENABLED" and matches:
            for target in list(rule.targets):
                yield rule, target


def send_to_target(rule: Rule, target: dict[str, Any], event: Mapping[str, Any], epoch: float) -> None:
    """Send an event to one target with moto's own sender, which expects the time in seconds since the epoch.

    Raises moto's error for a kind of target that moto does not support.
    """
    single = copy.copy(rule)
    single.targets = [target]
    stamped: Any = {**event, "time": epoch, "ingestion-time": epoch}
    single.send_to_targets(stamped, transform_input="InputTransformer" in target)


def transformed(transformer: Mapping[str, Any], event: Mapping[str, Any]) -> Any:
    """The result of an InputTransformer."""
    stamped: Any = {**event, "ingestion-time": event["time"]}
    paths = transformer.get("InputPathsMap", {})
    return EventTemplateParser.parse(transformer["InputTemplate"], paths, stamped)
