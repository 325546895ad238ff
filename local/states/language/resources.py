"""What a Task may call: its ARN, and the fields that its Parameters take."""

import re

from local.states.language.checks import Check, one_of, path_or_intrinsic, template, text

LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"
_FUNCTION_ARN = re.compile(r"arn:aws:lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?")
_INVOKE_FIELDS: dict[str, Check] = {
    "FunctionName": text,
    "FunctionName.$": path_or_intrinsic,
    "Payload": template,
    "Payload.$": path_or_intrinsic,
    "InvocationType": one_of("RequestResponse"),
}


def is_known(arn: str) -> bool:
    return arn == LAMBDA_INVOKE or _FUNCTION_ARN.fullmatch(arn) is not None


def payload_fields(arn: str) -> dict[str, Check] | None:
    """None where all that Parameters say is the function's payload."""
    return _INVOKE_FIELDS if arn == LAMBDA_INVOKE else None
