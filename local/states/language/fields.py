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

_LABEL = re.compile(rf"""[^\s?*<>{{}}\[\]:;,\\|^~$#%&`"/\x00-\x1f\x7f]{{1,{quotas.MAX_LABEL_LENGTH}}}""")
_MAX_BACKOFF_RATE = 1e9

# ---- checks of single fields ----


def _task_resource(value: Any, location: Location) -> None:
    if not isinstance(value, str) or not resources.is_task_resource(value):
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


_RETRIER = fields(
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
_CATCHER = fields(
    {"ErrorEquals": _error_names, "Next": non_empty_string, "ResultPath": reference_path_or_null, "Comment": string},
    required=["ErrorEquals", "Next"],
)

# ---- ItemReader, ItemBatcher, ResultWriter ----

_READER_CONFIG = fields(
    {
        "InputType": one_of(*resources.INPUT_TYPES),
        "CSVHeaderLocation": one_of("FIRST_ROW", "GIVEN"),
        "CSVHeaders": list_of(non_empty_string),
        "CSVDelimiter": one_of(*resources.CSV_DELIMITERS),
        "MaxItems": integer(0, quotas.MAX_READER_ITEMS),
        "MaxItemsPath": json_path,
    },
    required=["InputType"],
)


def _reader_config(value: Any, location: Location) -> None:
    _READER_CONFIG(value, location)
    csv_only = {"CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"} & value.keys()
    if value["InputType"] != "CSV" and csv_only:
        raise location.invalid(f"has {min(csv_only)}, which is for CSV only")
    if value["InputType"] == "CSV" and "CSVHeaderLocation" not in value:
        raise location.invalid("needs CSVHeaderLocation")
    if (value.get("CSVHeaderLocation") == "GIVEN") is not ("CSVHeaders" in value):
        raise location.invalid("must have CSVHeaders if and only if CSVHeaderLocation is GIVEN")


_ITEM_READER = fields(
    {
        "Resource": one_of(resources.S3_READ),
        "ReaderConfig": _reader_config,
        "Parameters": fields(
            {
                "Bucket": non_empty_string,
                "Bucket.$": path_or_intrinsic,
                "Key": non_empty_string,
                "Key.$": path_or_intrinsic,
            },
            required=["Bucket|Bucket.$", "Key|Key.$"],
        ),
    },
    required=["Resource", "ReaderConfig", "Parameters"],
)
_ITEM_BATCHER = fields(
    {
        "MaxItemsPerBatch": integer(1),
        "MaxItemsPerBatchPath": json_path,
        "MaxInputBytesPerBatch": integer(1, quotas.MAX_PAYLOAD_BYTES),
        "MaxInputBytesPerBatchPath": json_path,
        "BatchInput": object_template,
    }
)
_BATCH_LIMITS = ("MaxItemsPerBatch", "MaxInputBytesPerBatch")
_WRITER_CONFIG = fields(
    {"Transformation": one_of("NONE", "COMPACT", "FLATTEN"), "OutputType": one_of("JSON", "JSONL")},
    required=["Transformation", "OutputType"],
)
_RESULT_WRITER = fields(
    {
        "Resource": one_of(resources.S3_WRITE),
        "Parameters": fields(
            {
                "Bucket": non_empty_string,
                "Bucket.$": path_or_intrinsic,
                "Prefix": string,
                "Prefix.$": path_or_intrinsic,
            },
            required=["Bucket|Bucket.$"],
        ),
        "WriterConfig": _WRITER_CONFIG,
    },
    required=["Resource", "Parameters"],
)


def _item_batcher(value: Any, location: Location) -> None:
    _ITEM_BATCHER(value, location)
    if not any(name in value or f"{name}Path" in value for name in _BATCH_LIMITS):
        raise location.invalid("needs MaxItemsPerBatch or MaxInputBytesPerBatch")


# ---- states ----

_COMMON = {"Type": non_empty_string, "Comment": string, "QueryLanguage": one_of("JSONPath")}
_FLOW = {"Next": non_empty_string, "End": boolean}
_PATHS: dict[str, Check] = {"InputPath": json_path_or_null, "OutputPath": json_path_or_null}
_RESULT: dict[str, Check] = {"ResultPath": reference_path_or_null, "ResultSelector": object_template}
_HANDLERS = {"Retry": _handlers(_RETRIER), "Catch": _handlers(_CATCHER)}
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
STATES: dict[str, Check] = {
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
            "ItemReader": _ITEM_READER, "ItemBatcher": _item_batcher,
            "ResultWriter": _RESULT_WRITER, "Label": _label,
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
PROCESSOR = fields(
    {
        **_STATES,
        "ProcessorConfig": fields(
            {"Mode": one_of("INLINE", "DISTRIBUTED"), "ExecutionType": one_of("STANDARD", "EXPRESS")}
        ),
    },
    required=["StartAt", "States"],
)

# ---- Parameters of integrations ----

_INVOKE_PARAMETERS = fields(
    {
        "FunctionName": non_empty_string,
        "FunctionName.$": path_or_intrinsic,
        "Payload": template,
        "Payload.$": path_or_intrinsic,
        "InvocationType": one_of("RequestResponse"),
    },
    required=["FunctionName|FunctionName.$"],
)


def check_task_parameters(state: Mapping[str, Any], location: Location) -> None:
    """Parameters of the optimized Lambda integration. Where the resource is a function, they are its whole payload."""
    if state["Resource"] == resources.LAMBDA_INVOKE:
        _INVOKE_PARAMETERS(state.get("Parameters"), location.child("Parameters"))
