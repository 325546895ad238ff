"""The model of time and cost, compared with figures that are worked out by hand."""

from dataclasses import replace
from typing import Any

import pytest

from functions.core.cost.estimate import RunEstimate, cost_components
from functions.core.cost.hosts import HostLoad
from functions.core.cost.passes import pass_dollars
from functions.core.model.options import Options
from functions.core.model.types import HostLimit

WORKED = RunEstimate(
    images=1000,
    size_kb=50,
    latency_ms=200,
    hosts=1,
    options=Options(batch_size=100, concurrency=10, per_host=10, host_concurrency=0, max_concurrency=4),
)
"""A run whose figures are worked out by hand below: ten batches of 100 rows, in three waves of at most four batches."""

SHARDS = {"options": replace(WORKED.options, output="shards")}


@pytest.mark.parametrize(
    ("changes", "figure", "expected"),
    [
        ({}, "batches", 10),
        ({}, "cpu_ms", 1.3 + 0.2),
        ({"size_kb": 1050}, "cpu_ms", 1.5 + 2.4),  # a megabyte more
        ({"hosts": 129}, "cpu_ms", 1.5 + 1.4),  # a new connection for each image
        ({"memory_mb": 1769 // 2}, "cpu_ms", 1.5 * 1769 / 884),
        ({}, "wait_ms", 200 + 30),
        ({}, "image_ms", 201.5 / 10),  # waiting for the server, 10 at a time
        ({"latency_ms": 20}, "image_ms", 2.15),  # (20 + 1.5) / 10
        ({"latency_ms": 0, "options": replace(WORKED.options, concurrency=1)}, "image_ms", 31.5 / 17),  # for S3
        ({"latency_ms": 0}, "image_ms", 1.5),  # for the CPU
        ({"latency_ms": 0, "size_kb": 390}, "image_ms", 390 / 78),  # for the network
        ({}, "batch_seconds", 2.4),  # (100 * 20.15 + 40 + 1.5 * 230) / 1000
        ({"images": 50}, "batch_seconds", 1.3925),  # (50 * 20.15 + 385) / 1000
        ({}, "billed_seconds", 24),
        ({}, "concurrent_batches", 4),
        ({}, "seconds", 6 + 0.03 + 3 * 2.4),
        ({"options": replace(WORKED.options, max_concurrency=10)}, "seconds", 6 + 0.03 + 10 / 1000 + 2.4),
        ({"size_kb": 131.072}, "images_moved_to_glacier", 1000),
        ({}, "objects", 1000),
        (SHARDS, "objects", 10),
        ({**SHARDS, "size_kb": 7998}, "objects", 40),  # 100 of 8 MB: four shards a batch
        ({"options": replace(WORKED.options, output="shards", batch_size=1000)}, "objects", 1),
        (SHARDS, "wait_ms", 200),
        (SHARDS, "batch_seconds", 2.015 + 0.04 + 0.3 + 0.03 + 5.2 / 78),  # its shard of 5.2 MB is sent at the end
        (SHARDS, "images_moved_to_glacier", 10),
    ],
)
def test_the_figures_of_a_run_are_those_worked_out_by_hand(
    changes: dict[str, Any], figure: str, expected: float
) -> None:
    assert getattr(replace(WORKED, **changes), figure) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("charge", "dollars"),
    [
        ("S3: PUT of the images", 1000 * 5e-6),
        ("S3: moving them to Glacier, a day later", 1000 * 20e-6),
        ("DynamoDB: writes", 1000 * 0.625e-6),
        ("DynamoDB: look-ups", 1000 * 0.0625e-6),
        ("Lambda: time of DownloadBatch", 24 * 1.727539 * 13.3334e-6),  # 1,769 of 1,024 MB
        ("Lambda: time of the others", (6 + 0.03) * 13.3334e-6),
        ("Lambda: time of IndexRun", (6 + 0.097) * 1.727539 * 13.3334e-6),
        ("Lambda: invocations", 13 * 0.2e-6),
        ("Step Functions: starts of batches", 10 * 25e-6),
        ("Step Functions: states of the run", (9 + 5 + 1) * 25e-6),
        ("Step Functions: Express executions", 10 * 1e-6),
        ("Step Functions: Express time", (24 + 10 * 0.05) * 1.041875e-6),
        ("S3: parts written", 10 * 5e-6),
        ("S3: parts read", 10 * 3 * 0.4e-6),
        ("CloudWatch: logs", 1000 * 11 / 1e9 * 0.5),
    ],
)
def test_each_charge_is_the_one_worked_out_by_hand(charge: str, dollars: float) -> None:
    charges = cost_components(replace(WORKED, glacier_from_bytes=50_000))

    assert charges[charge] == pytest.approx(dollars, rel=1e-6)
    assert len(charges) == 15


LIMITED = replace(WORKED, options=replace(WORKED.options, host_concurrency=5, max_concurrency=40))


@pytest.mark.parametrize(
    ("changes", "figure", "expected"),
    [
        ({}, "in_flight", 5),
        ({}, "host_seconds", 1000 * 0.2 / 5),
        ({}, "concurrent_batches", 2),  # one takes all places, another one begins
        ({}, "seconds", 6 + 0.03 + 1000 * 0.2 / 5),
        ({}, "leases", 10),
        ({}, "passes", 1),
        ({"options": replace(LIMITED.options, host_rate=0.5)}, "host_seconds", 1000 / 0.5),
        ({"options": replace(LIMITED.options, host_rate=0.5)}, "in_flight", 1),
        ({"options": replace(LIMITED.options, host_rate=0.5)}, "passes", 2),  # 200 s for a batch, two at a time
        ({"options": replace(LIMITED.options, host_rate=0.5)}, "seconds", 6 + 0.03 + 2000 + 60),
        ({"options": replace(LIMITED.options, host_concurrency=0)}, "host_seconds", 0),
        ({"images": 5}, "host_seconds", 0),  # no more rows than requests at a time
        ({"hosts": 10}, "host_seconds", 100 * 0.2 / 5),
        ({"hosts": 10, "latency_ms": 0}, "concurrent_batches", 10),
        ({"slowest": HostLoad(20, HostLimit(1, 0.1))}, "host_seconds", 20 / 0.1),
        ({"slowest": HostLoad(20, HostLimit(1, 0.1)), "busy_hosts": 7}, "leases", 70),
    ],
)
def test_the_limit_of_a_host_is_worked_out_by_hand(changes: dict[str, Any], figure: str, expected: float) -> None:
    assert getattr(replace(LIMITED, **changes), figure) == pytest.approx(expected)


def test_the_places_at_hosts_and_the_look_ups_of_hosts_are_charged() -> None:
    charges = cost_components(replace(LIMITED, known_hosts=3))

    assert charges["DynamoDB: places at hosts"] == pytest.approx(10 * 2 * 0.625e-6)
    assert charges["DynamoDB: look-ups of hosts"] == pytest.approx(10 * 3 * 0.0625e-6)


@pytest.mark.parametrize(("latency", "too_long"), [(357, False), (358, True)])
def test_a_batch_may_take_three_rounds_of_a_minute(latency: float, too_long: bool) -> None:
    """90 s, less 10 s for the outcomes and 20 s for the last image: 180 s. The 500 rows of a batch are mirrored one by
    one: 500 * (latency + 1.5) + 40 + 1.5 * (latency + 30) milliseconds."""
    options = Options(batch_size=500, per_host=1, timeout=20)

    assert RunEstimate(images=500, size_kb=50, latency_ms=latency, hosts=1, options=options).batch_too_long is too_long


def test_a_pass_costs_a_small_invocation_and_a_batch_for_each_500_rows() -> None:
    """1,000 rows in two batches of 40 ms."""
    states = (4 + 2) * 25e-6 + 2 * 1e-6 + (0.08 + 2 * 0.05) * 1.041667e-6
    functions = 3 * 0.2e-6 + (0.08 * 1.727539 + 0.5) * 13.3334e-6
    files_and_look_ups = 7 * 5e-6 + 6 * 0.4e-6 + 1000 * 0.0625e-6

    assert pass_dollars(1000) == pytest.approx(states + functions + files_and_look_ups, rel=1e-3)
    assert pass_dollars(1000, Options(batch_size=1000)) < pass_dollars(1000)
