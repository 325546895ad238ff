"""The construct of the state machine."""

from collections.abc import Mapping

from aws_cdk import Aws, Duration, Stack
from aws_cdk.aws_stepfunctions import DefinitionBody, LogLevel, LogOptions, StateMachine, StateMachineType
from constructs import Construct

from cdk.resources.functions import Function
from cdk.resources.log_group import StackLogGroup
from cdk.settings import Settings
from cdk.workflow.definition import state_machine


def run_timeout_seconds(settings: Settings) -> int:
    """The time limit of a run, all its passes included."""
    return int(Duration.days(settings.run_timeout_days).to_seconds())


class Workflow(Construct):
    """The state machine of `cdk.workflow.definition`, with its log group and X-Ray tracing."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        functions: Mapping[str, Function],
        settings: Settings,
    ) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        definition = state_machine(
            functions={module: each.version_arn() for module, each in functions.items()},
            partition=Aws.PARTITION,
            timeout_seconds=run_timeout_seconds(settings),
        )
        # One entry for /aws/vendedlogs/* in the CloudWatch Logs resource policy covers all state machines. With another
        # name each state machine adds an entry, and the policy is limited to 5,120 characters.
        self.log_group = StackLogGroup(
            self, "Log", settings=settings, name=f"/aws/vendedlogs/states/{stack.stack_name}"
        )
        self.state_machine = StateMachine(
            self,
            "StateMachine",
            definition_body=DefinitionBody.from_string(stack.to_json_string(definition)),
            state_machine_type=StateMachineType.STANDARD,
            tracing_enabled=True,
            logs=LogOptions(destination=self.log_group, level=LogLevel[settings.workflow_log_level]),
        )

    def execution_arns(self) -> str:
        """The pattern of the ARNs of its executions."""
        return self._arns("execution", "")

    def map_execution_arns(self) -> str:
        """The pattern of the ARNs of child executions. Their name contains the label of the Map state."""
        return self._arns("execution", "/*")

    def map_run_arns(self) -> str:
        """The pattern of the ARNs of its Map Runs."""
        return self._arns("mapRun", "/*")

    def _arns(self, resource_type: str, label: str) -> str:
        prefix = f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource_type}"
        return f"{prefix}:{self.state_machine.state_machine_name}{label}:*"
