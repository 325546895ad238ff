"""Resources and formats that a definition can name. `fields` allows exactly these; `items` and `run` implement them."""

from __future__ import annotations

import re
from typing import Literal, get_args

from local.states.base.arns import PARTITION
from local.states.base.errors import RUNTIME, StatesError

LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"
"""The optimized integration with Lambda. DG "Invoke an AWS Lambda function with Step Functions"."""

START_EXECUTION = "arn:aws:states:::states:startExecution.sync:2"
"""The optimized integration that runs another state machine to its end. DG "Start a new AWS Step Functions state
machine from a running execution"."""

TASK_INTEGRATIONS = (LAMBDA_INVOKE, START_EXECUTION)
"""The optimized integrations that a Task can name as its `Resource`."""

S3_READ = "arn:aws:states:::s3:getObject"
"""The `Resource` of an ItemReader for one object. DG "ItemReader (Map)"."""

S3_LIST = "arn:aws:states:::s3:listObjectsV2"
"""The `Resource` of an ItemReader for the objects under a prefix. DG "ItemReader (Map)"."""

TRANSFORMATIONS = ("NONE", "LOAD_AND_FLATTEN")
"""`Transformation` of a ReaderConfig with S3_LIST: the items are the entries of the list, or the items of all listed
objects."""

S3_WRITE = "arn:aws:states:::s3:putObject"
"""The `Resource` of a ResultWriter. DG "ResultWriter (Map)"."""

InputType = Literal["CSV", "JSON", "JSONL", "PARQUET"]
INPUT_TYPES: tuple[InputType, ...] = get_args(InputType)
"""`InputType` of a ReaderConfig. The service also has MANIFEST. DG "ItemReader (Map)"."""

CSV_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
"""`CSVDelimiter` of a ReaderConfig, and its character. DG "ItemReader (Map)"."""

DIFFERENT_PARTITION = "The resource belongs to a different partition from the running execution."
"""The cause of the failure, as AWS has answered (aws-cdk#4597)."""

_FUNCTION_ARN = re.compile(r"arn:aws:lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?")


def is_task_resource(arn: str) -> bool:
    """Checks the `Resource` of a Task: an optimized integration, or the ARN of a function."""
    return arn in TASK_INTEGRATIONS or _FUNCTION_ARN.fullmatch(arn) is not None


def in_account(arn: str) -> str:
    """The ARN of the same resource in the partition of the account: AWS accepts a definition with another partition."""
    return re.sub("^arn:aws-[a-z-]+:", f"arn:{PARTITION}:", arn)


def check_partition(*arns: str) -> None:
    """Fails the state where a resource is of another partition. Raises StatesError."""
    if any(arn != in_account(arn) for arn in arns):
        raise StatesError(RUNTIME, DIFFERENT_PARTITION)
