"""The second state machine: it makes the index of a run that has ended. Its failure does not change the run.

    PlanIndex -> Map IndexRows (a group of rows each) -> PublishRun -> Indexed, or IndexFailed

The Map is inline: a group has 100,000 rows, so that a run of 100 million has 1,000 iterations of 7 events each, of the
25,000 events of a history.
"""

from aws_cdk import Aws, Stack
from aws_cdk.aws_stepfunctions import DefinitionBody, LogLevel, LogOptions, StateMachine, StateMachineType
from constructs import Construct

from cdk.resources.functions import Function
from cdk.resources.log_group import StackLogGroup
from cdk.settings import Settings
from cdk.workflow.states import State, invoke, retry_all, retry_lambda_errors

TIMEOUT_SECONDS = 6 * 3600

MAX_CONCURRENCY = 10
"""Groups at a time: their invocations take from the concurrent Lambda executions that the batches leave free."""

RETRY = [retry_lambda_errors(seconds=2, attempts=12, max_delay=60), retry_all(seconds=5)]


def index_machine(function: str, partition: str) -> State:
    """The definition. `function` is the ARN of the version of IndexRun."""
    return {
        "Comment": "Makes the index of one run",
        "StartAt": "PlanIndex",
        "TimeoutSeconds": TIMEOUT_SECONDS,
        "States": {
            "PlanIndex": {
                **invoke(function, {"step": "plan", "run_id.$": "$.run_id"}, partition),
                "Retry": RETRY,
                "Next": "IndexRows",
            },
            "IndexRows": _index_rows(function, partition),
            "PublishRun": {
                **invoke(
                    function,
                    {
                        "step": "publish",
                        "run_id.$": "$.run_id",
                        "written.$": "$.written",
                        "failure.$": "$.failure",
                    },
                    partition,
                ),
                "Retry": RETRY,
                "Next": "IndexOutcome",
            },
            "IndexOutcome": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.failure", "IsNull": True, "Next": "Indexed"}],
                "Default": "IndexFailed",
            },
            "Indexed": {"Type": "Succeed"},
            "IndexFailed": {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"},
        },
    }


def _index_rows(function: str, partition: str) -> State:
    """Without the table there still are the documents, which PublishRun writes."""
    group = {"step": "write_group", "run_id.$": "$.run_id", "group.$": "$.group"}
    return {
        "Type": "Map",
        "ItemsPath": "$.groups",
        "MaxConcurrency": MAX_CONCURRENCY,
        "ItemSelector": {"run_id.$": "$.run_id", "group.$": "$$.Map.Item.Value"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "WriteGroup",
            "States": {
                "WriteGroup": {**invoke(function, group, partition), "Retry": RETRY, "End": True},
            },
        },
        "ResultPath": "$.written",
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "PublishRun"}],
        "Next": "PublishRun",
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
