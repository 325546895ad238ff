"""Resources and formats that a definition can name. `fields` allows exactly these; `items` and `run` implement them."""

from __future__ import annotations

import re
from typing import Literal, get_args

LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"
"""The optimized integration with Lambda. DG "Invoke an AWS Lambda function with Step Functions"."""

S3_READ = "arn:aws:states:::s3:getObject"
"""The `Resource` of an ItemReader for one object. DG "ItemReader (Map)"."""

S3_WRITE = "arn:aws:states:::s3:putObject"
"""The `Resource` of a ResultWriter. DG "ResultWriter (Map)"."""

InputType = Literal["CSV", "JSON", "JSONL", "PARQUET"]
INPUT_TYPES: tuple[InputType, ...] = get_args(InputType)
"""`InputType` of a ReaderConfig. The service also has MANIFEST. DG "ItemReader (Map)"."""

CSV_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
"""`CSVDelimiter` of a ReaderConfig, and its character. DG "ItemReader (Map)"."""

_FUNCTION_ARN = re.compile(r"arn:aws:lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?")


def is_task_resource(arn: str) -> bool:
    """Checks the `Resource` of a Task: the optimized Lambda integration, or the ARN of a function."""
    return arn == LAMBDA_INVOKE or _FUNCTION_ARN.fullmatch(arn) is not None
