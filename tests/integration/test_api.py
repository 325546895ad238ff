"""The life of a run through the API: the deployed methods over real HTTP, with the real function."""

import csv
import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from local.aws.cloud import Cloud
from tests.support.api import Api
from tests.support.images import png
from tests.support.pipeline import is_reconciled
from tests.support.site import Answer, Site

IMAGE = (Path(__file__).parents[2] / "manifests" / "demo" / "dune.jpg").read_bytes()


@pytest.fixture
def api(cloud: Cloud) -> Api:
    return Api(cloud)


class Turnstile:
    """Holds each request to a site for `seconds`, or until it is opened. Counts the held requests by group."""

    def __init__(self, seconds: float) -> None:
        self._changed = threading.Condition()
        self._seconds = seconds
        self._opened = False
        self._inside: Counter[str] = Counter()
        self.maximum: Counter[str] = Counter()
        self.passed = 0

    def hook(self, group: str = "all") -> Callable[[], None]:
        return lambda: self._hold(group)

    def open(self) -> None:
        with self._changed:
            self._opened = True
            self._changed.notify_all()

    def holds(self, count: int, seconds: float = 20) -> bool:
        """True if it holds `count` requests at once within `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._inside.total() >= count, seconds)

    def has_passed(self, count: int, seconds: float = 20) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.passed >= count, seconds)

    def _hold(self, group: str) -> None:
        with self._changed:
            self._inside[group] += 1
            self.maximum[group] = max(self.maximum[group], self._inside[group])
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._opened, self._seconds)
            self._inside[group] -= 1
            self.passed += 1
            self._changed.notify_all()


def _urls(site: Site, name: str, count: int, before: Callable[[], object] = lambda: None) -> list[str]:
    return [site.put(f"/{name}-{n}.png", Answer(png(note=b"%d" % n), before=before)) for n in range(count)]


def _shapes(site: Site, stored: Callable[[str, str], str]) -> dict[str, dict[str, Any]]:
    urls = _urls(site, "shape", 3)
    paths = [url.removeprefix(site.url) for url in urls]
    return {
        "urls": {"urls": urls},
        "items": {"items": [{"url": url, "title": f"Title {n}"} for n, url in enumerate(urls)]},
        "paths": {"baseUrl": site.url, "resourcePaths": paths, "lambdaConcur": 2},
        "manifest": {"manifest": stored("list.txt", "".join(f"{url}\n" for url in urls))},
    }


@pytest.mark.parametrize("shape", ["urls", "items", "paths", "manifest"])
def test_a_run_in_every_shape_is_followed_to_its_end_and_its_images_are_found(api: Api, site: Site, shape: str) -> None:
    def stored(name: str, content: str) -> str:
        where = {"Bucket": api.cloud.outputs["InputBucket"], "Key": f"submitted/{site.url[-5:]}-{name}"}
        api.cloud.client("s3").put_object(**where, Body=content.encode())
        return f"s3://{where['Bucket']}/{where['Key']}"

    response = api.request("POST", "/runs", _shapes(site, stored)[shape])

    run_id = response.json()["run_id"]
    assert (response.status_code, response.json()["status"]) == (202, "starting")
    assert requests.get(api.cloud.endpoint + response.headers["Location"], timeout=20).json()["run_id"] == run_id
    assert api.finish(run_id).summary["stored"] == 3
    run = api.describe(run_id)
    assert (run["status"], run["rows"], run["counts"]["stored"]) == ("succeeded", 3, 3)
    assert requests.get(run["links"]["summary"], timeout=20).json()["run_id"] == run_id
    found = api.request("GET", f"/images?url={site.url}/shape-1.png").json()
    assert requests.get(found["link"], timeout=20).content == png(note=b"1")


def test_the_shape_of_upstream_works_as_it_is(api: Api, site: Site) -> None:
    """102 paths, one of them twice, in two batches with five concurrent requests each."""
    turnstile = Turnstile(seconds=0.05)
    paths = [f"/up-{n}.png" for n in range(101)]
    for n, path in enumerate(paths):
        batch = "first" if n < 99 else "second"
        site.put(path, Answer(png(note=path.encode()), before=turnstile.hook(batch)))
    paths.insert(50, paths[7])

    run = api.finish(api.submit({"baseUrl": site.url, "resourcePaths": paths, "lambdaConcur": 5}))

    assert is_reconciled(run.summary)
    assert (run.summary["rows"], run.summary["stored"], run.summary["duplicate"]) == (102, 101, 1)
    assert turnstile.maximum["first"] == 5
    assert turnstile.maximum["second"] <= 5
    assert site.asked[paths[7]] == 1


def test_a_cancelled_run_keeps_what_it_has_and_a_retry_brings_the_rest(api: Api, site: Site) -> None:
    turnstile = Turnstile(seconds=0)
    urls = _urls(site, "many", 2000, turnstile.hook())
    run_id = api.submit({"urls": urls, "options": {"batch_size": 50, "per_host": 32, "max_concurrency": 4}})
    assert turnstile.has_passed(400)

    response = api.request("POST", f"/runs/{run_id}/cancel")

    assert (response.status_code, response.json()["status"]) == (202, "cancelling")
    run = api.finish(run_id)
    summary, record = run.summary, api.describe(run_id)
    assert (run.status, summary["status"], record["status"]) == ("ABORTED", "cancelled", "cancelled")
    assert is_reconciled(summary)
    left = json.loads(run.file(summary["retry_manifest"]))
    assert 0 < summary["stored"] < 2000
    assert summary["stored"] + len(left) == 2000
    assert len(set(left)) == len(left)
    assert set(urls) - set(left) <= _stored(api.cloud)
    assert summary["failures_by_reason"] == {"out_of_time": len(left)}
    assert run.messages("run_cancelled")

    again = api.finish(api.submit(None, path=f"/runs/{run_id}/retry"))

    assert again.status == "SUCCEEDED"
    assert (again.summary["rows"], again.summary["failed"]) == (len(left), 0)
    assert set(urls) <= _stored(api.cloud)


def test_more_batches_run_at_once_within_five_seconds_of_a_change(api: Api, site: Site) -> None:
    turnstile = Turnstile(seconds=20)
    urls = _urls(site, "patched", 6, turnstile.hook())
    run_id = api.submit({"urls": urls, "options": {"batch_size": 1, "max_concurrency": 1}})
    assert turnstile.holds(1)
    live = api.wait_until(run_id, lambda run: run["live"] is not None)["live"]
    assert (live["max_concurrency"], live["running"], turnstile.maximum["all"]) == (1, 1, 1)

    response = api.request("PATCH", f"/runs/{run_id}", {"max_concurrency": 2})

    assert turnstile.holds(2, seconds=5)
    assert (response.status_code, response.json()["live"]["max_concurrency"]) == (200, 2)
    turnstile.open()
    assert api.finish(run_id).summary["stored"] == 6


def test_the_same_key_sent_twenty_times_at_once_starts_one_run(api: Api, site: Site) -> None:
    body = {"urls": _urls(site, "once", 3)}
    with ThreadPoolExecutor(20) as threads:
        run_ids = set(threads.map(lambda _: api.submit(body, **{"Idempotency-Key": site.url}), range(20)))

    (run_id,) = run_ids
    assert api.finish(run_id).summary["stored"] == 3
    assert _executions(api.cloud, run_id) == 1
    assert api.submit(body, **{"Idempotency-Key": site.url}) == run_id
    other = api.request("POST", "/runs", {"urls": ["https://example.com/"]}, **{"Idempotency-Key": site.url})
    assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_an_upload_event_delivered_three_times_starts_one_run(api: Api, site: Site) -> None:
    cloud = api.cloud
    (url,) = _urls(site, "repeated", 1)
    key = f"manifests/repeated-{site.url[-5:]}.csv"
    cloud.client("s3").put_object(Bucket=cloud.outputs["InputBucket"], Key=key, Body=f"url\n{url}\n".encode())
    cloud.events.flush()
    (event,) = [each for each in cloud.events.recent if each["detail"].get("object", {}).get("key") == key]

    with ThreadPoolExecutor(2) as threads:
        arns = list(threads.map(lambda _: cloud.engine.start_execution(cloud.outputs["StateMachineArn"], event), "ab"))
    cloud.events.put(event)
    cloud.settle()

    runs = [run for run in api.request("GET", "/runs?limit=100").json()["runs"] if run["manifest"].endswith(key)]
    for arn in arns:
        cloud.engine.wait_for(arn, timeout=30)
    (run,) = runs
    assert api.finish(run["run_id"]).summary["stored"] == 1
    assert site.asked["/repeated-0.png"] == 1


def test_runs_are_listed_newest_first_in_pages_and_by_status(api: Api, site: Site) -> None:
    urls = _urls(site, "listed", 1)
    run_ids = [api.submit({"urls": urls}) for _ in range(3)]
    for run_id in run_ids:
        api.finish(run_id)

    first = api.request("GET", "/runs?limit=2&status=succeeded").json()
    second = api.request("GET", f"/runs?limit=2&status=succeeded&next={first['next']}").json()

    listed = [run["run_id"] for run in (*first["runs"], *second["runs"])]
    assert listed[:3] == run_ids[::-1]
    assert len(set(listed)) == len(listed)
    starts = [run["started_at"] for run in api.request("GET", "/runs?limit=100").json()["runs"]]
    assert starts == sorted(starts, reverse=True)


def test_a_link_uploads_a_manifest_with_its_options_and_the_upload_starts_its_run(api: Api, site: Site) -> None:
    _urls(site, "linked", 2)
    upload = {"name": "linked.csv", "options": {"base_url": site.url, "allowed_types": ["png", "jpeg"]}}

    response = api.request("POST", "/manifests", upload)

    link = response.json()
    assert response.status_code == 201
    assert requests.put(
        link["url"], data=b"url\n/linked-0.png\n/linked-1.png\n", headers=link["headers"], timeout=20
    ).ok
    run = _of_manifest(api, link["manifest"])
    assert api.finish(run["run_id"]).summary["stored"] == 2
    assert api.describe(run["run_id"])["options"]["allowed_types"] == ["png", "jpeg"]


def test_failures_are_linked_and_what_may_pass_is_run_again(api: Api, site: Site) -> None:
    tired = site.put("/tired.png", Answer(b"", 503), Answer(IMAGE))
    gone = site.url + "/gone.png"
    run_id = api.submit({"urls": [tired, gone], "options": {"rounds": 1}})
    failed = api.finish(run_id)
    assert failed.execution["error"] == "TooManyFailures"
    assert len(failed.messages("run_failed")) == 1  # although its status change was delivered, too
    run = api.describe(run_id)
    assert (run["status"], run["error"], run["counts"]["failed"]) == ("failed", "TooManyFailures", 2)
    report = requests.get(run["links"]["failures"], timeout=20).text
    assert {row["url"] for row in csv.DictReader(report.splitlines())} == {tired, gone}

    again = api.finish(api.submit({"options": {"concurrency": 1}}, path=f"/runs/{run_id}/retry"))

    assert (again.summary["rows"], again.summary["stored"]) == (1, 1)
    assert api.describe(again.run_id)["manifest"].endswith(f"runs/{run_id}/retry.json")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("POST", "/runs", {"urls": []}, 422, "urls"),
        ("POST", "/runs", {"urls": ["http://x/"], "options": {"concurrency": 0}}, 422, "options.concurrency"),
        ("POST", "/runs", {"items": [{"url": "http://x/"}, {"link": "http://x/"}]}, 422, "items.1.url"),
        ("POST", "/runs", {"manifest": "s3://other/manifests/x.csv"}, 422, "manifest"),
        ("POST", "/runs", {"urls": ["http://x/"] * 10_001}, 422, "urls"),
        ("POST", "/runs", {"urls": ["x" * 6_000_000]}, 413, "POST /manifests"),
        ("POST", "/runs", {"urls": ["x" * 11_000_000]}, 413, "POST /manifests"),
        ("GET", "/runs/unknown-run", None, 404, "unknown-run"),
        ("GET", "/runs/unknown-run/report", None, 404, "unknown-run"),
        ("GET", "/runs?status=lost", None, 422, "status"),
        ("GET", "/images?url=http://x/none", None, 404, "No image"),
        ("POST", "/runs/unknown-run/cancel", None, 404, "unknown-run"),
    ],
)
def test_an_invalid_request_is_a_problem_that_names_its_field(
    api: Api, method: str, path: str, body: Any, status: int, text: str
) -> None:
    response = api.request(method, path, body)

    problem = response.json()
    assert (response.status_code, problem["status"]) == (status, status)
    fields = [error["field"] for error in problem.get("errors", [])]
    assert text in fields or text in problem["detail"]
    assert "Traceback" not in response.text


def test_a_path_or_a_method_that_is_not_in_the_template_is_rejected_by_the_gateway(api: Api) -> None:
    assert api.request("GET", "/openapi.json").status_code == 403
    assert api.request("DELETE", "/runs").status_code == 403


def _stored(cloud: Cloud) -> set[str]:
    """Every URL of the images table."""
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=cloud.outputs["ImagesTable"])
    return {row["url"]["S"] for page in pages for row in page["Items"]}


def _executions(cloud: Cloud, run_id: str) -> int:
    states = cloud.client("stepfunctions")
    found = states.list_executions(stateMachineArn=cloud.outputs["StateMachineArn"])["executions"]
    return sum(1 for each in found if run_id in states.describe_execution(executionArn=each["executionArn"])["input"])


def _of_manifest(api: Api, manifest: str) -> dict[str, Any]:
    """The run of a manifest, once the event of its upload has been delivered."""
    while True:
        for run in api.request("GET", "/runs?limit=100").json()["runs"]:
            if run["manifest"] == manifest:
                matching: dict[str, Any] = run
                return matching
