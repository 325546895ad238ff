"""The dead-letter queue of an EventBridge rule."""

from typing import TypedDict

from aws_cdk import Duration
from aws_cdk.aws_sqs import IQueue, Queue, QueueEncryption
from constructs import Construct


class TargetOptions(TypedDict):
    """Retry options of an EventBridge target, as its CDK class takes them."""

    dead_letter_queue: IQueue
    max_event_age: Duration
    retry_attempts: int


class DeadLetterQueue(Queue):
    """The events that EventBridge could not deliver to a target within a day. SQS keeps them for 14 days."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002
        super().__init__(
            scope,
            id,
            encryption=QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )

    def target_options(self) -> TargetOptions:
        """EventBridge's maximum of retries, then this queue."""
        return {"dead_letter_queue": self, "max_event_age": Duration.hours(24), "retry_attempts": 185}
