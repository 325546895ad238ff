from collections.abc import Mapping

from aws_cdk import Aws, Duration, Stack
from aws_cdk.aws_stepfunctions import DefinitionBody, LogLevel, LogOptions, StateMachine, StateMachineType
from constructs import Construct

from cdk.resources.functions import Function
from cdk.resources.log_group import Log
from cdk.settings import Settings
from cdk.workflow.definition import state_machine


class Workflow(Construct):
    """The state machine of `cdk/workflow/definition.py`, with its log and traces."""

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
            functions={module: each.function.function_arn for module, each in functions.items()},
            timeout_seconds=int(Duration.days(settings.run_timeout_days).to_seconds()),
        )
        # Below /aws/vendedlogs/ one entry lets all state machines deliver; under any other name each adds its
        # own to a resource policy of the account, which is full at 5,120 characters.
        self.log_group = Log(self, "Log", settings=settings, name=f"/aws/vendedlogs/states/{stack.stack_name}")
        self.state_machine = StateMachine(
            self,
            "StateMachine",
            definition_body=DefinitionBody.from_string(stack.to_json_string(definition)),
            state_machine_type=StateMachineType.STANDARD,
            tracing_enabled=True,
            logs=LogOptions(destination=self.log_group, level=LogLevel[settings.workflow_log_level]),
        )

    def executions(self) -> str:
        """The ARNs of its executions."""
        return self._arns("execution", "")

    def map_executions(self) -> str:
        """The ARNs of the executions inside its Map Runs, whose name has the label of the Map state in it."""
        return self._arns("execution", "/*")

    def map_runs(self) -> str:
        """The ARNs of its Map Runs."""
        return self._arns("mapRun", "/*")

    def _arns(self, kind: str, label: str) -> str:
        place = f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:{kind}"
        return f"{place}:{self.state_machine.state_machine_name}{label}:*"
