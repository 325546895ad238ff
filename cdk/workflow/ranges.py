"""The states in which a large manifest is checked before its run: its ranges, many at a time, then the result of all.

    CheckRanges (CheckRange for each range) -> JoinRanges -> Route

All of them are PrepareRun. The Map is inline: a manifest has at most 400 ranges, with 7 events each of the 25,000 of a
history.
"""

from collections.abc import Mapping

from cdk.workflow.fold import MAX_CONCURRENCY, RETRY
from cdk.workflow.states import State, invoke

FIRST_STATE = "CheckRanges"

INVALID_MANIFEST = {"ErrorEquals": ["InvalidManifest"], "MaxAttempts": 0}

CHECK_RETRY = [INVALID_MANIFEST, *RETRY]


def range_states(
    function: str, partition: str, *, execution: Mapping[str, str], catch: list[State], next_state: str
) -> dict[str, State]:
    """`function` is the ARN of the version of PrepareRun, `execution` what it receives of the execution."""
    check = invoke(function, {"step": "check", "range.$": "$.range", **execution}, partition)
    join = invoke(function, {"step": "join", **execution}, partition)
    return {
        FIRST_STATE: {**_map({**check, "Retry": CHECK_RETRY, "End": True}), "Catch": catch, "Next": "JoinRanges"},
        "JoinRanges": {**join, "Retry": CHECK_RETRY, "Catch": catch, "Next": next_state},
    }


def _map(check_range: State) -> State:
    return {
        "Type": "Map",
        "ItemsPath": "$.ranges",
        "MaxConcurrency": MAX_CONCURRENCY,
        "ItemSelector": {"range.$": "$$.Map.Item.Value"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "CheckRange",
            "States": {"CheckRange": check_range},
        },
        "ResultPath": "$.checked",
    }
