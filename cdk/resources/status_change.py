from aws_cdk.aws_events import EventPattern, Rule
from aws_cdk.aws_events_targets import LambdaFunction
from aws_cdk.aws_lambda import CfnEventInvokeConfig
from aws_cdk.aws_stepfunctions import IStateMachine
from constructs import Construct

from cdk.resources.dead_letter_queue import DeadLetters
from cdk.resources.functions import Function


class StatusChange(Construct):
    """Tells SummarizeRun of executions that ended otherwise than by themselves, so that their books are done, too.

    It hears of every failed one, and finds in the record which of them it has summarized. Where it fails three times
    itself, that event, too, waits in `dead_letters`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        state_machine: IStateMachine,
        summarize_run: Function,
    ) -> None:
        super().__init__(scope, id)
        self.dead_letters = DeadLetters(self, "DeadLetters")
        self.rule = Rule(
            self,
            "RunEnded",
            description="A run failed, took too long, or was stopped",
            event_pattern=EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [state_machine.state_machine_arn],
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                },
            ),
            targets=[LambdaFunction(summarize_run.function, **self.dead_letters.of_a_target())],
        )
        # EventBridge has delivered once Lambda has taken the event; what the function then makes of it is Lambda's.
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
