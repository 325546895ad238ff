from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.states.base import payloads
from local.states.base.errors import StatesError
from local.states.items.batcher import Limits, batches, unbatched

items = st.lists(
    st.text(max_size=30) | st.integers() | st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3),
    max_size=40,
)
limits = st.builds(Limits, st.none() | st.integers(1, 10), st.none() | st.integers(600, 1_000))
batch_inputs = st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3)


@given(items, limits, batch_inputs)
def test_every_item_is_in_one_batch_and_in_order(items: list, limits: Limits, batch_input: object) -> None:
    result = list(batches(items, limits, batch_input))
    assert [item for batch in result for item in batch.input["Items"]] == items
    assert [batch.items for batch in result] == [len(batch.input["Items"]) for batch in result]


@given(items, limits, batch_inputs)
def test_no_batch_exceeds_its_limits_and_none_could_take_the_next_item(
    items: list, limits: Limits, batch_input: object
) -> None:
    result = list(batches(items, limits, batch_input))
    for batch in result:
        assert batch.items <= limits.max_items
        assert payloads.size(batch.input) <= limits.max_bytes
    for batch, following in pairwise(result):
        more = {**batch.input, "Items": [*batch.input["Items"], following.input["Items"][0]]}
        assert batch.items == limits.max_items or payloads.size(more) > limits.max_bytes


@given(st.integers(1, 400))
def test_an_item_is_rejected_exactly_when_it_fits_into_no_batch(length: int) -> None:
    full_size = payloads.size({"BatchInput": {"a": 1}, "Items": ["x" * length]})
    try:
        fits = bool(list(batches(["x" * length], Limits(bytes=200), {"a": 1})))
    except StatesError:
        fits = False
    assert fits is (full_size <= 200)


def test_without_a_limit_in_bytes_256_kib_hold() -> None:
    result = list(batches(["x" * 100_000] * 5, Limits(items=100)))
    assert [batch.items for batch in result] == [2, 2, 1]


def test_batches_are_made_one_at_a_time() -> None:
    consumed = []
    source = (consumed.append(number) or number for number in range(1_000))
    next(batches(source, Limits(items=10)))
    assert len(consumed) == 11


def test_a_single_item_over_256_kib_is_rejected() -> None:
    with pytest.raises(StatesError, match=r"States\.DataLimitExceeded: item 1 "):
        list(unbatched(["x", "y" * 262_144]))
