"""Python values to and from DynamoDB items."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.dynamodb_items import from_item, to_item

floats = st.floats(allow_nan=False, allow_infinity=False, min_value=1e-6, max_value=1e15)
scalars = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | floats | st.text()
names = st.text(min_size=1)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=8)


@given(item=st.dictionaries(names, values))
def test_an_item_is_read_as_it_was_written(item: dict[str, Any]) -> None:
    assert from_item(to_item(item)) == item


@pytest.mark.parametrize(
    ("value", "attribute", "read"),
    [
        (3, {"N": "3"}, 3),
        (2.5, {"N": "2.5"}, 2.5),
        (0.1, {"N": "0.1"}, 0.1),
        (2.0, {"N": "2.0"}, 2),
        (1_800_000_000, {"N": "1800000000"}, 1_800_000_000),
        (True, {"BOOL": True}, True),
    ],
)
def test_integral_numbers_are_read_as_int_and_others_as_float(value: object, attribute: object, read: object) -> None:
    item = to_item({"value": value})

    assert item == {"value": attribute}
    assert from_item(item) == {"value": read}
    assert type(from_item(item)["value"]) is type(read)


def test_a_tuple_is_written_as_a_list() -> None:
    assert from_item(to_item({"types": ("png", "gif"), "nested": {"x": (0.5,)}})) == {
        "types": ["png", "gif"],
        "nested": {"x": [0.5]},
    }
