"""The tables of the fields of a distributed Map: ItemReader, ItemBatcher and ResultWriter, with their checks.

DG "ItemReader (Map)", "ItemBatcher (Map)" and "ResultWriter (Map)".
"""

from __future__ import annotations

from typing import Any

from local.states.base import quotas
from local.states.language import resources
from local.states.language.checks import (
    Check,
    Location,
    any_value,
    fields,
    integer,
    json_path,
    list_of,
    non_empty_string,
    object_template,
    one_of,
    path_or_intrinsic,
    string,
)

_MAX_ITEMS: dict[str, Check] = {"MaxItems": integer(0, quotas.MAX_READER_ITEMS), "MaxItemsPath": json_path}
_READER_CONFIG: dict[str, Check] = {
    "InputType": one_of(*resources.INPUT_TYPES),
    "CSVHeaderLocation": one_of("FIRST_ROW", "GIVEN"),
    "CSVHeaders": list_of(non_empty_string),
    "CSVDelimiter": one_of(*resources.CSV_DELIMITERS),
    **_MAX_ITEMS,
}
OBJECT_CONFIG = fields(_READER_CONFIG, required=["InputType"])
LIST_CONFIG = fields({"Transformation": one_of(*resources.TRANSFORMATIONS), **_MAX_ITEMS})


def _object_config(value: Any, location: Location) -> None:
    OBJECT_CONFIG(value, location)
    csv_only = {"CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"} & value.keys()
    if value["InputType"] != "CSV" and csv_only:
        raise location.invalid(f"has {min(csv_only)}, which is for CSV only")
    if value["InputType"] == "CSV" and "CSVHeaderLocation" not in value:
        raise location.invalid("needs CSVHeaderLocation")
    if (value.get("CSVHeaderLocation") == "GIVEN") is not ("CSVHeaders" in value):
        raise location.invalid("must have CSVHeaders if and only if CSVHeaderLocation is GIVEN")


def _list_config(value: Any, location: Location) -> None:
    if isinstance(value, dict) and value.get("Transformation") == "LOAD_AND_FLATTEN":
        _object_config({name: each for name, each in value.items() if name != "Transformation"}, location)
    else:
        LIST_CONFIG(value, location)


def with_paths(*names: str) -> dict[str, Check]:
    """Fields that are strings, each with its variant `name.$`."""
    return {
        name + suffix: check for name in names for suffix, check in (("", non_empty_string), (".$", path_or_intrinsic))
    }


_OBJECT_READER = fields(
    {
        "Resource": any_value,
        "ReaderConfig": _object_config,
        "Parameters": fields(with_paths("Bucket", "Key", "VersionId"), required=["Bucket|Bucket.$", "Key|Key.$"]),
    },
    required=["Resource", "ReaderConfig", "Parameters"],
)


def _object_reader(value: Any, location: Location) -> None:
    _OBJECT_READER(value, location)
    if value["ReaderConfig"]["InputType"] == "PARQUET" and {"VersionId", "VersionId.$"} & value["Parameters"].keys():
        raise location.child("Parameters").invalid("has VersionId, which the input type PARQUET does not support")


ITEM_READERS: dict[str, Check] = {
    resources.S3_READ: _object_reader,
    resources.S3_LIST: fields(
        {
            "Resource": any_value,
            "ReaderConfig": _list_config,
            "Parameters": fields(
                {**with_paths("Bucket"), "Prefix": string, "Prefix.$": path_or_intrinsic},
                required=["Bucket|Bucket.$"],
            ),
        },
        required=["Resource", "Parameters"],
    ),
}
"""Checks of an ItemReader by its Resource."""


def item_reader(value: Any, location: Location) -> None:
    if not isinstance(value, dict):
        raise location.invalid("must be an object")
    name = value.get("Resource")
    check = ITEM_READERS.get(resources.in_account(name)) if isinstance(name, str) else None
    if check is None:
        raise location.child("Resource").unsupported_value(name)
    check(value, location)


ITEM_BATCHER = fields(
    {
        "MaxItemsPerBatch": integer(1),
        "MaxItemsPerBatchPath": json_path,
        "MaxInputBytesPerBatch": integer(1, quotas.MAX_PAYLOAD_BYTES),
        "MaxInputBytesPerBatchPath": json_path,
        "BatchInput": object_template,
    }
)
_BATCH_LIMITS = ("MaxItemsPerBatch", "MaxInputBytesPerBatch")
WRITER_CONFIG = fields(
    {"Transformation": one_of("NONE", "COMPACT", "FLATTEN"), "OutputType": one_of("JSON", "JSONL")},
    required=["Transformation", "OutputType"],
)


def _writer_resource(value: Any, location: Location) -> None:
    if not isinstance(value, str) or resources.in_account(value) != resources.S3_WRITE:
        raise location.unsupported_value(value)


RESULT_WRITER = fields(
    {
        "Resource": _writer_resource,
        "Parameters": fields(
            {
                "Bucket": non_empty_string,
                "Bucket.$": path_or_intrinsic,
                "Prefix": string,
                "Prefix.$": path_or_intrinsic,
            },
            required=["Bucket|Bucket.$"],
        ),
        "WriterConfig": WRITER_CONFIG,
    },
    required=["Resource", "Parameters"],
)


def item_batcher(value: Any, location: Location) -> None:
    ITEM_BATCHER(value, location)
    if not any(name in value or f"{name}Path" in value for name in _BATCH_LIMITS):
        raise location.invalid("needs MaxItemsPerBatch or MaxInputBytesPerBatch")
