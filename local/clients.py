"""boto3 clients of the embedded AWS, deaf to this machine's own AWS settings and proxies."""

from __future__ import annotations

import os
import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from local.backend import REGION

KEY = "local"  # any key does; this one cannot be mistaken for a real one
CONFIG = Config(proxies={}, max_pool_connections=64, retries={"mode": "standard"})


class Clients:
    """One client a service, made at first use and shared: clients are safe to share, sessions are not."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._guard = threading.Lock()
        self._made: dict[str, Any] = {}
        core = botocore.session.get_session()
        for name, value in (("config_file", os.devnull), ("credentials_file", os.devnull), ("profile", None)):
            core.set_config_variable(name, value)
        self._session = boto3.Session(KEY, KEY, region_name=REGION, botocore_session=core)

    def __call__(self, service: str) -> Any:
        with self._guard:
            if service not in self._made:
                client: Any = self._session.client
                self._made[service] = client(service, endpoint_url=self._endpoint, config=CONFIG)
            return self._made[service]

    def close(self) -> None:
        for client in self._made.values():
            client.close()
