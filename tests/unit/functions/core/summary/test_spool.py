"""A list that may outgrow memory."""

import pytest

from functions.core.summary import spool
from functions.core.summary.spool import Spool


def test_what_goes_in_comes_out_in_its_order() -> None:
    values = [{"a": "\u00e9\n\u2028"}, "x", 5, None, [1.5]]
    with Spool() as items:
        for value in values:
            items.add(value)

        assert len(items) == 5
        assert list(items) == list(items) == values


def test_past_its_memory_it_goes_to_disk_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY_BYTES", 100)
    with Spool() as items:
        for number in range(1_000):
            items.add(number)

        assert list(items) == list(range(1_000))


def test_half_of_a_surrogate_pair_comes_out_as_it_went_in() -> None:
    with Spool() as items:
        items.add({"name": "\ud800 x"})

        assert list(items) == [{"name": "\ud800 x"}]
