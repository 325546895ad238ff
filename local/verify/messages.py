"""The messages of the topic, received by a temporary queue."""

import json
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from local.verify.created import Created
from local.verify.lines import CheckFailedError, NotCheckedError, is_denied, sentence
from local.verify.runs import Run, Waiting
from local.verify.stack import DeployedStack

END_TYPE = "run_completed"
FAILURES_TYPE = "images_failed"
WAIT_SECONDS = 1
HIDDEN_SECONDS = 3600
"""A message that was received is not received again: the queue is deleted before."""


class Messages:
    """Subscribes the queue before the first run."""

    def __init__(self, stack: DeployedStack, created: Created) -> None:
        self._stack = stack
        self._created = created
        self._sqs = stack.clients("sqs")
        self._problem = ""
        self._received: set[tuple[str, str]] = set()
        """Types of messages and the IDs of their runs."""

    def subscribe(self) -> None:
        """Where the caller may not, the check says so later."""
        topic = self._stack.outputs["TopicArn"]
        _, partition, _, region, account, _ = topic.split(":", 5)
        name = f"image-mirror-{self._created.name}"
        arn = f"arn:{partition}:sqs:{region}:{account}:{name}"
        attributes = {"VisibilityTimeout": str(HIDDEN_SECONDS), "Policy": json.dumps(_policy(arn, topic))}
        try:
            self._created.queue_url = self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
            subscription = self._stack.clients("sns").subscribe(
                TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
            )
            self._created.subscription_arn = subscription["SubscriptionArn"]
        except ClientError as error:
            if not is_denied(error):
                raise
            self._problem = sentence(error)

    def check(self, waiting: Waiting, runs: Sequence[Run]) -> str:
        """Raises CheckFailedError, NotCheckedError, ClientError."""
        if self._problem:
            raise NotCheckedError(self._problem)
        if not runs:
            raise NotCheckedError("No run has ended.")
        expected = {(END_TYPE, run.run_id): run for run in runs}
        expected |= {(FAILURES_TYPE, run.run_id): run for run in runs if run.summary["failed"]}
        for _ in waiting.polls():
            self._receive()
            missing = [key for key in expected if key not in self._received]
            if not missing:
                return f"{len(expected)} messages: {END_TYPE} of each run, {FAILURES_TYPE} of those with failures."
        kind = missing[0][0]
        raise CheckFailedError(
            f"{len(missing)} of {len(expected)} messages have not arrived; the first is {kind} of"
            f" {expected[missing[0]].run_id}. Search the log group of its function for 'SNS publish failed'."
        )

    def _receive(self) -> None:
        """Until the queue is empty."""
        while found := self._sqs.receive_message(
            QueueUrl=self._created.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT_SECONDS
        ).get("Messages"):
            for message in found:
                self._add(json.loads(message["Body"]))

    def _add(self, envelope: dict[str, Any]) -> None:
        """Any: what SNS wraps around a message."""
        kind = envelope.get("MessageAttributes", {}).get("type", {}).get("Value", "")
        try:
            self._received.add((kind, json.loads(envelope["Message"])["run_id"]))
        except (ValueError, KeyError, TypeError):
            return  # an alarm


def _policy(queue: str, topic: str) -> dict[str, object]:
    """The topic may send to the queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
