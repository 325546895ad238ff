"""The state machine in the Amazon States Language (JSONPath), as plain data.

It is not built from CDK's state classes: those leave out or rewrite what they do not know (batch input,
readers, result writers), and grant on their own. What stands here is what is deployed.

State names are unique in the whole state machine, children included, as Step Functions demands.
"""

from typing import Any

from cdk.workflow.readers import READERS, Reader

State = dict[str, Any]

# Rows and batch input of one child. Step Functions takes 256 KiB; deferred rows come back with more on them.
BATCH_BYTES = 192 * 1024

EXECUTION = {
    "input.$": "$$.Execution.Input",
    "execution_arn.$": "$$.Execution.Id",
    "started_at.$": "$$.Execution.StartTime",
}
CHILD = {"execution_arn.$": "$$.Execution.Id", "started_at.$": "$$.Execution.StartTime"}
SUMMARIZE_ANYWAY = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "SummarizeRun"}]


def state_machine(*, functions: dict[str, str], timeout_seconds: int) -> State:
    """`functions` maps the names of the three functions to their ARNs."""
    return {
        "Comment": "Mirrors the images of one manifest",
        "StartAt": "PrepareRun",
        "TimeoutSeconds": timeout_seconds,
        "States": {
            "PrepareRun": _invoke(functions["prepare_run"], EXECUTION)
            | {
                "Retry": [
                    _never("InvalidManifest"),
                    _busy(seconds=2, attempts=6, at_most=60),
                    _any_error(seconds=5),
                ],
                "Catch": SUMMARIZE_ANYWAY,
                "Next": "Route",
            },
            "Route": {
                "Type": "Choice",
                "Choices": [
                    _equals("$.status", "repeated", "AlreadyMirrored"),
                    _equals("$.status", "empty", "SummarizeRun"),
                    *(_equals("$.reader", reader.name, f"Map {reader.title}") for reader in READERS),
                ],
                "Default": "UnknownReader",
            },
            **{f"Map {reader.title}": _map(reader, functions["download_batch"]) for reader in READERS},
            "SummarizeRun": _invoke(functions["summarize_run"], EXECUTION | {"failure.$": "$.failure"})
            | {"Retry": [_busy(seconds=2, attempts=6, at_most=60), _any_error(seconds=5)], "Next": "Outcome"},
            "Outcome": {
                "Type": "Choice",
                "Choices": [_equals("$.status", "succeeded", "RunSucceeded")],
                "Default": "RunFailed",
            },
            "AlreadyMirrored": {"Type": "Succeed"},
            "RunSucceeded": {"Type": "Succeed"},
            "RunFailed": {"Type": "Fail", "ErrorPath": "$.error", "CausePath": "$.cause"},
            "UnknownReader": {
                "Type": "Fail",
                "Error": "UnknownReader",
                "Cause": "PrepareRun named an item reader that this state machine does not have.",
            },
        },
    }


def _map(reader: Reader, download_batch: str) -> State:
    return {
        "Type": "Map",
        "Label": reader.name,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": reader.config,
            "Parameters": {"Bucket.$": "$.manifest.bucket", "Key.$": "$.manifest.key"},
        },
        "ItemSelector": {"row.$": reader.row, "item.$": "$$.Map.Item.Value"},
        "ItemBatcher": {
            "MaxItemsPerBatchPath": "$.batch_size",
            "MaxInputBytesPerBatch": BATCH_BYTES,
            "BatchInput": {"run.$": "$.run"},
        },
        "MaxConcurrencyPath": "$.max_concurrency",
        # A lost batch must not stop the rest: SummarizeRun finds it and counts its rows.
        "ToleratedFailurePercentage": 100,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            **_child(reader, download_batch),
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSON"},
            "Parameters": {"Bucket.$": "$.manifest.bucket", "Prefix.$": "$.map_prefix"},
        },
        "ResultPath": "$.map",
        "Catch": SUMMARIZE_ANYWAY,
        "Next": "SummarizeRun",
    }


def _child(reader: Reader, download_batch: str) -> State:
    """One batch: download, and while rows are deferred wait and download those.

    An Express execution ends after 5 minutes. Three runs of the function (90 s each) and every wait between
    them fit; the function, told when the execution started, defers rows only as long as time is left.
    """
    download, deferred, wait, done = (
        f"{name} {reader.title}" for name in ("DownloadBatch", "RowsDeferred", "WaitForHosts", "BatchDone")
    )
    return {
        "StartAt": download,
        "States": {
            download: _invoke(download_batch, {"batch.$": "$", **CHILD})
            | {"Retry": [_busy(seconds=1, attempts=4, at_most=8), _any_error(seconds=2)], "Next": deferred},
            deferred: {
                "Type": "Choice",
                "Choices": [{"Variable": "$.Items[0]", "IsPresent": True, "Next": wait}],
                "Default": done,
            },
            wait: {"Type": "Wait", "SecondsPath": "$.wait_seconds", "Next": download},
            done: {"Type": "Pass", "Parameters": {"counts.$": "$.counts"}, "End": True},
        },
    }


def _invoke(function: str, payload: State) -> State:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": payload},
        "OutputPath": "$.Payload",
    }


def _never(error: str) -> State:
    return {"ErrorEquals": [error], "MaxAttempts": 0}


def _busy(*, seconds: int, attempts: int, at_most: int) -> State:
    """Lambda throttles or stumbles: spread the retries, or every batch comes back at the same moment."""
    return {
        "ErrorEquals": [
            "Lambda.TooManyRequestsException",
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
        ],
        "IntervalSeconds": seconds,
        "MaxAttempts": attempts,
        "BackoffRate": 2,
        "MaxDelaySeconds": at_most,
        "JitterStrategy": "FULL",
    }


def _any_error(*, seconds: int) -> State:
    """A crash, a timeout (Sandbox.Timedout) or a system fault of ours: twice more, then it is final."""
    return {"ErrorEquals": ["States.ALL"], "IntervalSeconds": seconds, "MaxAttempts": 2, "BackoffRate": 1}


def _equals(variable: str, value: str, following: str) -> State:
    return {"Variable": variable, "StringEquals": value, "Next": following}
