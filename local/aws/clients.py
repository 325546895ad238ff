"""boto3 clients of the local AWS. They ignore the user's own AWS settings and proxies."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from local.aws.backend import REGION
from local.aws_settings import without_aws_settings

KEY = "local"
"""Access key ID and secret. Every key is accepted; this one cannot be confused with a real one."""

CONFIG = Config(proxies={}, max_pool_connections=64, retries={"mode": "standard"})

_session_lock = threading.Lock()  # threads may share clients, but not a session


@cache
def _session() -> boto3.Session:
    """One session for the process: it caches the parsed service models, which take 0.1 s each."""
    return boto3.Session(KEY, KEY, region_name=REGION)


class Clients:
    """Creates the client of a service at its first use and shares it."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._clients: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        """Any: the type of a client depends on the name of its service."""
        with _session_lock:
            if service not in self._clients:
                with without_aws_settings():
                    create: Any = _session().client
                    self._clients[service] = create(service, endpoint_url=self._endpoint, config=CONFIG)
            return self._clients[service]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
