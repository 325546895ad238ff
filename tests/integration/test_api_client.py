"""A client that is made from the OpenAPI document of the API alone, and calls each operation by its name."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import requests

from local.aws.cloud import Cloud
from tests.support.api import Api
from tests.support.site import Answer, Site

IMAGE = (Path(__file__).parents[2] / "manifests" / "demo" / "dune.jpg").read_bytes()
DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text(encoding="utf-8"))


class GeneratedClient:
    """`call` sends an operation with its parameters and body, and checks the answer against the document."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._operations = {
            operation["operationId"]: (method, path, operation)
            for path, methods in DOCUMENT["paths"].items()
            for method, operation in methods.items()
        }
        self.operations = set(self._operations)
        self.called: set[str] = set()

    def call(self, name: str, body: Any = None, **parameters: str) -> tuple[int, Any]:
        method, path, operation = self._operations[name]
        places = {each["name"]: each["in"] for each in operation.get("parameters", [])}
        assert set(parameters) <= set(places)
        path = re.sub(r"{(\w+)}", lambda match: parameters[match[1]], path)
        query = {key: value for key, value in parameters.items() if places[key] == "query"}
        response = requests.request(method, self._url + path, json=body, params=query, timeout=60)
        self._check(operation, response)
        self.called.add(name)
        return response.status_code, _content(response)

    def _check(self, operation: Mapping[str, Any], response: requests.Response) -> None:
        documented = operation["responses"][str(response.status_code)]["content"]
        schema = documented[response.headers["Content-Type"].partition(";")[0]]["schema"]
        jsonschema.validate(_content(response), {**schema, "components": DOCUMENT["components"]})


def _content(response: requests.Response) -> Any:
    return response.json() if "json" in response.headers["Content-Type"] else response.text


def test_every_operation_can_be_called_from_the_document_alone(cloud: Cloud, site: Site) -> None:
    client, api = GeneratedClient(cloud.api_url), Api(cloud)
    url = site.put("/a.jpg", IMAGE)
    failing = site.put("/tired.jpg", Answer(b"", 500))

    options = {"rounds": 1, "passes": 0}
    status, accepted = client.call("createRun", {"urls": [url, failing], "options": options})
    run_id = accepted["run_id"]
    api.finish(run_id)

    assert status == 202
    assert client.call("getRun", run_id=run_id)[1]["counts"]["stored"] == 1
    assert client.call("getRunReport", run_id=run_id)[1].startswith("<!doctype html>")
    assert client.call("getRunReport", run_id="never")[0] == 404
    assert run_id in [run["run_id"] for run in client.call("listRuns", limit="5")[1]["runs"]]
    assert client.call("findImage", url=url)[1]["content_type"] == "image/jpeg"
    assert client.call("updateRun", {"max_concurrency": 2}, run_id=run_id)[0] == 409
    assert client.call("cancelRun", run_id=run_id)[0] == 409
    status, retried = client.call("retryRun", run_id=run_id)
    assert status == 202
    api.finish(retried["run_id"])
    assert client.call("createManifestUpload", {"name": "list.csv"})[0] == 201
    assert client.called == client.operations
    assert client.call("findImage", url="https://example.com/never.jpg")[0] == 404
