"""Invocations of functions by the state machine and by rules, and messages to queues."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from local.lambdas.asynchronous import Event
from local.lambdas.concurrency import ThrottledError
from local.lambdas.function import version_of
from local.lambdas.host import FunctionHost, FunctionNotFoundError, HostClosedError
from local.states import Invocation, InvocationRefusedError


class Invoker:
    """`client` makes the boto3 client of a service. `functions` is set before the first invocation."""

    functions: FunctionHost

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def invoke(self, name_or_arn: str, payload: Any) -> Invocation:
        """Invoke for a state machine. Raises InvocationRefusedError."""
        try:
            result = self.functions.invoke(name_or_arn, payload)
        except FunctionNotFoundError as error:
            raise InvocationRefusedError("Lambda.ResourceNotFoundException", str(error)) from error
        except ThrottledError as error:
            cause = f"{error} (Service: Lambda, Status Code: 429, Request ID: {uuid.uuid4()})"
            raise InvocationRefusedError("Lambda.TooManyRequestsException", cause) from error
        except HostClosedError as error:
            raise InvocationRefusedError("Lambda.ServiceException", "The local AWS is shutting down") from error
        return Invocation(result.payload, result.error, version_of(name_or_arn))

    def invoke_later(self, function_arn: str, event: Any) -> None:
        with suppress(HostClosedError):  # the executions end with the cloud: no caller waits for the result
            self.functions.invoke_later(function_arn, event)

    def on_failure(self, event: Event, condition: str) -> None:
        """Send an asynchronous invocation that failed to the queues of its function."""
        function = event.function
        if function.on_failure:
            record = event.record(self.functions.arn(function.name), condition)
            self.send(function.on_failure, json.dumps(record), {})
        if function.dead_letter:
            payload = event.result.payload if event.result else {}
            message = str(payload.get("errorMessage", "")) if isinstance(payload, dict) else ""
            attributes = {"RequestID": event.request_id, "ErrorCode": "200", "ErrorMessage": message or condition}
            self.send(function.dead_letter, json.dumps(event.payload), attributes)

    def send(self, queue_arn: str, body: str, attributes: Mapping[str, str]) -> None:
        """Send a message to a queue."""
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=queue_arn.rsplit(":", 1)[-1])["QueueUrl"]
        typed = {name: {"StringValue": text, "DataType": "String"} for name, text in attributes.items()}
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=typed)


def published_message(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """The message of an SNS envelope, parsed where it is JSON, without the fields that only SNS needs."""
    attributes = {name: value["Value"] for name, value in envelope.get("MessageAttributes", {}).items()}
    return {
        "type": attributes.get("type", ""),
        "subject": envelope.get("Subject", ""),
        "message": _parsed(envelope["Message"]),
        "attributes": attributes,
    }


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict | list) else text
