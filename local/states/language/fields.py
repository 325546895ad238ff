"""Every field this interpreter knows, with the check of its value; any other is refused by name."""

from __future__ import annotations

import re
from typing import Any

from local.states.items.csv_rows import DELIMITERS
from local.states.items.readers import READERS
from local.states.language.checks import (
    Check,
    Place,
    a_path,
    anything,
    boolean,
    choice_rule,
    comment,
    fields,
    integer,
    list_of,
    number,
    object_template,
    one_of,
    path_or_intrinsic,
    path_or_null,
    reference_or_null,
    template,
    text,
)
from local.states.language.choices import moment
from local.states.language.resources import is_known, payload_fields

S3_READ = "arn:aws:states:::s3:getObject"
S3_WRITE = "arn:aws:states:::s3:putObject"
MAX_BATCH_BYTES = 256 * 1024
MAX_ITEMS = 100_000_000


def _resource(value: Any, place: Place) -> None:
    if not isinstance(value, str) or not is_known(value):
        raise place.unsupported(f"with {value!r} ")


def _rfc3339(value: Any, place: Place) -> None:
    if moment(value) is None:
        raise place.wrong("must be a timestamp such as 2026-01-31T12:00:00Z")


def _label(value: Any, place: Place) -> None:
    if not isinstance(value, str) or not re.fullmatch(r'[^\s?*<>{}\[\]:;,\\|^~$#%&`"/\x00-\x1f\x7f]{1,40}', value):
        raise place.wrong("must be at most 40 characters, without spaces, wildcards and brackets")


def _error_names(value: Any, place: Place) -> None:
    list_of(text)(value, place)
    if "States.ALL" in value and len(value) > 1:
        raise place.wrong("must name States.ALL alone")


def _handlers(each: Check) -> Check:
    """Retry or Catch: States.ALL belongs in the last one."""

    def check(value: Any, place: Place) -> None:
        list_of(each, least=0)(value, place)
        if any("States.ALL" in handler["ErrorEquals"] for handler in value[:-1]):
            raise place.wrong("must name States.ALL in its last entry")

    return check


_RETRIER = fields(
    {
        "ErrorEquals": _error_names,
        "IntervalSeconds": integer(1),
        "MaxAttempts": integer(0),
        "BackoffRate": number(1, 1e9),
        "MaxDelaySeconds": integer(1, 31_622_400),
        "JitterStrategy": one_of("FULL", "NONE"),
        "Comment": comment,
    },
    required=["ErrorEquals"],
)
_CATCHER = fields(
    {"ErrorEquals": _error_names, "Next": text, "ResultPath": reference_or_null, "Comment": comment},
    required=["ErrorEquals", "Next"],
)

_READER_CONFIG = fields(
    {
        "InputType": one_of(*READERS),
        "CSVHeaderLocation": one_of("FIRST_ROW", "GIVEN"),
        "CSVHeaders": list_of(text),
        "CSVDelimiter": one_of(*DELIMITERS),
        "MaxItems": integer(0, MAX_ITEMS),
        "MaxItemsPath": a_path,
    },
    required=["InputType"],
)


def _reader_config(value: Any, place: Place) -> None:
    _READER_CONFIG(value, place)
    csv_only = {"CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"} & value.keys()
    if value["InputType"] != "CSV" and csv_only:
        raise place.wrong(f"has {min(csv_only)}, which is for CSV")
    if value["InputType"] == "CSV" and "CSVHeaderLocation" not in value:
        raise place.wrong("needs CSVHeaderLocation")
    if (value.get("CSVHeaderLocation") == "GIVEN") is not ("CSVHeaders" in value):
        raise place.wrong("must have CSVHeaders if and only if CSVHeaderLocation is GIVEN")


_ITEM_READER = fields(
    {
        "Resource": one_of(S3_READ),
        "ReaderConfig": _reader_config,
        "Parameters": fields(
            {"Bucket": text, "Bucket.$": path_or_intrinsic, "Key": text, "Key.$": path_or_intrinsic},
            required=["Bucket|Bucket.$", "Key|Key.$"],
        ),
    },
    required=["Resource", "ReaderConfig", "Parameters"],
)
_ITEM_BATCHER = fields(
    {
        "MaxItemsPerBatch": integer(1),
        "MaxItemsPerBatchPath": a_path,
        "MaxInputBytesPerBatch": integer(1, MAX_BATCH_BYTES),
        "MaxInputBytesPerBatchPath": a_path,
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
        "Resource": one_of(S3_WRITE),
        "Parameters": fields(
            {"Bucket": text, "Bucket.$": path_or_intrinsic, "Prefix": comment, "Prefix.$": path_or_intrinsic},
            required=["Bucket|Bucket.$"],
        ),
        "WriterConfig": _WRITER_CONFIG,
    },
    required=["Resource", "Parameters"],
)


def _item_batcher(value: Any, place: Place) -> None:
    _ITEM_BATCHER(value, place)
    if not any(name in value or f"{name}Path" in value for name in _BATCH_LIMITS):
        raise place.wrong("needs MaxItemsPerBatch or MaxInputBytesPerBatch")


_ANY = {"Type": text, "Comment": comment, "QueryLanguage": one_of("JSONPath")}
_FLOW = {"Next": text, "End": boolean}
_PATHS: dict[str, Check] = {"InputPath": path_or_null, "OutputPath": path_or_null}
_RESULT: dict[str, Check] = {"ResultPath": reference_or_null, "ResultSelector": object_template}
_HANDLERS = {"Retry": _handlers(_RETRIER), "Catch": _handlers(_CATCHER)}
_TOLERANCE: dict[str, Check] = {
    "ToleratedFailurePercentage": number(0, 100),
    "ToleratedFailurePercentagePath": a_path,
    "ToleratedFailureCount": integer(0),
    "ToleratedFailureCountPath": a_path,
}
_MAP: dict[str, Check] = {
    **_ANY, **_FLOW, **_PATHS, **_RESULT, **_HANDLERS, **_TOLERANCE,
    "ItemProcessor": anything,
    "ItemsPath": a_path,
    "ItemSelector": template,
    "MaxConcurrency": integer(0),
    "MaxConcurrencyPath": a_path,
}  # fmt: skip

_TRANSITION = "Next|End"
STATES: dict[str, Check] = {
    "Pass": fields(
        {
            **_ANY, **_FLOW, **_PATHS,
            "ResultPath": reference_or_null, "Parameters": template, "Result": anything,
        },
        required=["Type", _TRANSITION],
    ),
    "Task": fields(
        {
            **_ANY, **_FLOW, **_PATHS, **_RESULT, **_HANDLERS,
            "Resource": _resource,
            "Parameters": template,
            "TimeoutSeconds": integer(1),
            "TimeoutSecondsPath": a_path,
        },
        required=["Type", "Resource", _TRANSITION],
    ),
    "Choice": fields(
        {**_ANY, **_PATHS, "Choices": list_of(choice_rule(top=True)), "Default": text},
        required=["Type", "Choices"],
    ),
    "Wait": fields(
        {
            **_ANY, **_FLOW, **_PATHS,
            "Seconds": integer(0), "SecondsPath": a_path, "Timestamp": _rfc3339, "TimestampPath": a_path,
        },
        required=["Type", "Seconds|SecondsPath|Timestamp|TimestampPath", _TRANSITION],
    ),
    "Succeed": fields({**_ANY, **_PATHS}),
    "Fail": fields(
        {
            **_ANY,
            "Error": comment, "ErrorPath": path_or_intrinsic,
            "Cause": comment, "CausePath": path_or_intrinsic,
        }
    ),
    "Parallel": fields(
        {**_ANY, **_FLOW, **_PATHS, **_RESULT, **_HANDLERS, "Parameters": template, "Branches": anything},
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
"""By the type of the state; a Map by its mode as well."""

_STATES: dict[str, Check] = {"StartAt": text, "States": anything, "Comment": comment}
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


def task_parameters(state: dict[str, Any], place: Place) -> None:
    known = payload_fields(state["Resource"])
    if known is None:
        return
    fields(known, required=["FunctionName|FunctionName.$"])(state.get("Parameters"), place.at("Parameters"))
