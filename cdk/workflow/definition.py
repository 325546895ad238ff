"""The definition of the state machine in the Amazon States Language (JSONPath), as plain data.

It is not built from CDK's state classes, because they drop or rewrite fields that they do not know (batch input, item
readers, result writers) and add permissions of their own. The definition below is deployed as it is.

State names are unique in the whole state machine, child workflows included, as Step Functions requires.
"""

from typing import Any

from cdk.workflow.readers import READERS, Reader

# A state's fields depend on its type, and it is read by Step Functions only: Amazon States Language has no types here.
State = dict[str, Any]

BATCH_BYTES = 192 * 1024
"""Maximum input of a batch in bytes. Step Functions allows 256 KiB, and deferred rows return with more fields."""

CHILD_EXECUTION = {"execution_arn.$": "$$.Execution.Id", "started_at.$": "$$.Execution.StartTime"}
EXECUTION = {"input.$": "$$.Execution.Input", **CHILD_EXECUTION}
CATCH_ALL = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "SummarizeRun"}]
"""Every failure before the summary leads to the summary, which records it."""


def state_machine(*, functions: dict[str, str], timeout_seconds: int) -> State:
    """Build the definition. `functions` maps the module names of the three functions to their ARNs."""
    return {
        "Comment": "Mirrors the images of one manifest",
        "StartAt": "PrepareRun",
        "TimeoutSeconds": timeout_seconds,
        "States": {
            "PrepareRun": _prepare_run(functions["prepare_run"]),
            "Route": _route(),
            **{_map_name(reader): _map(reader, functions["download_batch"]) for reader in READERS},
            "SummarizeRun": _summarize_run(functions["summarize_run"]),
            "Outcome": {
                "Type": "Choice",
                "Choices": [_when_equal("$.status", "succeeded", "RunSucceeded")],
                "Default": "RunFailed",
            },
            "AlreadyMirrored": {"Type": "Succeed"},
            "RunSucceeded": {"Type": "Succeed"},
            "RunFailed": {"Type": "Fail", "ErrorPath": "$.error", "CausePath": "$.cause"},
            "UnknownReader": {
                "Type": "Fail",
                "Error": "UnknownReader",
                "Cause": "PrepareRun returned a reader that this state machine does not have. Deploy the stack again.",
            },
        },
    }


def _prepare_run(function: str) -> State:
    invalid_manifest = {"ErrorEquals": ["InvalidManifest"], "MaxAttempts": 0}
    return {
        **_invoke(function, EXECUTION),
        "Retry": [invalid_manifest, _retry_lambda_errors(seconds=2, attempts=6, max_delay=60), _retry_all(seconds=5)],
        "Catch": CATCH_ALL,
        "Next": "Route",
    }


def _route() -> State:
    return {
        "Type": "Choice",
        "Choices": [
            _when_equal("$.status", "repeated", "AlreadyMirrored"),
            _when_equal("$.status", "empty", "SummarizeRun"),
            *(_when_equal("$.reader", reader.name, _map_name(reader)) for reader in READERS),
        ],
        "Default": "UnknownReader",
    }


def _map_name(reader: Reader) -> str:
    return f"Map {reader.title}"


def _map(reader: Reader, download_batch: str) -> State:
    return {
        "Type": "Map",
        "Label": reader.name,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": reader.config,
            "Parameters": {
                "Bucket.$": "$.manifest.bucket",
                "Key.$": "$.manifest.key",
                "VersionId.$": "$.manifest.version_id",
            },
        },
        "ItemSelector": {"row.$": reader.row, "item.$": "$$.Map.Item.Value"},
        "ItemBatcher": {
            "MaxItemsPerBatchPath": "$.batch_size",
            "MaxInputBytesPerBatch": BATCH_BYTES,
            "BatchInput": {"run.$": "$.run"},
        },
        "MaxConcurrencyPath": "$.max_concurrency",
        # A failed batch must not stop the others: SummarizeRun detects it and counts its rows as failed.
        "ToleratedFailurePercentage": 100,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            **_item_processor(reader, download_batch),
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSON"},
            "Parameters": {"Bucket.$": "$.manifest.bucket", "Prefix.$": "$.map_prefix"},
        },
        "ResultPath": "$.map",
        "Catch": CATCH_ALL,
        "Next": "SummarizeRun",
    }


def _item_processor(reader: Reader, download_batch: str) -> State:
    """The child workflow of one batch: download it; while rows are deferred, wait and download those.

    An Express workflow is limited to 5 minutes. Three invocations of 90 s with the waits of their retries fit. The
    function receives the start time of the execution, and defers rows only as long as there is time left for them.
    """
    download, deferred, wait, done = (
        f"{name} {reader.title}" for name in ("DownloadBatch", "RowsDeferred", "WaitForHosts", "BatchDone")
    )
    return {
        "StartAt": download,
        "States": {
            download: {
                **_invoke(download_batch, {"batch.$": "$", **CHILD_EXECUTION}),
                "Retry": [_retry_lambda_errors(seconds=1, attempts=4, max_delay=8), _retry_all(seconds=2)],
                "Next": deferred,
            },
            deferred: {
                "Type": "Choice",
                "Choices": [{"Variable": "$.Items[0]", "IsPresent": True, "Next": wait}],
                "Default": done,
            },
            wait: {"Type": "Wait", "SecondsPath": "$.wait_seconds", "Next": download},
            done: {"Type": "Pass", "Parameters": {"counts.$": "$.counts"}, "End": True},
        },
    }


def _summarize_run(function: str) -> State:
    return {
        **_invoke(function, {**EXECUTION, "failure.$": "$.failure"}),
        "Retry": [_retry_lambda_errors(seconds=2, attempts=6, max_delay=60), _retry_all(seconds=5)],
        "Next": "Outcome",
    }


def _invoke(function: str, payload: State) -> State:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": payload},
        "OutputPath": "$.Payload",
    }


def _retry_lambda_errors(*, seconds: int, attempts: int, max_delay: int) -> State:
    """Retry when Lambda throttles or fails itself. Full jitter, because many batches are throttled at once."""
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
        "MaxDelaySeconds": max_delay,
        "JitterStrategy": "FULL",
    }


def _retry_all(*, seconds: int) -> State:
    """Retry a crash, a timeout (Sandbox.Timedout) or an InfrastructureError of the function twice."""
    return {"ErrorEquals": ["States.ALL"], "IntervalSeconds": seconds, "MaxAttempts": 2, "BackoffRate": 1}


def _when_equal(variable: str, value: str, next_state: str) -> State:
    return {"Variable": variable, "StringEquals": value, "Next": next_state}
