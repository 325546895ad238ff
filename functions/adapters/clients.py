"""boto3 clients, made once an environment: a new one costs more than ten images."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

POOL = 64


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def credentials() -> Any:
    """Those that clients sign with; they renew themselves where they expire."""
    return _session().get_credentials()


@cache
def client(service: str) -> Any:
    """Standard retries with a few more attempts: S3's SlowDown and DynamoDB's throttling pass within seconds.

    Shapes are checked by AWS alone: checking them here, too, is half of what a write of 25 rows costs.
    """
    config = Config(
        max_pool_connections=POOL,
        retries={"mode": "standard", "total_max_attempts": 6},
        connect_timeout=3,
        read_timeout=20,
        tcp_keepalive=True,
        parameter_validation=False,
    )
    return _session().client(service, config=config)  # type: ignore[call-overload]
