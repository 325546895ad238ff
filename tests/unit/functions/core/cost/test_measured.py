"""Time and cost of a list of which a probe has measured a sample."""

from dataclasses import replace

import pytest

from functions.core.cost.estimate import RunEstimate, cost_components
from functions.core.cost.measured import MeasuredList
from functions.core.model.options import Options

LIST = MeasuredList(
    rows=1_000_000,
    success=1.0,
    mean_bytes=100_000,
    mean_ms=200,
    hosts=0,
    largest_host="",
    largest_rows=1,
)


def test_a_list_of_good_images_costs_what_the_cost_model_says() -> None:
    expected = RunEstimate(images=1_000_000, size_kb=100, latency_ms=200, hosts=1_000_000, glacier_from_bytes=None)

    assert LIST.dollars(Options()) == pytest.approx(expected.dollars)
    assert LIST.run(Options()).seconds == pytest.approx(expected.seconds)


@pytest.mark.parametrize("storage_class", ["STANDARD", "GLACIER_IR"])
def test_rows_that_fail_are_neither_stored_nor_recorded(storage_class: str) -> None:
    options = Options(storage_class=storage_class)  # type: ignore[arg-type]
    charges = cost_components(LIST.run(options))
    stored = charges["S3: PUT of the images"] + charges["DynamoDB: writes"]

    saved = LIST.dollars(options) - replace(LIST, success=0.75).dollars(options)

    assert saved == pytest.approx(stored / 4)
    assert replace(LIST, success=0.0).dollars(options) > 0


def test_larger_images_and_slower_servers_take_more_time() -> None:
    seconds = LIST.run(Options()).seconds

    assert replace(LIST, mean_ms=2000).run(Options()).seconds > seconds
    assert replace(LIST, mean_bytes=5e6).run(Options()).seconds > seconds
    assert replace(LIST, largest_rows=900_000, largest_host="a").run(Options()).seconds > seconds


def test_large_images_are_moved_to_glacier_unless_they_are_stored_there() -> None:
    half = replace(LIST, large=0.5, success=0.5)

    assert half.glacier_dollars(Options()) == pytest.approx(250_000 * 0.02 / 1000)
    assert half.glacier_dollars(Options(storage_class="GLACIER_IR")) == 0
