"""Checks of request members. Every function returns the value, or raises ApiError."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.states.base import arns, payloads, quotas
from local.states.base.payloads import JsonValue
from local.states.records.map_runs import MAX_PERCENTAGE
from local.states.service import errors

Request = Mapping[str, Any]
"""The body of a request. `Any`, because `api` checks the types of its members by a table."""


def check_types(request: Request, required: Mapping[str, type], optional: Mapping[str, type]) -> None:
    """Raises ValidationException. An optional member can be null."""
    for name, member_type in required.items():
        if not isinstance(request.get(name), member_type):
            raise errors.validation_error(f"'{name}' is missing or has the wrong type")
    for name, member_type in optional.items():
        if request.get(name) is not None and not isinstance(request[name], member_type):
            raise errors.validation_error(f"'{name}' has the wrong type")


def check_name(name: str) -> str:
    """Raises InvalidName."""
    if not arns.is_valid_name(name):
        raise errors.invalid_name(name)
    return name


def check_arn(arn: str, *resource_types: str) -> str:
    """Raises InvalidArn, also for the ARN of another type of resource."""
    if arns.resource_type(arn) not in resource_types:
        raise errors.invalid_arn(arn)
    return arn


def check_one_of(request: Request, name: str, allowed: tuple[str, ...]) -> None:
    """Raises ValidationException. The member can be missing."""
    value = request.get(name)
    if value is not None and value not in allowed:
        raise errors.constraint_violated(name, value, f"satisfy enum value set: [{', '.join(allowed)}]")


def logging_configuration(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """With the defaults of the service. Raises InvalidLoggingConfiguration. Nothing is logged here; see the docs."""
    complete = {"level": "OFF", "includeExecutionData": False, **configuration}
    destinations = len(complete.get("destinations") or ())
    if destinations > 1 or (complete["level"] != "OFF" and not destinations):
        raise errors.invalid_logging_configuration("Must specify exactly one Log Destination.")
    return complete


def execution_input(text: str) -> JsonValue:
    """Parses the input of an execution. Raises ValidationException if it is too large, InvalidExecutionInput if it is
    not JSON."""
    if payloads.byte_length(text) > quotas.MAX_PAYLOAD_BYTES:
        raise errors.validation_error(f"The input is larger than {quotas.MAX_PAYLOAD_BYTES} bytes")
    if not text.strip():
        raise errors.invalid_execution_input("Invalid execution input.")
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise errors.invalid_execution_input(error) from error
    return value


def count_member(request: Request, name: str) -> int | None:
    """An integer, 0 or more. Raises ValidationException."""
    value = request.get(name)
    if value is not None and (not payloads.is_integer(value) or value < 0):
        raise errors.validation_error(f"{name} must be an integer, 0 or more")
    return value


def percentage_member(request: Request, name: str) -> float | None:
    """A number from 0 to 100. Raises ValidationException."""
    value = request.get(name)
    if value is not None and (not payloads.is_number(value) or not 0 <= value <= MAX_PERCENTAGE):
        raise errors.validation_error(f"{name} must be a number from 0 to {MAX_PERCENTAGE}")
    return value
