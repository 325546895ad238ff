"""The API of a local cloud, as a program asks it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from local.aws.cloud import Cloud
from tests.support.pipeline import FinishedRun, finish

SECONDS = 30


@dataclass(frozen=True)
class Api:
    cloud: Cloud

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """`body` as JSON, where there is one."""
        content = None if body is None else json.dumps(body)
        given = {"Content-Type": "application/json", **headers} if content else headers
        return requests.request(method, self.cloud.api_url + path, data=content, headers=given, timeout=SECONDS)

    def submit(self, body: Any, path: str = "/runs", **headers: str) -> str:
        """The id of the run."""
        answer = self.ask("POST", path, body, **headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["run_id"])

    def look(self, run_id: str) -> dict[str, Any]:
        answer = self.ask("GET", f"/runs/{run_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ended(self, run_id: str) -> FinishedRun:
        """Waits for the execution, and for whoever hears of its end."""
        found = finish(self.cloud, self.look(run_id)["execution_arn"])
        self.cloud.settle()
        return found

    def until(self, run_id: str, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Looks again and again."""
        while not true(found := self.look(run_id)):
            pass
        return found
