"""The rule for runs that did not succeed."""

from collections.abc import Sequence

from aws_cdk.aws_events import EventPattern, Rule
from aws_cdk.aws_events_targets import LambdaFunction
from aws_cdk.aws_lambda import CfnEventInvokeConfig
from aws_cdk.aws_stepfunctions import IStateMachine
from constructs import Construct

from cdk.resources.dead_letter_queue import DeadLetterQueue
from cdk.resources.functions import Function


class StatusChange(Construct):
    """Invokes SummarizeRun for executions that failed, timed out or were stopped, to reconcile these runs too.

    Also for those of the second state machine, which folds long runs: SummarizeRun joins what they have folded, and
    ignores those that make an index. It finds in the record of a run whether the run is summarized already. If it fails
    three times, Lambda sends the event to `dead_letters`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        state_machines: Sequence[IStateMachine],
        summarize_run: Function,
    ) -> None:
        super().__init__(scope, id)
        self.dead_letters = DeadLetterQueue(self, "DeadLetters")
        self.rule = Rule(
            self,
            "RunEnded",
            description="A run failed, timed out or was stopped",
            event_pattern=EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [each.state_machine_arn for each in state_machines],
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                },
            ),
            targets=[LambdaFunction(summarize_run.function, **self.dead_letters.target_options())],
        )
        # For EventBridge an event is delivered when Lambda accepts it. Failures of the function are Lambda's to retry.
        CfnEventInvokeConfig(
            self,
            "WhenItFails",
            function_name=summarize_run.function.function_name,
            qualifier="$LATEST",
            maximum_retry_attempts=2,
            destination_config=CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=CfnEventInvokeConfig.OnFailureProperty(destination=self.dead_letters.queue_arn)
            ),
        )
