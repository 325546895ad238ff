"""moto behind a real endpoint, with tables in memory and tables in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.aws import backend
from local.aws.http.router import Router
from local.aws.http.server import Server

KEYS = {"hash": ("url",), "sorted": ("host", "kind"), "numbered": ("host", "n")}
"""Attributes of the keys of the tables' shapes."""


def create(dynamodb: Any, name: str, keys: tuple[str, ...]) -> None:
    kinds = [{"AttributeName": key, "AttributeType": "N" if key == "n" else "S"} for key in (*keys, "group", "started")]
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=kinds,
        KeySchema=_schema(*keys),
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {"IndexName": "newest", "KeySchema": _schema("group", "started"), "Projection": {"ProjectionType": "ALL"}}
        ],
    )


def _schema(*keys: str) -> list[dict[str, str]]:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]


@pytest.fixture
def client() -> Iterator[Any]:
    """Makes the boto3 client of a service."""
    backend.reset()
    server = Server()
    server.start(Router(backend.BatchRoute(), fallback=backend.application()))
    clients: list[Any] = []

    def make(service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1})
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        clients.append(boto3.client(service, "us-east-1", endpoint_url=server.endpoint, config=config, **keys))
        return clients[-1]

    yield make
    for made in clients:
        made.close()
    server.stop()
    backend.close_tables()
    backend.reset()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tables" / "items.sqlite"


@pytest.fixture
def dynamodb(client: Any, file: Path) -> Any:
    """Has a table `plain-SHAPE` in memory and a table `durable-SHAPE` in the file for each shape of key."""
    made = client("dynamodb")
    for shape, keys in KEYS.items():
        create(made, f"plain-{shape}", keys)
        create(made, f"durable-{shape}", keys)
    backend.open_tables(file, [f"durable-{shape}" for shape in KEYS])
    return made
