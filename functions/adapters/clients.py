"""boto3 clients, made once an environment: a new one costs more than ten images."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

POOL = 64


@cache
def client(service: str) -> Any:
    """Standard retries with a few more attempts: S3's SlowDown and DynamoDB's throttling pass within seconds."""
    config = Config(
        max_pool_connections=POOL,
        retries={"mode": "standard", "total_max_attempts": 6},
        connect_timeout=3,
        read_timeout=20,
        tcp_keepalive=True,
    )
    return boto3.client(service, config=config)  # type: ignore[call-overload]
