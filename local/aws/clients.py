"""boto3 clients of the local AWS. They ignore the user's own AWS settings and proxies."""

from __future__ import annotations

import secrets
import string
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from local.aws.backend import REGION
from local.aws_settings import without_aws_settings

CONFIG = Config(proxies={}, max_pool_connections=64, retries={"mode": "standard"})

KEY_PREFIX = "LOCAL"
KEY_LENGTH = 20
"""Length of an access key ID of AWS."""

_session_lock = threading.Lock()  # threads may share clients, but not a session


@dataclass(frozen=True)
class Credentials:
    """The credentials of one cloud. The prefix keeps the access key ID from being taken for one of an AWS account."""

    access_key: str
    secret_key: str = field(repr=False)

    @classmethod
    def random(cls) -> Credentials:
        characters = string.ascii_uppercase + string.digits
        end = "".join(secrets.choice(characters) for _ in range(KEY_LENGTH - len(KEY_PREFIX)))
        return cls(KEY_PREFIX + end, secrets.token_urlsafe(30))


@cache
def _session() -> boto3.Session:
    """One session for the process: it caches the parsed service models, which take 0.1 s each."""
    return boto3.Session(region_name=REGION)


class Clients:
    """Creates the client of a service at its first use and shares it."""

    def __init__(self, endpoint: str, credentials: Credentials) -> None:
        self._settings = {
            "endpoint_url": endpoint,
            "config": CONFIG,
            "aws_access_key_id": credentials.access_key,
            "aws_secret_access_key": credentials.secret_key,
        }
        self._clients: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        """Any: the type of a client depends on the name of its service."""
        with _session_lock:
            if service not in self._clients:
                with without_aws_settings():
                    create: Any = _session().client
                    self._clients[service] = create(service, **self._settings)
            return self._clients[service]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
