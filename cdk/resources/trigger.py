from aws_cdk.aws_events import EventPattern, Match, Rule
from aws_cdk.aws_events_targets import SfnStateMachine
from aws_cdk.aws_s3 import IBucket
from aws_cdk.aws_stepfunctions import IStateMachine
from constructs import Construct

from cdk.resources.dead_letter_queue import DeadLetters


class Trigger(Construct):
    """Starts a run for every object that appears under `manifests/`; its input is the whole event.

    CDK's target brings the role that may start this state machine, and the right of this rule to write to the queue.
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
        self.dead_letters = DeadLetters(self, "DeadLetters")
        self.rule = Rule(
            self,
            "ManifestUploaded",
            description="A manifest was uploaded",
            event_pattern=EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [bucket.bucket_name]},
                    # Consoles make an empty object for a folder.
                    "object": {"key": Match.prefix("manifests/"), "size": Match.greater_than(0)},
                },
            ),
            targets=[SfnStateMachine(state_machine, **self.dead_letters.of_a_target())],
        )
