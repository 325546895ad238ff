"""The rule that starts runs."""

from aws_cdk.aws_events import EventPattern, Match, Rule
from aws_cdk.aws_events_targets import SfnStateMachine
from aws_cdk.aws_s3 import IBucket
from aws_cdk.aws_stepfunctions import IStateMachine
from constructs import Construct

from cdk.resources.dead_letter_queue import DeadLetterQueue


class Trigger(Construct):
    """Starts an execution for every object that is created under `manifests/`, with the whole event as its input.

    CDK's target adds the role that may start the state machine, and the permission of the rule to write to the queue.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        bucket: IBucket,
        state_machine: IStateMachine,
    ) -> None:
        super().__init__(scope, id)
        self.dead_letters = DeadLetterQueue(self, "DeadLetters")
        self.rule = Rule(
            self,
            "ManifestUploaded",
            description="A manifest was uploaded",
            event_pattern=EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [bucket.bucket_name]},
                    # The S3 console creates an empty object for a folder.
                    "object": {"key": Match.prefix("manifests/"), "size": Match.greater_than(0)},
                },
            ),
            targets=[SfnStateMachine(state_machine, **self.dead_letters.target_options())],
        )
