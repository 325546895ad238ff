"""A deployment while a run is under way: the run keeps the functions with which it started.

The local CloudFormation does not update the running stack, so these tests do what an update does to the functions and
to the state machine, in its order: configuration, version, definition.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cdk.account.versions import remove_unused_versions
from local.aws.cloud import Cloud
from tests.support.images import png
from tests.support.pipeline import finish, mirror, start
from tests.support.site import Answer, Site

DEFINITION_0_1_0 = Path(__file__).with_name("definition-0.1.0.json")
ONE_BY_ONE = {"batch-size": "1", "max-concurrency": "1"}


def _function(cloud: Cloud) -> str:
    return next(name for name, each in cloud.functions.functions.items() if "download_batch" in each.handler)


def _definition(cloud: Cloud) -> str:
    machine = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=cloud.outputs["StateMachineArn"])
    return str(machine["definition"])


def _define(cloud: Cloud, definition: str) -> None:
    states = cloud.client("stepfunctions")
    states.update_state_machine(stateMachineArn=cloud.outputs["StateMachineArn"], definition=definition)


def _deploy(cloud: Cloud, allowed_networks: str) -> str:
    """Update the networks of DownloadBatch. Returns the number of its new version."""
    aws, name = cloud.client("lambda"), _function(cloud)
    variables = aws.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    changed = {**variables, "ALLOWED_NETWORKS": allowed_networks}
    aws.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
    version = str(aws.publish_version(FunctionName=name)["Version"])
    old = _invoked(cloud)
    new = f"{old.removesuffix(old.rpartition(name)[2])}:{version}"
    _define(cloud, _definition(cloud).replace(f'"{old}"', f'"{new}"'))
    return version


def _invoked(cloud: Cloud) -> str:
    """The ARN of DownloadBatch in the definition, with its version if it has one."""
    name = _function(cloud)
    start = _definition(cloud).partition(f":{name}")[0].rpartition('"')[2]
    end = _definition(cloud).partition(f":{name}")[2].partition('"')[0]
    return f"{start}:{name}{end}"


@pytest.fixture
def deploy(cloud: Cloud) -> Iterator[Any]:
    """Deploys other networks; the cloud is the same again after the test."""
    yield lambda networks: _deploy(cloud, networks)
    _deploy(cloud, "127.0.0.0/8")


def _versions(cloud: Cloud) -> set[str]:
    found = cloud.client("lambda").list_versions_by_function(FunctionName=_function(cloud))["Versions"]
    return {each["Version"] for each in found}


@contextmanager
def _held_run(cloud: Cloud, site: Site) -> Iterator[str]:
    """The ARN of the execution of three batches, of which the first waits for its server until the end of the block."""
    gate, begun = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        gate.wait(60)

    urls = [site.put("/held.png", Answer(png(), before=wait)), site.put("/b.png", png()), site.put("/c.png", png())]
    arn = start(cloud, f"{site.url[-5:]}-held.txt", "\n".join(urls) + "\n", ONE_BY_ONE)
    assert begun.wait(60)
    try:
        yield arn
    finally:
        gate.set()


def test_a_run_keeps_its_networks_when_they_are_removed_and_later_runs_do_not_have_them(
    cloud: Cloud, site: Site, deploy: Any
) -> None:
    with _held_run(cloud, site) as arn:
        deploy("")

    run = finish(cloud, arn)
    after = mirror(cloud, f"{site.url[-5:]}-after.txt", site.put("/d.png", png()) + "\n")

    assert (run.status, run.summary["stored"], run.summary["failures_by_reason"]) == ("SUCCEEDED", 3, {})
    assert after.summary["failures_by_reason"] == {"blocked_address": 1}
    assert site.asked["/d.png"] == 0


def _submitted(cloud: Cloud, name: str, content: str) -> str:
    """The ARN of an execution that is about a list under `submitted/`, as the API starts one."""
    bucket, key = cloud.outputs["InputBucket"], f"submitted/{name}"
    etag = cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=content.encode())["ETag"].strip('"')
    event = {"bucket": {"name": bucket}, "object": {"key": key, "etag": etag, "size": len(content)}}
    started = cloud.client("stepfunctions").start_execution(
        stateMachineArn=cloud.outputs["StateMachineArn"], input=json.dumps({"detail": event})
    )
    return str(started["executionArn"])


@pytest.mark.parametrize("begin", [start, _submitted], ids=["uploaded", "submitted"])
def test_an_execution_of_a_release_without_versions_may_still_invoke_the_functions(
    cloud: Cloud, site: Site, begin: Callable[[Cloud, str, str], str]
) -> None:
    """After the update it goes on with the definition of 0.1.0 (here with one of its readers) and the functions of
    today."""
    current = _definition(cloud)
    text = DEFINITION_0_1_0.read_text()
    for name, function in cloud.functions.functions.items():
        title = function.handler.split(".")[1].title().replace("_", "")
        text = text.replace(f"<{title}>", cloud.functions.arn(name))
    _define(cloud, text)
    try:
        run = finish(cloud, begin(cloud, f"{site.url[-5:]}-old.csv", f"url\n{site.put('/e.png', png())}\n"))
    finally:
        _define(cloud, current)

    assert (run.status, run.summary["stored"]) == ("SUCCEEDED", 1)


def test_versions_are_removed_when_no_open_execution_uses_them(cloud: Cloud, site: Site, deploy: Any) -> None:
    clients = cloud.client("lambda"), cloud.client("stepfunctions")
    machine = cloud.outputs["StateMachineArn"]
    with _held_run(cloud, site) as arn:
        first = _invoked(cloud).rpartition(":")[2]
        second, third = deploy("10.0.0.0/8"), deploy("127.0.0.0/8")
        remove_unused_versions(*clients, machine)
        kept = _versions(cloud)
    assert finish(cloud, arn).summary["stored"] == 3

    fourth = deploy("10.0.0.0/8")
    removed = remove_unused_versions(*clients, machine)

    assert {first, second, third} <= kept
    assert _versions(cloud) == {"$LATEST", third, fourth}
    assert {name.rpartition(":")[2] for name in removed} == {first, second}
