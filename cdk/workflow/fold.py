"""The states in which a long run is summarized: its rows in groups, many at a time, then what is known about all.

    FoldRows (FoldGroup for each group of rows) -> JoinFolds

The state machine of the runs has them for a run that has ended by itself, the second state machine for one that was
stopped, has timed out or has failed, and so has no execution. The Map is inline: a run has at most 400 groups, with 7
events each of the 25,000 of a history.
"""

from cdk.workflow.states import State, invoke, retry_all, retry_lambda_errors

MAX_CONCURRENCY = 10
"""Groups at a time: their invocations take from the concurrent Lambda executions that the batches leave free."""

RETRY = [retry_lambda_errors(seconds=2, attempts=12, max_delay=60), retry_all(seconds=5)]

FIRST_STATE = "FoldRows"


def fold_states(function: str, partition: str, *, next_state: str) -> dict[str, State]:
    """`function` is the ARN of the version of SummarizeRun, or a path to it in the plan, which is the input."""
    return {
        FIRST_STATE: _fold_rows(function, partition),
        "JoinFolds": {
            **invoke(function, {"step": "join", "plan.$": "$"}, partition),
            "Retry": RETRY,
            "Next": next_state,
        },
    }


def _fold_rows(function: str, partition: str) -> State:
    return {
        "Type": "Map",
        "ItemsPath": "$.groups",
        "MaxConcurrency": MAX_CONCURRENCY,
        "ItemSelector": {"plan.$": "$", "group.$": "$$.Map.Item.Value"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "FoldGroup",
            "States": {
                "FoldGroup": _fold_group(function.replace("$.", "$.plan.", 1), partition),
                "GroupNotFolded": {"Type": "Pass", "Parameters": {}, "End": True},
            },
        },
        "ResultPath": "$.folded",
        "Next": "JoinFolds",
    }


def _fold_group(function: str, partition: str) -> State:
    """A group that cannot be folded is left to JoinFolds: it folds it again, and fails if that fails."""
    return {
        **invoke(function, {"step": "fold", "plan.$": "$.plan", "group.$": "$.group"}, partition),
        "Retry": RETRY,
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "GroupNotFolded"}],
        "End": True,
    }
