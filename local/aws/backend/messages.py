"""The messages of SQS queues. The messages of a recorded queue are in the tables' file instead of in memory."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any

from moto.sns.models import sns_backends
from moto.sqs.models import Message, Queue, sqs_backends

from local.aws.backend.application import ACCOUNT, REGION
from local.aws.backend.tables.store import Store

MAX_SENT = 100
"""Maximum number of sent messages that moto keeps for each topic."""


class RecordedQueue(Queue):
    """moto's queue, whose messages go to the store. ReceiveMessage returns none of them."""

    store: Store

    def add_message(self, message: Message) -> None:
        self.store.add_message(self.name, message.body)


def record_messages(queue_name: str, store: Store) -> None:
    """Keep the messages of a queue in the tables' file from now on, together with those of an earlier process."""
    queue: Any = sqs_backends[ACCOUNT][REGION].get_queue(queue_name)
    for message in list(queue._messages):
        store.add_message(queue_name, message.body)
    queue._messages = []
    queue.store = store
    queue.__class__ = RecordedQueue
    topics: dict[str, Any] = sns_backends[ACCOUNT][REGION].topics
    for topic in topics.values():
        topic.sent_notifications = deque(topic.sent_notifications, maxlen=MAX_SENT)


def queue_messages(queue_name: str) -> list[dict[str, Any]]:
    """The JSON bodies of all messages of a queue, oldest first. The messages stay in the queue."""
    return [json.loads(body) for body in _bodies(sqs_backends[ACCOUNT][REGION].get_queue(queue_name))]


def _bodies(queue: Any) -> Iterator[str]:
    if isinstance(queue, RecordedQueue):
        return queue.store.messages(queue.name)
    return (message.body for message in list(queue._messages))
