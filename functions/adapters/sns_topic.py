"""The SNS topic."""

import json
from threading import Thread
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from functions.adapters.errors import error_code
from functions.core.model.ports import NOTICE_SECONDS, Notification

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

MAX_BYTES = 256 * 1024
"""Maximum size of a message with its attributes, in bytes."""

MAX_ATTRIBUTE_BYTES = 1024
"""Bytes reserved for the subject and the attributes."""

MAX_SUBJECT = 99
"""Maximum length of a subject in characters: SNS allows fewer than 100."""

logger = Logger(child=True)


class SnsTopic:
    """Publishes notifications. A failure is logged and not raised: the report of the run has the same information."""

    def __init__(self, sns: "SNSClient", arn: str) -> None:
        self._sns = sns
        self._arn = arn

    def publish(self, notice: Notification, seconds: float = NOTICE_SECONDS) -> bool:
        """False if it could not be published within `seconds`.

        It is published in a thread: the timeouts of the client bound neither a name look-up nor a slow response.
        """
        errors: list[str | None] = []
        thread = Thread(target=lambda: errors.append(self._publish(notice)), name="notice", daemon=True)
        thread.start()
        thread.join(seconds)
        error = errors[0] if errors else "Timeout"
        if error is not None:
            logger.error("SNS publish failed", kind=notice.kind, error=error)
        return error is None

    def _publish(self, notice: Notification) -> str | None:
        """The code of the error, or None."""
        try:
            self._sns.publish(
                TopicArn=self._arn,
                Subject=_ascii(notice.subject),
                Message=_limited_json(dict(notice.body)),
                MessageAttributes={"type": {"DataType": "String", "StringValue": notice.kind}},
            )
        except Exception as error:  # also a bug here must not fail the batch
            return error_code(error)
        return None


def _limited_json(body: dict[str, object]) -> str:
    """JSON within SNS's limit. `failures` are removed until it fits, and `omitted` counts them."""
    text = json.dumps(body, ensure_ascii=False)
    while len(text.encode()) > MAX_BYTES - MAX_ATTRIBUTE_BYTES and (failures := body.get("failures")):
        assert isinstance(failures, list)
        half, omitted = len(failures) // 2, body.get("omitted", 0)
        assert isinstance(omitted, int)
        body |= {"failures": failures[:half], "omitted": omitted + len(failures) - half}
        text = json.dumps(body, ensure_ascii=False)
    return text


def _ascii(subject: str) -> str:
    """SNS allows printable ASCII in a subject."""
    printable = "".join(character if " " <= character <= "~" else "?" for character in subject)
    return printable[:MAX_SUBJECT]
