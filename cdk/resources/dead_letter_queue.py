from typing import Any

from aws_cdk import Duration
from aws_cdk.aws_sqs import Queue, QueueEncryption
from constructs import Construct


class DeadLetters(Queue):
    """Events that a rule could not deliver within a day: they wait two weeks for whoever the alarm wakes up."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002
        super().__init__(
            scope,
            id,
            encryption=QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )

    def of_a_target(self) -> dict[str, Any]:
        """For any target of EventBridge: as often as it tries, and then here."""
        return {"dead_letter_queue": self, "max_event_age": Duration.hours(24), "retry_attempts": 185}
