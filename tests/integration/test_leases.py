"""Batches of several runs at the same hosts at once, in environments of their own, with the hosts table."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.core.download.hosts.places import LEASE_SECONDS
from local.aws.cloud import Cloud
from tests.support.images import png
from tests.support.kill_functions import kill_download_batch
from tests.support.rate_limits import Counted
from tests.support.servers import Server, answer

IMAGE = answer(headers={"Content-Type": "image/png"}, body=png())
PLACES = 3


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as servers:
        yield servers


def download_batch(cloud: Cloud) -> str:
    [name] = [name for name in cloud.functions.functions if "DownloadBatch" in name]
    return name


def batch_of(run: dict[str, Any], server: Server, count: int, folder: str) -> dict[str, Any]:
    items = [{"row": row, "item": server.url(f"/{folder}/{row}.png")} for row in range(count)]
    return {"BatchInput": {"run": {"options": {"robots": "ignore"}, **run}}, "Items": items}


def play(cloud: Cloud, batch: dict[str, Any]) -> dict[str, Any]:
    """All rounds of a batch, as the workflow calls them."""
    started_at = datetime.now(UTC).isoformat()
    while batch["Items"]:
        event = {"batch": batch, "execution_arn": "arn:1", "started_at": started_at}
        result = cloud.functions.invoke(download_batch(cloud), event)
        if result.error is not None and result.payload["errorType"] == "Runtime.ExitError":
            continue  # an idle environment was killed
        assert result.error is None, result.payload
        batch = result.payload
        time.sleep(batch["wait_seconds"] if batch["Items"] else 0)
    return batch


def together(cloud: Cloud, batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ended: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda batch=batch: ended.append(play(cloud, batch))) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


def serve(servers: ExitStack, seconds: float) -> tuple[Counted, Server]:
    counted = Counted(IMAGE, seconds)
    paths = [f"/{folder}/{row}.png" for folder in "abcdef" for row in range(60)]
    return counted, servers.enter_context(Server(dict.fromkeys(paths, counted)))


def record_of(cloud: Cloud, server: Server) -> dict[str, Any]:
    key = {"host": {"S": server.url("").removeprefix("http://") + "#limit"}}
    item = cloud.client("dynamodb").get_item(TableName=cloud.outputs["HostsTable"], Key=key, ConsistentRead=True)
    return {name: float(value["N"]) for name, value in item.get("Item", {}).items() if name != "host"}


def test_batches_of_several_runs_keep_the_limit_of_a_host(cloud: Cloud, servers: ExitStack) -> None:
    """The limits of the first run are in its input, those of the others in their files."""
    counted, server = serve(servers, 0.05)
    limits = {server.url("").removeprefix("http://"): [PLACES, 0.0]}
    runs: list[dict[str, Any]] = [{"id": "leases-a", "busy_hosts": limits}]
    for name in ("leases-b", "leases-c", "leases-d"):
        runs.append({"id": name, "busy_hosts_file": True})
        cloud.client("s3").put_object(
            Bucket=cloud.outputs["InputBucket"], Key=f"runs/{name}/hosts.json", Body=json.dumps(limits).encode()
        )

    ended = together(cloud, [batch_of(run, server, 40, folder) for run, folder in zip(runs, "abcd", strict=True)])

    assert [batch["counts"]["stored"] for batch in ended] == [40] * 4
    assert counted.peak == PLACES
    assert set(record_of(cloud, server)) == {"expires_at"}


def test_the_limit_is_per_batch_where_the_file_cannot_be_read(cloud: Cloud, servers: ExitStack) -> None:
    counted, server = serve(servers, 0.05)

    (ended,) = together(cloud, [batch_of({"id": "leases-none", "busy_hosts_file": True}, server, 40, "e")])

    assert ended["counts"]["stored"] == 40
    assert PLACES < counted.peak <= 8
    assert record_of(cloud, server) == {}


def test_a_function_that_is_killed_leaves_leases_that_end(cloud: Cloud, servers: ExitStack) -> None:
    counted, server = serve(servers, 0.5)
    run = {"id": "leases-killed", "busy_hosts": {server.url("").removeprefix("http://"): [PLACES, 0.0]}}
    batch = batch_of({**run, "options": {"per_host": 2, "robots": "ignore"}}, server, 10, "f")
    event = {"batch": batch, "execution_arn": "arn:1", "started_at": datetime.now(UTC).isoformat()}
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(cloud.functions.invoke(download_batch(cloud), event)))
    thread.start()
    while not counted.starts:
        time.sleep(0.01)
    kill_download_batch()
    thread.join()
    killed_at = time.time()

    leases = {name: end for name, end in record_of(cloud, server).items() if name.startswith("p")}
    assert results[0].error is not None
    assert len(leases) == 2
    assert all(end <= killed_at + LEASE_SECONDS for end in leases.values())
    counted.peak = counted.active = 0
    ended = play(cloud, batch)

    assert ended["counts"]["stored"] == 10
    assert counted.peak == PLACES - 2, "the places of the function that was killed are not used"
