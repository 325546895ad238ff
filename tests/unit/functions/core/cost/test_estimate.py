"""What a run will cost and how long it will take."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from functions.core.cost import prices
from functions.core.cost.estimate import (
    CONNECT_MS,
    LOG_BYTES,
    RECORD_BYTES,
    RUN_SECONDS,
    WRITE_UNIT_BYTES,
    RunEstimate,
    cost_components,
    write_units,
)
from functions.core.cost.notes import glacier_note
from functions.core.cost.prices import MILLION, Price, minimum_dollars
from functions.core.cost.quotas import s3_seconds
from functions.core.model.limits import MAX_IDLE_CONNECTIONS
from functions.core.model.options import Options
from functions.core.model.types import ImageRecord
from functions.core.report.formatting import seconds
from local.commands.__main__ import main
from local.commands.cost import draw_chart, one_lambda_per_image, parse_estimate
from local.commands.usage import COST_NUMBERS

A_MILLION = RunEstimate(images=MILLION, size_kb=102.4, latency_ms=200)


def test_the_floor_is_one_put_and_one_write() -> None:
    assert minimum_dollars(MILLION) == pytest.approx(5.625)


def test_the_default_run_is_near_the_floor() -> None:
    assert minimum_dollars(MILLION) < A_MILLION.dollars <= 1.10 * minimum_dollars(MILLION)


def test_one_lambda_an_image_is_what_it_is_said_to_be() -> None:
    assert 80 < sum(one_lambda_per_image(A_MILLION).values()) < 86


def test_components_add_up() -> None:
    found = cost_components(A_MILLION)

    assert sum(found.values()) == pytest.approx(A_MILLION.dollars)
    assert min(found.values()) > 0


def test_every_price_says_what_for_and_where_it_stands() -> None:
    every = [price for price in vars(prices).values() if isinstance(price, Price)]

    assert len(every) == 13
    assert all(price.dollars > 0 and price.unit and price.source.startswith("aws.amazon.com/") for price in every)


@pytest.mark.parametrize("rows", [1, 10, 100, 500, 1000])
def test_more_latency_never_costs_less_nor_takes_less_time(rows: int) -> None:
    options = Options(batch_size=rows)
    runs = [RunEstimate(images=100_000, latency_ms=ms, options=options) for ms in (0, 1, 10, 50, 200, 1000, 10_000)]

    assert all(less.dollars <= more.dollars and less.seconds <= more.seconds for less, more in pairwise(runs))


@pytest.mark.parametrize("latency", [0, 50, 200, 1000])
def test_larger_batches_cost_less(latency: float) -> None:
    sizes = [10, 20, 50, 100, 200, 500, 1000]
    runs = [RunEstimate(images=MILLION, latency_ms=latency, options=Options(batch_size=size)) for size in sizes]

    assert all(small.dollars > large.dollars for small, large in pairwise(runs))


def test_images_that_are_large_enough_to_be_moved_cost_that_too_and_not_before() -> None:
    small, large = (replace(A_MILLION, size_kb=size) for size in (131.071, 131.072))

    assert large.dollars - small.dollars == pytest.approx(20, abs=0.01)
    assert "The estimate includes it" in glacier_note(large)
    assert "The estimate is for smaller images" in glacier_note(small)


def test_a_setting_says_from_what_size_images_are_moved() -> None:
    assert replace(A_MILLION, size_kb=10, glacier_from_bytes=10_000).images_moved_to_glacier == MILLION
    assert replace(A_MILLION, size_kb=200, glacier_from_bytes=10**9).images_moved_to_glacier == 0


def test_the_lifecycle_rules_of_an_existing_bucket_are_not_estimated() -> None:
    run = replace(A_MILLION, size_kb=200, glacier_from_bytes=None)

    assert run.images_moved_to_glacier == 0
    assert "the lifecycle rules of its owner" in glacier_note(run)


@pytest.mark.parametrize(
    ("storage_class", "dollars"), [("INTELLIGENT_TIERING", 0), ("STANDARD_IA", 5), ("GLACIER_IR", 15)]
)
def test_a_put_costs_what_its_storage_class_asks(storage_class: Any, dollars: float) -> None:
    run = replace(A_MILLION, options=Options(storage_class=storage_class))

    assert run.dollars - A_MILLION.dollars == pytest.approx(dollars)


@pytest.mark.parametrize(
    ("options", "dollars"),
    [({}, 5.98), ({"output": "shards"}, 1.065), ({"output": "shards", "table": False}, 0.378)],
)
def test_a_million_images_in_shards_cost_less_in_requests(options: dict[str, Any], dollars: float) -> None:
    """Of it, $0.04 are for moving the shards to Glacier a day later."""
    assert RunEstimate(images=MILLION, options=Options(**options)).dollars == pytest.approx(dollars, abs=0.005)


def test_the_page_about_shards_has_the_dollars_of_the_model() -> None:
    moving = "S3: moving them to Glacier, a day later"
    costs = [
        cost_components(RunEstimate(images=MILLION, options=options))
        for options in (Options(), Options(output="shards"), Options(output="shards", table=False))
    ]
    cells = " | ".join(f"${sum(each.values()) - each.get(moving, 0):.2f}" for each in costs)

    assert f"| requests and Lambda | {cells} |" in Path(DOCUMENTS, "docs", "shards.md").read_text()


def test_images_in_shards_are_moved_to_glacier_by_the_shard() -> None:
    """$20 a million objects, so images of 200 KB cost four cents in shards."""
    shards = replace(A_MILLION, size_kb=200, options=Options(output="shards"))

    assert cost_components(shards)["S3: moving them to Glacier, a day later"] == pytest.approx(2000 * 20e-6)
    assert "S3 moves shards of" in glacier_note(shards)


def test_what_is_put_into_glacier_is_not_moved_there() -> None:
    there = replace(A_MILLION, size_kb=200, options=Options(storage_class="GLACIER_IR"))

    assert there.images_moved_to_glacier == 0
    assert glacier_note(there) == ""
    assert there.dollars < replace(A_MILLION, size_kb=200).dollars


def test_every_storage_class_that_a_run_may_ask_for_has_a_price() -> None:
    assert set(get_args(get_type_hints(Options)["storage_class"])) == set(prices.S3_PUT_INTO)


def test_fewer_hosts_than_a_batch_could_ask_take_longer() -> None:
    options = Options(concurrency=24, per_host=8, host_concurrency=0)
    one, two, three, four = (RunEstimate(images=MILLION, hosts=hosts, options=options) for hosts in (1, 2, 3, 4))

    assert [run.in_flight for run in (one, two, three, four)] == [8, 16, 24, 24]
    assert one.seconds > two.seconds > three.seconds == four.seconds
    assert one.dollars > two.dollars > three.dollars == four.dollars


def test_more_hosts_than_connections_are_kept_for_cost_a_handshake_an_image() -> None:
    kept, more = (
        replace(A_MILLION, latency_ms=0, hosts=hosts) for hosts in (MAX_IDLE_CONNECTIONS, MAX_IDLE_CONNECTIONS + 1)
    )

    assert more.cpu_ms - kept.cpu_ms == pytest.approx(CONNECT_MS)
    assert more.dollars > kept.dollars


def test_larger_images_cost_more_once_the_bytes_are_what_takes_longest() -> None:
    small, large, huge = (replace(A_MILLION, size_kb=size) for size in (100, 1000, 10_000))

    assert small.dollars < large.dollars < huge.dollars
    assert huge.image_ms == pytest.approx(10_000 / 78)


def test_less_memory_makes_the_cpu_slower_and_more_does_not_make_it_faster() -> None:
    half, whole, double = (replace(A_MILLION, memory_mb=size) for size in (884, 1769, 3538))

    assert half.cpu_ms == pytest.approx(2 * whole.cpu_ms, rel=0.01)
    assert whole.cpu_ms == double.cpu_ms
    assert whole.dollars < double.dollars


def test_an_image_of_a_large_run_costs_and_takes_no_more_than_one_of_a_small_run() -> None:
    small, *larger = (RunEstimate(images=images) for images in (1_000, 10_000, 100_000))

    assert all(run.dollars / run.images < 1.10 * small.dollars / small.images for run in larger)
    assert all(run.seconds / run.images < 1.10 * small.seconds / small.images for run in larger)


def test_batches_run_as_many_at_a_time_as_the_options_let_them() -> None:
    few, many = (RunEstimate(images=MILLION, options=Options(max_concurrency=most)) for most in (4, 40))

    assert (few.concurrent_batches, many.concurrent_batches) == (4, 40)
    assert few.seconds > 4 * many.seconds
    assert few.dollars == many.dollars


def test_no_more_than_a_thousand_children_start_in_a_second() -> None:
    run = RunEstimate(images=MILLION, options=Options(batch_size=10, max_concurrency=10_000))

    assert run.seconds > 100


def test_a_batch_that_is_larger_than_the_run_waits_for_no_more_than_there_is() -> None:
    assert RunEstimate(images=10, options=Options(batch_size=1000)).seconds < RUN_SECONDS + 1


def test_a_run_of_nothing_costs_next_to_nothing() -> None:
    assert RunEstimate(images=0).dollars < 0.001
    assert RunEstimate(images=0).seconds == RUN_SECONDS


def test_a_batch_that_cannot_end_in_time_is_known_for_one() -> None:
    assert not A_MILLION.batch_too_long
    assert RunEstimate(images=500, latency_ms=3000, options=Options(per_host=1, batch_size=500), hosts=1).batch_too_long


def test_make_cost_takes_what_is_given_and_else_the_defaults() -> None:
    assert parse_estimate(
        {"images": "1e5", "hosts": "", "batch_size": "50"}, {name: name for name in COST_NUMBERS}
    ) == RunEstimate(images=100_000, hosts=math.inf, options=Options(batch_size=50))


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--images=abc", "--images takes a whole number from 1 to 1,000,000,000,000, not 'abc'."),
        ("--images=-1", "--images takes a whole number from 1 to 1,000,000,000,000, not '-1'."),
        ("--images=0", "--images takes a whole number from 1 to 1,000,000,000,000, not '0'."),
        ("--images=1.5", "--images takes a whole number from 1 to 1,000,000,000,000, not '1.5'."),
        ("--images=inf", "--images takes a whole number from 1 to 1,000,000,000,000, not 'inf'."),
        ("--latency-ms=nan", "--latency-ms takes a number from 0 to 60,000, not 'nan'."),
        ("--size-kb=-1", "--size-kb takes a number from 0 to 5,000,000, not '-1'."),
        ("--memory-mb=64", "--memory-mb takes a whole number from 128 to 10,240, not '64'."),
        ("--hosts=0", "--hosts takes a number from 1 to 1,000,000,000,000, not '0'."),
        ("--batch-size=5000", "Option 'batch_size' must be a whole number from 1 to 1,000"),
        ("--concurrency=many", "Option 'concurrency' must be a whole number from 1 to 256; received 'many'."),
    ],
)
def test_what_makes_no_sense_gets_a_sentence(capsys: pytest.CaptureFixture[str], argument: str, sentence: str) -> None:
    assert main(["cost", argument]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(sentence)
    assert shown.out == ""


def test_make_cost_says_what_for_beside_what_and_how_long(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["cost", "--images=1000000", "--hosts=", "--size-kb=102.4"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in cost_components(A_MILLION))
    assert f"{A_MILLION.dollars:,.4f}" in shown
    assert "times the minimum of one PUT and one table write ($5.625)" in shown
    assert "at a time" in shown


def test_the_chart_is_the_same_for_the_same_model(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        draw_chart(tmp_path / name)

    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_the_page_for_operations_has_the_model_s_price_of_logs() -> None:
    page = (Path(__file__).parents[5] / "docs" / "operations.md").read_text()

    assert f"${prices.LOG_GB.dollars:.2f} a GB" in page
    assert f"{LOG_BYTES:g} bytes an image" in page


def test_a_new_bucket_takes_the_puts_of_one_partition_for_half_an_hour() -> None:
    assert s3_seconds(3500) == 1
    assert s3_seconds(3500 * 1800) == 1800
    assert s3_seconds(3500 * 1800 + 7000) == 1801
    assert RunEstimate(images=MILLION, options=Options(max_concurrency=10_000)).seconds > MILLION / 3500


RECORD: ImageRecord = {
    "url": "",
    "object_key": f"images/ab/{'0' * 64}.jpg",
    "bytes": 102_400,
    "content_type": "image/jpeg",
    "sha256": "0" * 64,
    "width": 1024,
    "height": 768,
    "downloaded_at": "2026-11-25T12:00:00.000Z",
    "ms": 215,
    "etag": '"0123456789abcdef"',
    "last_modified": "Wed, 25 Nov 2026 12:00:00 GMT",
    "run_id": "photos-0123456789abcdef",
    "row": 123_456,
    "object_etag": '"0123456789abcdef0123456789abcdef"',
}
"""A usual record of an image whose server does not redirect."""


def test_the_size_of_a_record_without_its_url_is_the_one_in_the_model() -> None:
    """Sizes by the rules of the DynamoDB developer guide, "Item sizes and formats"."""
    assert set(RECORD) == set(ImageRecord.__annotations__) - {"final_url", "truncated", "offset"}
    names = sum(map(len, RECORD))
    texts = sum(len(value) for value in RECORD.values() if isinstance(value, str))
    numbers = sum((len(str(value)) + 1) // 2 + 1 for value in RECORD.values() if isinstance(value, int))

    assert names + texts + numbers == RECORD_BYTES


def test_a_record_over_a_kilobyte_is_two_writes() -> None:
    longest = WRITE_UNIT_BYTES - RECORD_BYTES
    assert [write_units(size) for size in (0, longest, longest + 1, 2048)] == [1, 1, 2, 3]
    short, long = (RunEstimate(images=MILLION, write_units=write_units(size)) for size in (100, longest + 1))
    assert long.dollars - short.dollars == pytest.approx(0.625)


DOCUMENTS = Path(__file__).parents[5]


@pytest.mark.parametrize("document", ["README.md", "docs/scaling.md"])
def test_the_documents_give_the_same_time_for_a_million_images(document: str) -> None:
    assert seconds(RunEstimate(images=MILLION).seconds) in Path(DOCUMENTS, document).read_text()


def test_the_documents_name_the_lengths_from_which_a_record_is_two_writes() -> None:
    longest = WRITE_UNIT_BYTES - RECORD_BYTES
    redirected = (longest - len("final_url")) // 2
    sentence = f"URLs of more than {longest} bytes ({redirected} if the server redirects to one as long)"

    assert sentence in Path(DOCUMENTS, "docs", "scaling.md").read_text()


def test_the_robots_txt_of_each_host_costs_a_request_two_writes_and_the_look_ups() -> None:
    run = RunEstimate(images=10_000, known_hosts=10_000)
    ignoring = replace(run, options=Options(robots="ignore"))

    charges = cost_components(run)

    assert charges["DynamoDB: writes of robots.txt"] == pytest.approx(20_000 * 0.625e-6)
    assert charges["DynamoDB: look-ups of robots.txt"] == pytest.approx(10_000 * 0.0625e-6)
    assert not [name for name in cost_components(ignoring) if "robots" in name]
    assert run.seconds > ignoring.seconds
    assert run.billed_seconds == pytest.approx(ignoring.billed_seconds + 10_000 * 200 / 24 / 1000)


def test_a_host_with_many_rows_costs_little_for_its_robots_txt() -> None:
    run = RunEstimate(images=MILLION, known_hosts=1)

    assert run.dollars - replace(run, known_hosts=0).dollars < 0.001
