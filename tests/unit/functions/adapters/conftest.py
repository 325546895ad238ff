"""Clients without a network: moto in this process, or stubs. And an S3 server on loopback."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from tests.support.signed_put import World, connected


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def moto() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def s3(moto: None) -> Any:
    """With the buckets `images` and `input`."""
    client = boto3.client("s3")
    for bucket in ("images", "input"):
        client.create_bucket(Bucket=bucket)
    return client


@pytest.fixture
def dynamodb(moto: None) -> Any:
    """With the tables `urls`, `runs` and `hosts`."""
    client = boto3.client("dynamodb")
    for table, key in (("urls", "url"), ("runs", "run_id"), ("hosts", "host")):
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    return client


@pytest.fixture
def stubbed(request: pytest.FixtureRequest) -> Iterator[Stubber]:
    """A stubbed client of the service in the parameter. It returns the configured responses in their order."""
    with Stubber(boto3.client(request.param)) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def world() -> Iterator[World]:
    with connected() as world:
        yield world
