"""What of the language runs here, and what is refused by name: the table of the documentation.

The names that run are those of the tables that check a definition. REFUSED has what the service documents in addition;
a test checks that each of them is refused with a message that names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from local.states.language import resources
from local.states.language.choices import LOGICAL_OPERATORS, OPERATORS
from local.states.language.fields import CATCHER, MACHINE, PROCESSOR, PROCESSOR_CONFIG, RETRIER, STATES, TASK_PARAMETERS
from local.states.language.intrinsic_functions import FUNCTIONS
from local.states.language.item_fields import (
    ITEM_BATCHER,
    ITEM_READERS,
    LIST_CONFIG,
    OBJECT_CONFIG,
    RESULT_WRITER,
    WRITER_CONFIG,
)

_JSONATA = ("Assign", "Output")
"""Fields of most states with JSONata or variables."""

REFUSED: Mapping[str, Sequence[str]] = {
    "QueryLanguage": ("JSONata",),
    "Pass": _JSONATA,
    "Task": ("Arguments", *_JSONATA, "Credentials", "HeartbeatSeconds", "HeartbeatSecondsPath"),
    "Choice": _JSONATA,
    "Choice rule": ("Assign", "Condition", "Output"),
    "Wait": _JSONATA,
    "Succeed": ("Output",),
    "Parallel": ("Arguments", *_JSONATA),
    "Map INLINE": (*_JSONATA, "Items", "Iterator", "Parameters"),
    "Map DISTRIBUTED": (*_JSONATA, "Items", "Iterator", "Parameters"),
    "Catch": _JSONATA,
    "Resource of a Task": (
        "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "arn:aws:states:::states:startExecution",
        "arn:aws:states:::states:startExecution.sync",
        "arn:aws:states:::aws-sdk:s3:getObject",
        "arn:aws:states:::dynamodb:putItem",
        "arn:aws:states:::sqs:sendMessage",
        "arn:aws:states:::sns:publish",
        "arn:aws:states:::http:invoke",
        "arn:aws:states:us-east-1:123456789012:activity:A",
    ),
    "InputType of an ItemReader": ("MANIFEST",),
    "ReaderConfig of s3:getObject": ("ItemsPointer", "ManifestType"),
    "Parameters of lambda:invoke": ("ClientContext", "LogType", "Qualifier"),
    "Parameters of states:startExecution.sync:2": ("TraceHeader",),
}
"""Documented names that this interpreter refuses, by the place where they stand. Of the integrations and their
parameters these are examples: everything that does not run is refused."""


def _short(resource: str) -> str:
    return resource.removeprefix("arn:aws:states:::")


def _running() -> Iterator[tuple[str, Sequence[str]]]:
    yield "state machine", MACHINE.names
    yield "QueryLanguage", ("JSONPath",)
    yield from ((place, state.names) for place, state in STATES.items())
    yield "Choice rule", ("Variable", "Next", "Comment", *sorted(OPERATORS | LOGICAL_OPERATORS))
    yield "Retry", RETRIER.names
    yield "Catch", CATCHER.names
    yield "Resource of a Task", (*resources.TASK_INTEGRATIONS, "the ARN of a function")
    yield from ((f"Parameters of {_short(name)}", check.names) for name, check in TASK_PARAMETERS.items())
    yield "ItemProcessor", PROCESSOR.names
    yield "ProcessorConfig", PROCESSOR_CONFIG.names
    yield "Resource of an ItemReader", tuple(ITEM_READERS)
    yield "InputType of an ItemReader", resources.INPUT_TYPES
    yield "ReaderConfig of s3:getObject", OBJECT_CONFIG.names
    yield "ReaderConfig of s3:listObjectsV2", LIST_CONFIG.names
    yield "Transformation of s3:listObjectsV2", resources.TRANSFORMATIONS
    yield "ItemBatcher", ITEM_BATCHER.names
    yield "ResultWriter", RESULT_WRITER.names
    yield "WriterConfig", WRITER_CONFIG.names
    yield "intrinsic functions", tuple(FUNCTIONS)


def features() -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """For every place in a definition: its name, the names that run there, and the names that are refused."""
    for place, names in _running():
        yield place, names, REFUSED.get(place, ())
