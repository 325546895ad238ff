"""boto3 clients of the embedded AWS, deaf to this machine's own AWS settings and proxies."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from local.aws.backend import REGION

KEY = "local"  # any key does; this one cannot be mistaken for a real one
CONFIG = Config(proxies={}, max_pool_connections=64, retries={"mode": "standard"})


_guard = threading.Lock()  # of the session: clients may be shared by threads, sessions may not


@cache
def _session() -> boto3.Session:
    """One a process: it holds the parsed service models, which take a tenth of a second each."""
    return boto3.Session(KEY, KEY, region_name=REGION)


class Clients:
    """One client a service, made at first use and shared."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        with _guard:
            if service not in self._made:
                client: Any = _session().client
                self._made[service] = client(service, endpoint_url=self._endpoint, config=CONFIG)
            return self._made[service]

    def close(self) -> None:
        for client in self._made.values():
            client.close()
