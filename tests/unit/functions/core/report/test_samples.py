"""Samples of images and failures: they stand for all rows, in bounded memory, however the rows are grouped."""

import json
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.types import ResultLine
from functions.core.report.samples import MAX_IMAGES, Failures, ImageSamples, SpreadSample, StoredKinds
from tests.unit.functions.core.report.run import failed, stored

HOSTS = [f"{number}.example" for number in range(90)]


def spread(groups: list[str], first_row: int = 1) -> SpreadSample:
    sample = SpreadSample()
    for row, group in enumerate(groups, start=first_row):
        sample.add(group, stored(row))
    return sample


def rows(sample: SpreadSample) -> dict[str, list[int]]:
    return {group: [image["row"] for image in images] for group, images in sample.groups.items()}


@given(groups=st.lists(st.sampled_from(HOSTS), max_size=300), cuts=st.lists(st.integers(0, 300), max_size=4))
def test_a_sample_does_not_depend_on_how_the_rows_are_grouped(groups: list[str], cuts: list[int]) -> None:
    whole, merged, begin = spread(groups), SpreadSample(), 0
    for end in [*sorted(cuts), len(groups)]:
        part = spread(groups[begin:end], begin + 1)
        merged.merge(SpreadSample.from_groups(json.loads(json.dumps(part.groups))))
        begin = max(begin, end)

    assert rows(merged) == rows(whole)
    assert [*rows(merged)] == [*rows(whole)]


def test_each_group_has_an_image_before_one_has_two() -> None:
    sample = spread(["a"] * 1000 + HOSTS[:30])

    counts = Counter({group: len(images) for group, images in sample.groups.items()})
    assert len(counts) == 31
    assert counts.total() == MAX_IMAGES
    assert counts["a"] == MAX_IMAGES - 30
    assert [image["row"] for image in sample.images()][:31] == [1, *range(1001, 1031)]


def test_memory_is_bounded_for_any_number_of_groups() -> None:
    sample = spread([f"host {number}" for number in range(5000)])

    assert len([*sample.images()]) == len(sample.groups) == MAX_IMAGES


def images_of(lines: list[ResultLine]) -> ImageSamples:
    images = ImageSamples()
    for line in lines:
        images.add(line["url"].split("/")[2], line)
    return images


def test_a_rare_type_and_a_rare_host_are_among_the_images() -> None:
    lines = [stored(row, host=HOSTS[row % 50]) for row in range(1, 5000)]
    lines += [stored(5000, content_type="image/png"), stored(5001, host="rare.example"), stored(5002, width=20_000)]

    chosen = images_of(lines).chosen()

    assert len(chosen) == MAX_IMAGES
    assert {5000, 5001, 5002} <= {image["row"] for image in chosen}
    assert [image["row"] for image in chosen] == sorted(image["row"] for image in chosen)


@pytest.mark.parametrize("count", [0, 1, 59, 60])
def test_of_few_images_all_are_chosen(count: int) -> None:
    assert len(images_of([stored(row) for row in range(count)]).chosen()) == count


def test_images_in_shards_are_counted_only() -> None:
    images = images_of([{**stored(1), "offset": 512}, stored(2)])  # type: ignore[typeddict-unknown-key]

    assert ([image["row"] for image in images.chosen()], images.in_shards) == ([2], 1)


@given(seed=st.integers(0, 2**32))
def test_counts_and_examples_do_not_depend_on_how_the_rows_are_grouped(seed: int) -> None:
    numbers = random.Random(seed)
    lines = [
        failed(
            row,
            url=f"https://{numbers.choice('ab')}.example/",
            reason=numbers.choice(["dns", "tls"]),
            retryable=numbers.random() < 0.5,
        )
        for row in range(numbers.randrange(40))
    ]
    images = [
        stored(row, bytes=10 ** numbers.randrange(9), content_type=numbers.choice(["a", "b"])) for row in range(20)
    ]
    cut, image_cut = numbers.randrange(len(lines) + 1), numbers.randrange(20)

    failures, kinds = failures_of(lines[:cut]), kinds_of(images[:image_cut])
    failures.merge(failures_of(lines[cut:]))
    kinds.merge(kinds_of(images[image_cut:]))

    assert failures == failures_of(lines)
    assert kinds == kinds_of(images)


def failures_of(lines: list[ResultLine]) -> Failures:
    failures = Failures()
    for line in lines:
        failures.add(line)
    return failures


def kinds_of(lines: list[ResultLine]) -> StoredKinds:
    kinds = StoredKinds()
    for line in lines:
        kinds.add(line)
    return kinds


def test_rows_that_may_succeed_later_are_counted_by_reason() -> None:
    lines = [
        failed(1, reason="tls", retryable=True),
        failed(2, reason="tls", retryable=False),
        failed(3, reason="http_4xx"),
    ]
    lines += [failed(row, reason="dns", retryable=True) for row in range(4, 7)]

    assert failures_of(lines).retryable() == {"dns": 3, "tls": 1}
