"""The SNS topic."""

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import ANY, Stubber
from hypothesis import example, given
from hypothesis import strategies as st

from functions.adapters import sns_topic
from functions.adapters.sns_topic import MAX_BYTES, MAX_SUBJECT, SnsTopic
from functions.core.model.ports import Notification
from tests.support.servers import Behaviour, Server, holding, silent

sns_stub = pytest.mark.parametrize("stubbed", ["sns"], indirect=True)


class FakeSns:
    """Checks the limits that SNS checks."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        subject = message["Subject"]
        assert subject.isascii()
        assert subject.isprintable()
        assert 0 < len(subject) < 100
        attributes = sum(len(json.dumps(part)) for part in message["MessageAttributes"].items())
        assert 0 < len(message["Message"].encode()) + len(subject) + attributes <= MAX_BYTES
        self.sent.append(message)

    @property
    def body(self) -> Any:
        return json.loads(self.sent[-1]["Message"])


def published(notice: Notification) -> FakeSns:
    sns = FakeSns()
    assert SnsTopic(sns, "arn:topic").publish(notice)
    return sns


def test_a_notice_is_a_message_whose_kind_subscriptions_can_filter_by() -> None:
    sns = published(Notification("run_completed", "Done", {"run_id": "r1", "manifest": "\u00e9.csv"}))

    assert sns.sent == [
        {
            "TopicArn": "arn:topic",
            "Subject": "Done",
            "Message": '{"run_id": "r1", "manifest": "\u00e9.csv"}',
            "MessageAttributes": {"type": {"DataType": "String", "StringValue": "run_completed"}},
        }
    ]


def test_moto_accepts_a_message(moto: None) -> None:
    sns = boto3.client("sns")
    arn = sns.create_topic(Name="topic")["TopicArn"]

    assert SnsTopic(sns, arn).publish(Notification("images_failed", "x", {"failed": 1}))


def test_a_message_that_is_too_large_omits_failures_and_counts_them() -> None:
    failures = [{"row": row, "url": "http://a.example/" + "\u00e9" * 2_000} for row in range(100)]

    body = published(Notification("images_failed", "x", {"failed": 105, "failures": failures, "omitted": 5})).body

    assert body["failures"] == failures[: len(body["failures"])]
    assert 0 < len(body["failures"]) < 100
    assert body["omitted"] == 105 - len(body["failures"])


def test_a_notice_is_not_changed_by_being_published() -> None:
    failures = [{"url": "x" * 10_000}] * 100
    notice = Notification("images_failed", "x", {"failures": failures, "omitted": 0})

    published(notice)

    assert notice.body == {"failures": failures, "omitted": 0}
    assert len(failures) == 100


@given(sizes=st.lists(st.integers(0, 300_000), max_size=6), letter=st.sampled_from(["x", "\u00e9", '"', "\U0001f600"]))
@example(sizes=[MAX_BYTES + 300], letter="x")
@example(sizes=[MAX_BYTES - 300], letter="x")
def test_whatever_failed_the_message_fits_and_counts_every_failure(sizes: list[int], letter: str) -> None:
    failures = [{"url": letter * size} for size in sizes]

    body = published(Notification("images_failed", "x", {"failures": failures})).body

    assert len(body["failures"]) + body.get("omitted", 0) == len(failures)


@given(subject=st.text(min_size=1, max_size=150))
def test_any_subject_becomes_one_that_sns_allows(subject: str) -> None:
    sent = published(Notification("k", subject, {"x": 1})).sent[0]["Subject"]

    assert len(sent) == min(len(subject), MAX_SUBJECT)


@sns_stub
@pytest.mark.parametrize("code", ["Throttling", "AuthorizationError", "NotFound"])
def test_a_failed_publish_is_logged_and_returns_false(
    stubbed: Stubber, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {"TopicArn": "arn:topic", "Subject": "x", "Message": ANY, "MessageAttributes": ANY}
    stubbed.add_client_error("publish", code, expected_params=expected)

    logged: list[Any] = []
    monkeypatch.setattr(sns_topic.logger, "error", lambda message, **fields: logged.append((message, fields)))

    assert not SnsTopic(stubbed.client, "arn:topic").publish(Notification("k", "x", {"x": 1}))
    assert logged == [("SNS publish failed", {"kind": "k", "error": code})]


@pytest.mark.parametrize("behaviour", [silent, holding(b"HTTP/1.1 200 OK\r\n")], ids=["silent", "within the head"])
def test_an_sns_that_does_not_respond_ends_publishing_in_time(
    behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[Any] = []
    monkeypatch.setattr(sns_topic.logger, "error", lambda message, **fields: logged.append(fields))
    patient = Config(connect_timeout=20, read_timeout=20, retries={"total_max_attempts": 6})
    with Server({"/": behaviour}) as server:
        sns = boto3.client("sns", endpoint_url=server.url("/"), config=patient)
        assert not SnsTopic(sns, "arn:topic").publish(Notification("k", "x", {"x": 1}), seconds=0.3)
        assert server.hits["/"] == 1
    assert logged == [{"kind": "k", "error": "Timeout"}]
