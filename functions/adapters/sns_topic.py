"""The SNS topic."""

import json
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from functions.adapters.errors import AWS_ERRORS, error_code
from functions.core.model.ports import Notification

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

    def publish(self, notice: Notification) -> bool:
        """False if it could not be published."""
        try:
            self._sns.publish(
                TopicArn=self._arn,
                Subject=_ascii(notice.subject),
                Message=_limited_json(dict(notice.body)),
                MessageAttributes={"type": {"DataType": "String", "StringValue": notice.kind}},
            )
        except AWS_ERRORS as error:
            logger.error("SNS publish failed", kind=notice.kind, error=error_code(error))
            return False
        return True


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
