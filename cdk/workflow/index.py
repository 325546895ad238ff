"""The second state machine: it makes the index of a run that has ended. Its failure does not change the run.

    Work -+- PlanIndex -> Map IndexRows (a group of rows each) -> Map DocumentRows (a larger group each; none in runs of
          |  up to a million rows) -> PublishRun -> Indexed, or IndexFailed
          +- Map FoldRows (a group of rows each) -> JoinFolds -> Summarized

It also summarizes long runs that were stopped, have timed out or have failed (`cdk.workflow.fold`).

The Map is inline: a group has 100,000 rows, so that a run of 100 million has 1,000 iterations of 7 events each, of the
25,000 events of a history.
"""

from aws_cdk import Aws, Stack
from aws_cdk.aws_stepfunctions import DefinitionBody, LogLevel, LogOptions, StateMachine, StateMachineType
from constructs import Construct

from cdk.resources.functions import Function
from cdk.resources.log_group import StackLogGroup
from cdk.settings import Settings
from cdk.workflow.fold import FIRST_STATE, MAX_CONCURRENCY, RETRY, fold_states
from cdk.workflow.states import State, invoke

TIMEOUT_SECONDS = 6 * 3600

PLAN_RETRY = [{"ErrorEquals": ["RunNotEndedError"], "MaxAttempts": 0}, *RETRY]
"""A run that is not known or has not ended is not waited for: SummarizeRun starts this after the end of the run."""

STEP_STATES = {"write_group": "WriteGroup", "write_documents": "WriteDocuments"}


def index_machine(function: str, partition: str) -> State:
    """The definition. `function` is the ARN of the version of IndexRun."""
    return {
        "Comment": "Makes the index of one run, or summarizes a long run that has no execution",
        "StartAt": "Work",
        "TimeoutSeconds": TIMEOUT_SECONDS,
        "States": {
            "Work": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.event", "IsPresent": True, "Next": FIRST_STATE}],
                "Default": "PlanIndex",
            },
            # not by its ARN: SummarizeRun has that of this state machine
            **fold_states("$.function", partition, next_state="Summarized"),
            "Summarized": {"Type": "Succeed"},
            **_index_states(function, partition),
        },
    }


def _index_states(function: str, partition: str) -> dict[str, State]:
    return {
        "PlanIndex": {
            **invoke(function, {"step": "plan", "run_id.$": "$.run_id"}, partition),
            "Retry": PLAN_RETRY,
            "Next": "IndexRows",
        },
        "IndexRows": {
            **_groups("write_group", "groups", "written", function, partition),
            # without the table there still are the documents
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "DocumentRows"}],
            "Next": "DocumentRows",
        },
        "DocumentRows": {
            **_groups("write_documents", "documents", "documented", function, partition),
            "Next": "PublishRun",
        },
        "PublishRun": _publish_run(function, partition),
        "IndexOutcome": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.failure", "IsNull": True, "Next": "Indexed"}],
            "Default": "IndexFailed",
        },
        "Indexed": {"Type": "Succeed"},
        "IndexFailed": {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"},
    }


def _publish_run(function: str, partition: str) -> State:
    fields = ("run_id", "written", "documents", "failure")
    payload = {"step": "publish", **{f"{name}.$": f"$.{name}" for name in fields}}
    return {**invoke(function, payload, partition), "Retry": RETRY, "Next": "IndexOutcome"}


def _groups(step: str, groups: str, result: str, function: str, partition: str) -> State:
    """A Map that runs a step for each of the groups in the field `groups`."""
    group = {"step": step, "run_id.$": "$.run_id", "group.$": "$.group"}
    return {
        "Type": "Map",
        "ItemsPath": f"$.{groups}",
        "MaxConcurrency": MAX_CONCURRENCY,
        "ItemSelector": {"run_id.$": "$.run_id", "group.$": "$$.Map.Item.Value"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": STEP_STATES[step],
            "States": {STEP_STATES[step]: {**invoke(function, group, partition), "Retry": RETRY, "End": True}},
        },
        "ResultPath": f"$.{result}",
    }


class IndexWorkflow(Construct):
    """The state machine, with its log group and X-Ray tracing."""

    def __init__(self, scope: Construct, id: str, *, function: Function, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        stack = Stack.of(self)
        log_group = StackLogGroup(
            self, "Log", settings=settings, name=f"/aws/vendedlogs/states/index/{stack.stack_name}"
        )
        definition = index_machine(function.version_arn(), Aws.PARTITION)
        self.state_machine = StateMachine(
            self,
            "StateMachine",
            definition_body=DefinitionBody.from_string(stack.to_json_string(definition)),
            state_machine_type=StateMachineType.STANDARD,
            tracing_enabled=True,
            logs=LogOptions(destination=log_group, level=LogLevel[settings.workflow_log_level]),
        )
