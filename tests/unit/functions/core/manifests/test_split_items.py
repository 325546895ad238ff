"""Items with several URLs, which a copy of a manifest has once for each URL."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.manifests.formats import split_item
from functions.core.model.rows import RowRules

URL = "http://a.example/1.png"
VALUES = st.none() | st.booleans() | st.text() | st.lists(st.text(max_size=5), max_size=3)


@pytest.mark.parametrize(
    ("item", "rows"),
    [
        (f"{URL} {URL}", [URL, URL]),
        ({"url": f"{URL},{URL}", "id": 7}, [{"url": URL, "id": 7}] * 2),
        ({"url": [URL, URL], "id": 7}, [{"url": URL, "id": 7}] * 2),
        ({"url": []}, [{"url": []}]),
        ({"id": 7}, [{"id": 7}]),
        ({"URL": URL, "Url": URL}, [{"URL": URL, "Url": URL}]),
        (None, [None]),
    ],
)
def test_an_item_is_split_into_one_for_each_url(item: Any, rows: list[Any]) -> None:
    assert split_item(item, RowRules()) == rows


@given(item=VALUES | st.dictionaries(st.sampled_from(["url", "URL", "image_url", "x"]), VALUES))
def test_any_item_can_be_split(item: Any) -> None:
    assert split_item(item, RowRules())
