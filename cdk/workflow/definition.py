"""The definition of the state machine in the Amazon States Language (JSONPath), as plain data.

It is not built from CDK's state classes, because they drop or rewrite fields that they do not know (batch input, item
readers, result writers) and add permissions of their own. The definition below is deployed as it is.

State names are unique in the whole state machine, child workflows included, as Step Functions requires.
"""

from cdk.workflow.fold import FIRST_STATE, fold_states
from cdk.workflow.ranges import FIRST_STATE as FIRST_RANGE_STATE
from cdk.workflow.ranges import INVALID_MANIFEST, range_states
from cdk.workflow.readers import PASS_READER, READERS, Reader
from cdk.workflow.states import State, integration, invoke, retry_all, retry_lambda_errors, when_equal

BATCH_BYTES = 192 * 1024
"""Maximum input of a batch in bytes. Step Functions allows 256 KiB, and deferred rows return with more fields."""

EXECUTION_TIME = {"execution_arn.$": "$$.Execution.Id", "started_at.$": "$$.Execution.StartTime"}
EXECUTION = {"input.$": "$$.Execution.Input", **EXECUTION_TIME}
CATCH_ALL = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "SummarizeRun"}]
"""Every failure before the summary leads to the summary, which records it."""


def state_machine(*, functions: dict[str, str], partition: str, timeout_seconds: int) -> State:
    """Build the definition. `functions` maps the module names of the four functions to the ARNs of their versions.

    `partition` is that of the Region: `aws`, `aws-cn` and others.
    """
    return {
        "Comment": "Mirrors the images of one manifest",
        "StartAt": "PrepareRun",
        "TimeoutSeconds": timeout_seconds,
        "States": {
            "PrepareRun": _prepare_run(functions["prepare_run"], partition),
            "Route": _route(),
            **range_states(
                functions["prepare_run"], partition, execution=EXECUTION, catch=CATCH_ALL, next_state="Route"
            ),
            **{_map_name(reader): _map(reader, functions["download_batch"], partition) for reader in READERS},
            **_passes(functions, partition),
            "SummarizeRun": _summarize_run(functions["summarize_run"], partition),
            **fold_states(functions["summarize_run"], partition, next_state="Outcome"),
            "Outcome": {
                "Type": "Choice",
                "Choices": [
                    when_equal("$.status", "succeeded", "RunSucceeded"),
                    when_equal("$.status", "folding", FIRST_STATE),
                ],
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


def _prepare_run(function: str, partition: str) -> State:
    return {
        **invoke(function, EXECUTION, partition),
        "Retry": [INVALID_MANIFEST, retry_lambda_errors(seconds=2, attempts=6, max_delay=60), retry_all(seconds=5)],
        "Catch": CATCH_ALL,
        "Next": "Route",
    }


def _route() -> State:
    return {
        "Type": "Choice",
        "Choices": [
            when_equal("$.status", "repeated", "AlreadyMirrored"),
            when_equal("$.status", "empty", "SummarizeRun"),
            when_equal("$.status", "checking", FIRST_RANGE_STATE),
            *(when_equal("$.reader", reader.name, _map_name(reader)) for reader in READERS),
        ],
        "Default": "UnknownReader",
    }


def _passes(functions: dict[str, str], partition: str) -> dict[str, State]:
    """The states of the passes: rows that wait are tried again, until none waits or PlanPass plans no further pass.

    Each pass adds about 15 events to the history of the execution, which is limited to 25,000: so `passes` is at most
    1,000.
    """
    return {
        "RowsMayWait": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.passes", "NumericGreaterThan": 0, "Next": "PlanPass"}],
            "Default": "SummarizeRun",
        },
        "PlanPass": {
            **invoke(functions["plan_pass"], {"state.$": "$", **EXECUTION_TIME}, partition),
            "Retry": [retry_lambda_errors(seconds=2, attempts=6, max_delay=60), retry_all(seconds=5)],
            "Catch": CATCH_ALL,
            "Next": "PassPlanned",
        },
        "PassPlanned": {
            "Type": "Choice",
            "Choices": [when_equal("$.planned_pass.status", "planned", "WaitForPass")],
            "Default": "SummarizeRun",
        },
        "WaitForPass": {"Type": "Wait", "SecondsPath": "$.planned_pass.wait_seconds", "Next": _map_name(PASS_READER)},
        _map_name(PASS_READER): {
            **_map(PASS_READER, functions["download_batch"], partition),
            "Next": "PlanPass",
        },
    }


def _map_name(reader: Reader) -> str:
    return f"Map {reader.title}"


def _map(reader: Reader, download_batch: str, partition: str) -> State:
    return {
        "Type": "Map",
        "Label": reader.name,
        "ItemReader": {
            "Resource": integration(partition, reader.action),
            "ReaderConfig": reader.config,
            "Parameters": reader.parameters,
        },
        # the items of a pass have their row numbers
        **({"ItemSelector": {"row.$": reader.row, "item.$": "$$.Map.Item.Value"}} if reader.row else {}),
        "ItemBatcher": {
            "MaxItemsPerBatchPath": "$.batch_size",
            "MaxInputBytesPerBatch": BATCH_BYTES,
            "BatchInput": {"run.$": "$.run", **reader.batch_input},
        },
        "MaxConcurrencyPath": "$.max_concurrency",
        # A failed batch must not stop the others: SummarizeRun detects it and counts its rows as failed.
        "ToleratedFailurePercentage": 100,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            **_item_processor(reader, download_batch, partition),
        },
        "ResultWriter": {
            "Resource": integration(partition, "s3:putObject"),
            "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSON"},
            "Parameters": {"Bucket.$": "$.manifest.bucket", "Prefix.$": "$.map_prefix"},
        },
        "ResultPath": "$.map",
        "Catch": CATCH_ALL,
        "Next": "RowsMayWait",
    }


def _item_processor(reader: Reader, download_batch: str, partition: str) -> State:
    """The child workflow of one batch: download it; while rows are deferred, wait and download those.

    An Express workflow is limited to 5 minutes. The function receives the start time of the execution, starts no
    download that cannot end in time, and defers rows only as long as there is time left for them. So the first round
    may wait for a free Lambda execution for half of the time, a later round for a few seconds.
    """
    download, again, deferred, wait, done = (
        f"{name} {reader.title}"
        for name in ("DownloadBatch", "DownloadDeferred", "RowsDeferred", "WaitForHosts", "BatchDone")
    )
    payload = {"batch.$": "$", "retries.$": "$$.State.RetryCount", **EXECUTION_TIME}
    task = {**invoke(download_batch, payload, partition), "Next": deferred}
    return {
        "StartAt": download,
        "States": {
            download: {**task, "Retry": [FIRST_ROUND_RETRY, retry_all(seconds=2)]},
            again: {**task, "Retry": [LATER_ROUND_RETRY, retry_all(seconds=2)]},
            deferred: {
                "Type": "Choice",
                "Choices": [{"Variable": "$.Items[0]", "IsPresent": True, "Next": wait}],
                "Default": done,
            },
            wait: {"Type": "Wait", "SecondsPath": "$.wait_seconds", "Next": again},
            done: {"Type": "Pass", "Parameters": {"counts.$": "$.counts"}, "End": True},
        },
    }


def _summarize_run(function: str, partition: str) -> State:
    return {
        **invoke(function, {**EXECUTION, "failure.$": "$.failure"}, partition),
        "Retry": [retry_lambda_errors(seconds=2, attempts=6, max_delay=60), retry_all(seconds=5)],
        "Next": "Outcome",
    }


FIRST_ROUND_RETRY = retry_lambda_errors(seconds=1, attempts=31, max_delay=5, jitter="NONE")
"""Waits 1, 2, 4, 5, 5, ... seconds, 147 in all (FIRST_ROUND_WAIT_SECONDS). With full jitter a batch would wait for half
of that on average, which is shorter than another batch may take (`bench.measures.scaling`)."""

LATER_ROUND_RETRY = retry_lambda_errors(seconds=1, attempts=4, max_delay=8)
"""Waits at most 15 seconds in all (LATER_ROUND_WAIT_SECONDS)."""
