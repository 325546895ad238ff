"""An asynchronous invocation that fails, with the queue and the retries of the template."""

import json
from collections.abc import Callable

from local.aws.cloud import Cloud
from local.limits import Limits


def test_a_run_that_cannot_be_summarized_reaches_the_queue_of_status_changes(cloud_with: Callable[..., Cloud]) -> None:
    cloud = cloud_with(Limits(async_retry_seconds=0))
    (config,) = cloud.stack.of_type("AWS::Lambda::EventInvokeConfig")
    queue_arn = config.properties["DestinationConfig"]["OnFailure"]["Destination"]

    cloud.client("lambda").invoke(
        FunctionName=config.properties["FunctionName"], InvocationType="Event", Payload=b'{"not": "an event"}'
    )
    cloud.settle()

    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    record = json.loads(message["Body"])
    assert record["requestPayload"] == {"not": "an event"}
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == config.properties["MaximumRetryAttempts"] + 1
