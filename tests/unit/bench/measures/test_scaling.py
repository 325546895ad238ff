"""The simulation of a run against the quotas of AWS."""

from dataclasses import replace

import pytest

from bench.measures.scaling import AccountQuotas, simulate
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


def test_a_higher_quota_is_never_slower() -> None:
    new, raised = AccountQuotas(), AccountQuotas(lambdas=5000, table_writes=200_000)

    assert simulate(run(10**9, 4000), raised).seconds < simulate(run(10**9, 4000), new).seconds
