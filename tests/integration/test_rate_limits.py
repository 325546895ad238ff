"""Hosts that limit requests, with default options: `make bench-rate-limit` measures how long it takes."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bench.rig.rate_limits import RATE_LIMITS
from functions.core.download.hosts.pace import MAX_IDLE_SECONDS
from local.aws.cloud import Cloud
from tests.support.images import png
from tests.support.pipeline import FinishedRun, finish, is_reconciled, mirror, start
from tests.support.rate_limits import Limited
from tests.support.servers import Server, answer, in_turn

ROWS = 64
IMAGE = answer(headers={"Content-Type": "image/png"}, body=png())
NAMES = ("fixed-window", "sliding-window", "fixed-window-date", "token-bucket-503-no-header")


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as servers:
        yield servers


def limited(servers: ExitStack, name: str, rows: int) -> tuple[Limited, str]:
    """A host with so many images, and the manifest of them."""
    behaviour = Limited(RATE_LIMITS[name], IMAGE)
    paths = [f"/{name}/{number}.png" for number in range(rows)]
    server = servers.enter_context(Server(dict.fromkeys(paths, behaviour)))
    return behaviour, "".join(f"{server.url(path)}\n" for path in paths)


def children(run: FinishedRun) -> set[str]:
    """The first rows of the batches, which are in the names of their parts."""
    return {name.rpartition("/")[2].split("-")[1] for name in run.names("results/")}


def test_every_image_of_a_rate_limited_host_is_stored_with_few_refused_requests(
    cloud: Cloud, servers: ExitStack
) -> None:
    """In one batch, in each form of the limit; the runs wait at the same time."""
    hosts = {name: limited(servers, name, ROWS) for name in NAMES}
    arns = {name: start(cloud, f"{name}.txt", manifest) for name, (_, manifest) in hosts.items()}
    runs = {name: finish(cloud, arn) for name, arn in arns.items()}

    for name, (host, _) in hosts.items():
        summary = runs[name].summary
        assert is_reconciled(summary)
        assert (summary["stored"], summary["failed"]) == (ROWS, 0), name
        assert len(children(runs[name])) == 1
        assert set(host.answered.values()) == {1}
        assert host.refused < 0.3 * ROWS, name


def test_batches_that_share_a_rate_limited_host_store_all_its_images(cloud: Cloud, servers: ExitStack) -> None:
    """None knows of the others: each finds its share."""
    host, manifest = limited(servers, "fixed-window", 80)

    run = mirror(cloud, "shared.txt", manifest, {"batch-size": "20"})

    assert (run.summary["stored"], len(children(run))) == (80, 4)
    assert host.refused < 0.5 * 80


def test_a_host_that_asks_for_an_hour_is_asked_once_and_delays_no_other(cloud: Cloud, servers: ExitStack) -> None:
    hour = answer(429, {"Retry-After": "3600"})
    closed = servers.enter_context(Server({f"/{number}.png": hour for number in range(30)}))
    brief = answer(503, {"Retry-After": f"{MAX_IDLE_SECONDS + 0.5:.0f}"})
    other = servers.enter_context(Server({"/a.png": in_turn(brief, brief, IMAGE)}))
    urls = [*(closed.url(f"/{number}.png") for number in range(30)), other.url("/a.png")]

    run = mirror(cloud, "hour.csv", "url,id\n" + "".join(f"{url},{row}\n" for row, url in enumerate(urls)))

    assert (run.summary["stored"], run.summary["failures_by_reason"]) == (1, {"http_busy": 30})
    assert closed.hits.total() - closed.hits["/robots.txt"] <= 8
    assert run.summary["duration_seconds"] < 60
    assert {failure["retryable"] for failure in run.failures()} == {"true"}
    assert all("asked to wait for 3600 seconds" in failure["message"] for failure in run.failures())
    assert len(run.file(run.summary["retry_manifest"]).decode().splitlines()) == 31
