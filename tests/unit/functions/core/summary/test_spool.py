"""A list that may outgrow memory."""

import pytest

from functions.core.summary import spool
from functions.core.summary.spool import Spool


def test_what_goes_in_comes_out_in_its_order() -> None:
    values = [{"a": "\u00e9\n\u2028"}, "x", 5, None, [1.5]]
    with Spool() as found:
        for value in values:
            found.add(value)

        assert len(found) == 5
        assert list(found) == list(found) == values


def test_past_its_memory_it_goes_to_disk_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY_BYTES", 100)
    with Spool() as found:
        for number in range(1_000):
            found.add(number)

        assert list(found) == list(range(1_000))


def test_half_of_a_surrogate_pair_comes_out_as_it_went_in() -> None:
    with Spool() as found:
        found.add({"name": "\ud800 x"})

        assert list(found) == [{"name": "\ud800 x"}]
