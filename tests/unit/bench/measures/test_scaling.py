"""The simulation of a run against the quotas of AWS."""

import random
from dataclasses import replace

import pytest

from bench.measures.scaling import (
    FIRST_ROUND_RETRY,
    FOUR_RETRIES,
    AccountQuotas,
    ThrottledRun,
    lost_percentage,
    simulate,
)
from functions.core.cost.estimate import RunEstimate
from functions.core.cost.quotas import S3_PUTS_PER_SECOND
from functions.core.model.options import Options


def run(images: int, max_concurrency: int = 40) -> RunEstimate:
    return RunEstimate(images=images, options=replace(Options(), max_concurrency=max_concurrency))


def test_more_images_never_take_less_time() -> None:
    times = [simulate(run(10**power), AccountQuotas()).seconds for power in range(3, 9)]

    assert times == sorted(times)


@pytest.mark.parametrize("images", [10_000, 100_000, 1_000_000, 10_000_000])
def test_a_run_takes_the_time_of_the_cost_model(images: int) -> None:
    """README has the model's time for a million images, docs/scaling.md that of the simulation."""
    assert simulate(run(images), AccountQuotas()).seconds == pytest.approx(run(images).seconds, rel=0.15)


def test_a_new_bucket_limits_a_run_to_the_puts_of_one_partition() -> None:
    result = simulate(run(1_000_000, max_concurrency=4000), AccountQuotas())

    assert result.peak_rate == S3_PUTS_PER_SECOND
    assert result.limits.most_common(1)[0][0] == "S3 PUTs"


@pytest.mark.parametrize(("options", "limit"), [({}, "table writes"), ({"table": False}, "Lambda concurrency")])
def test_shards_are_not_limited_by_the_puts_of_one_partition(options: dict[str, bool], limit: str) -> None:
    estimate = RunEstimate(images=10**8, options=Options(output="shards", max_concurrency=1000, **options))  # type: ignore[arg-type]

    assert simulate(estimate, AccountQuotas()).limits.most_common(1)[0][0] == limit


def test_a_higher_quota_is_never_slower() -> None:
    new, raised = AccountQuotas(), AccountQuotas(lambdas=5000, table_writes=200_000)

    assert simulate(run(10**9, 4000), raised).seconds < simulate(run(10**9, 4000), new).seconds


@pytest.mark.parametrize(("batch_seconds", "lost"), [(4.6, 61), (75, 96)])
def test_the_retries_of_0_1_0_lost_most_batches_of_a_new_account(batch_seconds: float, lost: float) -> None:
    seeds = range(3)
    found = [lost_percentage(10, [ThrottledRun(2000, 40)], batch_seconds, FOUR_RETRIES, seed) for seed in seeds]

    assert found == pytest.approx([lost] * 3, abs=2)


SHARED = {
    "10, one": (10, [ThrottledRun(400, 7)]),
    "10, two": (10, [ThrottledRun(400, 7, changed_at=20.5, changed_to=3), ThrottledRun(400, 3, start=20)]),
    "50, one": (50, [ThrottledRun(800, 45)]),
    "50, two": (50, [ThrottledRun(800, 45, changed_at=20.5, changed_to=22), ThrottledRun(800, 22, start=20)]),
    "1000, two": (1000, [ThrottledRun(4000, 900, changed_at=20.5, changed_to=450), ThrottledRun(2000, 450, start=20)]),
}


@pytest.mark.parametrize("batch_seconds", [1, 4.6, 15, 75, 90])
@pytest.mark.parametrize("name", SHARED)
def test_with_shares_and_the_new_retries_no_batch_is_lost(name: str, batch_seconds: float) -> None:
    limit, runs = SHARED[name]
    seed = random.randrange(2**32)

    assert lost_percentage(limit, runs, batch_seconds, FIRST_ROUND_RETRY, seed) == 0, seed


def test_longer_retries_alone_are_not_enough() -> None:
    assert lost_percentage(10, [ThrottledRun(400, 40)], 75, FIRST_ROUND_RETRY) > 40
    assert lost_percentage(50, [ThrottledRun(800, 45), ThrottledRun(800, 22, start=20)], 75, FIRST_ROUND_RETRY) > 5
