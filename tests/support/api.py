"""A client of the API of a local cloud."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from local.aws.cloud import Cloud
from tests.support.pipeline import FinishedRun, finish

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Api:
    cloud: Cloud

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Sends `body`, if any, as JSON."""
        content = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json", **headers} if content else headers
        return requests.request(
            method, self.cloud.api_url + path, data=content, headers=headers, timeout=TIMEOUT_SECONDS
        )

    def submit(self, body: Any, path: str = "/runs", **headers: str) -> str:
        """Starts a run and returns its ID."""
        response = self.request("POST", path, body, **headers)
        assert response.status_code == 202, response.text
        return str(response.json()["run_id"])

    def describe(self, run_id: str) -> dict[str, Any]:
        response = self.request("GET", f"/runs/{run_id}")
        assert response.status_code == 200, response.text
        run: dict[str, Any] = response.json()
        return run

    def finish(self, run_id: str) -> FinishedRun:
        """Waits for the execution and for the handlers of its status change."""
        result = finish(self.cloud, self.describe(run_id)["execution_arn"])
        self.cloud.settle()
        return result

    def wait_until(self, run_id: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Polls the run."""
        while not condition(run := self.describe(run_id)):
            time.sleep(0.1)
        return run
