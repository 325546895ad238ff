"""A web page of another origin, in a real browser, can neither change nor read anything of the local AWS."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from local.aws.cloud import Cloud
from tests.support.api import Api
from tests.support.browser import Browser, Page
from tests.support.pipeline import mirror
from tests.support.site import Answer, Site

IMAGE = (Path(__file__).parents[2] / "manifests" / "demo" / "dune.jpg").read_bytes()
SECONDS = 900
"""Timeout of a test: the first one may have to install the browser."""

pytestmark = pytest.mark.timeout(SECONDS)

FETCH = """
(async () => {
    try {
        const response = await fetch(%s, %s);
        return [response.type, response.status];
    } catch (error) {
        return [error.name, 0];
    }
})()
"""
FORM = """
<iframe name="frame"></iframe>
<form id="form" method="post" enctype="text/plain" target="frame" action="{action}">
<input name='{{"urls": ["{url}?' value='"]}}'></form>
<script>
const sent = new Promise(done => {{
    document.querySelector("iframe").addEventListener("load", () => done("sent"));
    document.getElementById("form").submit();
}});
</script>
"""


@dataclass(frozen=True)
class World:
    """A cloud with an image and a finished run, and a site that serves the page of the attacker."""

    cloud: Cloud
    site: Site
    image: str
    run_id: str

    def state(self) -> dict[str, Any]:
        """Everything that a request can change: objects, rows, runs and executions. Those under way end first."""
        outputs = self.cloud.outputs
        s3, dynamodb, states = (self.cloud.client(name) for name in ("s3", "dynamodb", "stepfunctions"))
        for machine in (outputs["StateMachineArn"], outputs["IndexMachineArn"]):
            for execution in states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
                self.cloud.engine.execution(execution["executionArn"]).done.wait()
        self.cloud.settle()
        objects = {
            bucket: {entry["Key"]: entry["ETag"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}
            for bucket in (outputs["ImagesBucket"], outputs["InputBucket"])
        }
        tables = {table: dynamodb.scan(TableName=outputs[table])["Items"] for table in ("ImagesTable", "RunsTable")}
        executions = states.list_executions(stateMachineArn=outputs["StateMachineArn"])["executions"]
        return {"objects": objects, **tables, "executions": executions}

    @property
    def object_url(self) -> str:
        return f"{self.cloud.endpoint}/{self.cloud.outputs['ImagesBucket']}/{self.image}"

    def body(self) -> str:
        return json.dumps({"urls": [self.site.url + "/a.jpg?forged"]})


@pytest.fixture(scope="module")
def world(cloud: Cloud) -> Iterator[World]:
    with Site() as site:
        url = site.put("/a.jpg", IMAGE)
        run = mirror(cloud, "own.csv", f"url\n{url}\n")
        row = run.row(url)
        assert row is not None
        site.put("/page", Answer(b"<!doctype html><title>foreign</title>", headers={"Content-Type": "text/html"}))
        yield World(cloud, site, row["object_key"]["S"], run.run_id)


@pytest.fixture
def page(world: World, chromium: Browser) -> Iterator[Page]:
    with chromium.open(world.site.url + "/page") as page:
        yield page


def _fetch(page: Page, url: str, **options: Any) -> list[Any]:
    """Type and status of the response, or the name of the error."""
    answer: list[Any] = page.value(FETCH % (json.dumps(url), json.dumps(options)))
    return answer


def _requests(world: World) -> list[tuple[str, dict[str, Any]]]:
    """What a page may try: URL and options of `fetch`."""
    runs, reset = f"{world.cloud.api_url}/runs", f"{world.cloud.endpoint}/moto-api/reset"
    typed = {"Content-Type": "application/json"}
    text = {"Content-Type": "text/plain"}
    cancel = f"{runs}/{world.run_id}/cancel"
    return [
        (world.object_url, {"method": "DELETE"}),
        (world.object_url, {"method": "PUT", "body": "defaced"}),
        (world.object_url, {"method": "POST", "body": "defaced", "mode": "no-cors"}),
        (world.object_url, {}),
        (reset, {"method": "POST"}),
        (reset, {"method": "POST", "mode": "no-cors"}),
        (runs, {"method": "POST", "body": world.body(), "headers": typed}),
        (runs, {"method": "POST", "body": world.body(), "headers": text}),
        (runs, {"method": "POST", "body": world.body(), "headers": text, "mode": "no-cors"}),
        (runs, {}),
        (runs, {"mode": "no-cors"}),
        (cancel, {"method": "POST", "mode": "no-cors"}),
        (f"{runs}/{world.run_id}/retry", {"method": "POST", "mode": "no-cors"}),
    ]


def test_no_request_of_a_foreign_page_is_answered_or_changes_anything(world: World, page: Page) -> None:
    before = world.state()

    results = [_fetch(page, url, **options) for url, options in _requests(world)]

    assert world.state() == before
    assert {name for name, _ in results} == {"TypeError", "opaque"}
    assert {status for _, status in results} == {0}
    answers = [status for url, status in page.statuses if url.startswith(world.cloud.endpoint)]
    assert len(answers) >= 6
    assert set(answers) == {403}


def test_a_form_of_a_foreign_page_is_refused(world: World, chromium: Browser) -> None:
    runs = f"{world.cloud.api_url}/runs"
    form = FORM.format(action=runs, url=world.site.url + "/a.jpg").encode()
    url = world.site.put("/form", Answer(form, headers={"Content-Type": "text/html"}))
    before = world.state()

    with chromium.open(url) as page:
        assert page.value("sent") == "sent"
        statuses = [status for address, status in page.statuses if address == runs]

    assert statuses == [403]
    assert world.state() == before


def test_the_same_request_without_an_origin_starts_a_run(world: World) -> None:
    """The other tests would prove nothing if the API answered no one."""
    response = requests.post(f"{world.cloud.api_url}/runs", data=world.body(), timeout=30)

    assert response.status_code == 202, response.text
    api = Api(world.cloud)
    assert api.finish(response.json()["run_id"]).status == "SUCCEEDED"


def test_a_page_of_the_own_origin_may_use_the_api(world: World, chromium: Browser) -> None:
    runs = f"{world.cloud.api_url}/runs"

    with chromium.open(f"{runs}/{world.run_id}") as page:
        assert _fetch(page, runs, method="GET")[1] == 200


@pytest.mark.parametrize(
    "target", ["GET API/runs", "POST API/runs", "DELETE /IMAGE", "POST /moto-api/reset", "GET /moto-api/data.json"]
)
def test_a_foreign_name_that_resolves_to_this_machine_is_refused(world: World, target: str) -> None:
    """DNS rebinding: the browser takes the page and this server for one origin, and sends the name of the page."""
    port = urlsplit(world.cloud.endpoint).port
    path = target.replace("API", urlsplit(world.cloud.api_url).path).replace("/IMAGE", urlsplit(world.object_url).path)
    body = world.body().encode()
    head = f"{path} HTTP/1.1\r\nHost: rebound.example:{port}\r\nOrigin: http://rebound.example:{port}\r\n"
    before = world.state()

    with socket.create_connection(("127.0.0.1", int(port or 0)), timeout=20) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        with connection.makefile("rb") as response:
            answer = response.read().decode()

    assert answer.split()[1] == "403"
    assert "The Host header is not a name of this server" in answer
    assert world.state() == before
