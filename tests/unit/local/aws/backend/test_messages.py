"""The messages of a topic, collected by a queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.aws import backend


@pytest.fixture
def topic(client: Any) -> tuple[Any, str]:
    return client("sns"), subscribe(client)


def subscribe(client: Any) -> str:
    url = client("sqs").create_queue(QueueName="messages")["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = str(client("sns").create_topic(Name="news")["TopicArn"])
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic


def texts() -> list[str]:
    return [message["Message"] for message in backend.queue_messages("messages")]


def test_messages_are_there_after_a_restart(client: Any, topic: tuple[Any, str], file: Path) -> None:
    sns, arn = topic
    sns.publish(TopicArn=arn, Message="before the file is opened")
    backend.record_messages("messages", backend.open_tables(file, []))
    attributes = {"type": {"DataType": "String", "StringValue": "images_failed"}}
    sns.publish(TopicArn=arn, Subject="2 failed", Message="é", MessageAttributes=attributes)
    backend.close_tables()
    backend.reset()
    arn = subscribe(client)
    backend.record_messages("messages", backend.open_tables(file, []))
    sns.publish(TopicArn=arn, Message="after a restart")
    assert texts() == ["before the file is opened", "é", "after a restart"]
    message = backend.queue_messages("messages")[1]
    assert message["Subject"] == "2 failed"
    assert message["MessageAttributes"]["type"]["Value"] == "images_failed"


def test_moto_keeps_no_more_than_100_messages(client: Any, topic: tuple[Any, str], file: Path) -> None:
    sns, arn = topic
    backend.record_messages("messages", backend.open_tables(file, []))
    for number in range(120):
        sns.publish(TopicArn=arn, Message=str(number))
    assert texts() == [str(number) for number in range(120)]
    queue = client("sqs").get_queue_url(QueueName="messages")["QueueUrl"]
    assert "Messages" not in client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=0)
