"""The SNS topic."""

import json
from typing import Any

from aws_lambda_powertools import Logger

from functions.adapters.errors import AWS_ERRORS, code_of
from functions.core.model.ports import Notification

MAX_BYTES = 256 * 1024
MAX_SUBJECT = 99

logger = Logger(child=True)


class SnsTopic:
    """Publishes and goes on: whoever cannot be told now finds the same in the run's report."""

    def __init__(self, sns: Any, arn: str) -> None:
        self._sns = sns
        self._arn = arn

    def publish(self, notice: Notification) -> bool:
        """False, and a log line, where it could not be published."""
        try:
            self._sns.publish(
                TopicArn=self._arn,
                Subject=_ascii(notice.subject),
                Message=_fitting(dict(notice.body)),
                MessageAttributes={"type": {"DataType": "String", "StringValue": notice.kind}},
            )
        except AWS_ERRORS as error:
            logger.error("The topic took no message", kind=notice.kind, error=code_of(error))
            return False
        return True


def _fitting(body: dict[str, Any]) -> str:
    """As JSON within SNS's limit; named failures make room, and `omitted` says how many."""
    text = json.dumps(body, ensure_ascii=False)
    while len(text.encode()) > MAX_BYTES - 1024 and body.get("failures"):
        kept = len(body["failures"]) // 2
        body["omitted"] = body.get("omitted", 0) + len(body["failures"]) - kept
        body["failures"] = body["failures"][:kept]
        text = json.dumps(body, ensure_ascii=False)
    return text


def _ascii(subject: str) -> str:
    """SNS takes ASCII without line ends, under 100 characters."""
    printable = "".join(character if " " <= character <= "~" else "?" for character in subject)
    return printable[:MAX_SUBJECT]
