"""The tables of all fields that this interpreter supports, each with the check of its value.

Any other field is rejected by name. DG "Amazon States Language in Step Functions workflows" and the page of each state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local.states.base import quotas
from local.states.base.errors import ALL
from local.states.language import resources
from local.states.language.checks import (
    Check,
    Fields,
    Location,
    any_value,
    boolean,
    choice_rule,
    fields,
    integer,
    json_path,
    json_path_or_null,
    list_of,
    non_empty_string,
    number,
    object_template,
    one_of,
    path_or_intrinsic,
    reference_path_or_null,
    string,
    template,
)
from local.states.language.choices import parse_timestamp
from local.states.language.item_fields import RESULT_WRITER, item_batcher, item_reader, with_paths

_LABEL = re.compile(rf"""[^\s?*<>{{}}\[\]:;,\\|^~$#%&`"/\x00-\x1f\x7f-\x9f]{{1,{quotas.MAX_LABEL_LENGTH}}}""")
_MAX_BACKOFF_RATE = 1e9

# ---- checks of single fields ----


def _task_resource(value: Any, location: Location) -> None:
    if not isinstance(value, str) or not resources.is_task_resource(resources.in_account(value)):
        raise location.unsupported_value(value)


def _timestamp(value: Any, location: Location) -> None:
    if parse_timestamp(value) is None:
        raise location.invalid("must be a timestamp such as 2026-01-31T12:00:00Z")


def _label(value: Any, location: Location) -> None:
    if not isinstance(value, str) or not _LABEL.fullmatch(value):
        raise location.invalid(
            f"must be 1 to {quotas.MAX_LABEL_LENGTH} characters, without spaces, wildcards, brackets and punctuation"
        )


# ---- Retry and Catch ----


def _error_names(value: Any, location: Location) -> None:
    list_of(non_empty_string)(value, location)
    if ALL in value and len(value) > 1:
        raise location.invalid(f"must list {ALL} alone")


def _handlers(check_handler: Check) -> Check:
    """Retry or Catch: States.ALL is allowed in the last entry only."""

    def check(value: Any, location: Location) -> None:
        list_of(check_handler, minimum_length=0)(value, location)
        if any(ALL in handler["ErrorEquals"] for handler in value[:-1]):
            raise location.invalid(f"can have {ALL} in its last entry only")

    return check


RETRIER = fields(
    {
        "ErrorEquals": _error_names,
        "IntervalSeconds": integer(1),
        "MaxAttempts": integer(0),
        "BackoffRate": number(1, _MAX_BACKOFF_RATE),
        "MaxDelaySeconds": integer(1, quotas.MAX_RETRY_DELAY_SECONDS),
        "JitterStrategy": one_of("FULL", "NONE"),
        "Comment": string,
    },
    required=["ErrorEquals"],
)
CATCHER = fields(
    {"ErrorEquals": _error_names, "Next": non_empty_string, "ResultPath": reference_path_or_null, "Comment": string},
    required=["ErrorEquals", "Next"],
)

# ---- states ----

_COMMON = {"Type": non_empty_string, "Comment": string, "QueryLanguage": one_of("JSONPath")}
_FLOW = {"Next": non_empty_string, "End": boolean}
_PATHS: dict[str, Check] = {"InputPath": json_path_or_null, "OutputPath": json_path_or_null}
_RESULT: dict[str, Check] = {"ResultPath": reference_path_or_null, "ResultSelector": object_template}
_HANDLERS = {"Retry": _handlers(RETRIER), "Catch": _handlers(CATCHER)}
_TOLERANCE: dict[str, Check] = {
    "ToleratedFailurePercentage": number(0, 100),
    "ToleratedFailurePercentagePath": json_path,
    "ToleratedFailureCount": integer(0),
    "ToleratedFailureCountPath": json_path,
}
_MAP: dict[str, Check] = {
    **_COMMON, **_FLOW, **_PATHS, **_RESULT, **_HANDLERS, **_TOLERANCE,
    "ItemProcessor": any_value,
    "ItemsPath": json_path,
    "ItemSelector": template,
    "MaxConcurrency": integer(0),
    "MaxConcurrencyPath": json_path,
}  # fmt: skip

_TRANSITION = "Next|End"
STATES: dict[str, Fields] = {
    "Pass": fields(
        {
            **_COMMON, **_FLOW, **_PATHS,
            "ResultPath": reference_path_or_null, "Parameters": template, "Result": any_value,
        },
        required=["Type", _TRANSITION],
    ),
    "Task": fields(
        {
            **_COMMON, **_FLOW, **_PATHS, **_RESULT, **_HANDLERS,
            "Resource": _task_resource,
            "Parameters": template,
            "TimeoutSeconds": integer(1),
            "TimeoutSecondsPath": json_path,
        },
        required=["Type", "Resource", _TRANSITION],
    ),
    "Choice": fields(
        {**_COMMON, **_PATHS, "Choices": list_of(choice_rule(top_level=True)), "Default": non_empty_string},
        required=["Type", "Choices"],
    ),
    "Wait": fields(
        {
            **_COMMON, **_FLOW, **_PATHS,
            "Seconds": integer(0), "SecondsPath": json_path, "Timestamp": _timestamp, "TimestampPath": json_path,
        },
        required=["Type", "Seconds|SecondsPath|Timestamp|TimestampPath", _TRANSITION],
    ),
    "Succeed": fields({**_COMMON, **_PATHS}),
    "Fail": fields(
        {
            **_COMMON,
            "Error": string, "ErrorPath": path_or_intrinsic,
            "Cause": string, "CausePath": path_or_intrinsic,
        }
    ),
    "Parallel": fields(
        {**_COMMON, **_FLOW, **_PATHS, **_RESULT, **_HANDLERS, "Parameters": template, "Branches": any_value},
        required=["Type", "Branches", _TRANSITION],
    ),
    "Map INLINE": fields(_MAP, required=["Type", "ItemProcessor", _TRANSITION]),
    "Map DISTRIBUTED": fields(
        {
            **_MAP,
            "ItemReader": item_reader, "ItemBatcher": item_batcher,
            "ResultWriter": RESULT_WRITER, "Label": _label,
        },
        required=["Type", "ItemProcessor", _TRANSITION],
    ),
}  # fmt: skip
"""Checks of a state by its type; for a Map by its type and mode."""

# ---- collections of states ----

_STATES: dict[str, Check] = {"StartAt": non_empty_string, "States": any_value, "Comment": string}
MACHINE = fields(
    {**_STATES, "TimeoutSeconds": integer(1), "Version": one_of("1.0"), "QueryLanguage": one_of("JSONPath")},
    required=["StartAt", "States"],
)
BRANCH = fields(_STATES, required=["StartAt", "States"])
PROCESSOR_CONFIG = fields({"Mode": one_of("INLINE", "DISTRIBUTED"), "ExecutionType": one_of("STANDARD", "EXPRESS")})
PROCESSOR = fields({**_STATES, "ProcessorConfig": PROCESSOR_CONFIG}, required=["StartAt", "States"])

# ---- Parameters of integrations ----

TASK_PARAMETERS: dict[str, Fields] = {
    resources.LAMBDA_INVOKE: fields(
        {
            **with_paths("FunctionName"),
            "Payload": template,
            "Payload.$": path_or_intrinsic,
            "InvocationType": one_of("RequestResponse"),
        },
        required=["FunctionName|FunctionName.$"],
    ),
    resources.START_EXECUTION: fields(
        {**with_paths("StateMachineArn", "Name"), "Input": template, "Input.$": path_or_intrinsic},
        required=["StateMachineArn|StateMachineArn.$"],
    ),
}
"""Checks of the Parameters of optimized integrations."""


def check_task_parameters(state: Mapping[str, Any], location: Location) -> None:
    """Parameters of an optimized integration. Where the resource is a function, they are its whole payload."""
    check = TASK_PARAMETERS.get(resources.in_account(state["Resource"]))
    if check is not None:
        check(state.get("Parameters"), location.child("Parameters"))
