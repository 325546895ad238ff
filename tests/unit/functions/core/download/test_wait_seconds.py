"""The wait between two rounds, with the shortest and with the longest jitter."""

import pytest

from functions.core.download.batch import DeferredRow
from functions.core.download.rounds import wait_seconds
from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason

DOWN = RowError(Reason.HTTP_5XX, "500", status=500)


def busy(seconds: float) -> RowError:
    """A response with Retry-After."""
    return RowError(Reason.HTTP_BUSY, "503", status=503, wait=seconds)


def deferred(*errors: RowError) -> list[DeferredRow]:
    return [DeferredRow(number, error, tried=True) for number, error in enumerate(errors, start=1)]


@pytest.mark.parametrize(
    ("errors", "round_", "expected"),
    [
        ((DOWN,), 0, 2),  # the backoff doubles from two seconds to half a minute
        ((DOWN,), 1, 4),
        ((DOWN,), 2, 8),
        ((DOWN,), 3, 16),
        ((DOWN,), 4, 30),
        ((DOWN,), 9, 30),
        ((busy(7),), 0, 8),  # a second more than requested
        ((busy(7), busy(3)), 0, 8),
        ((busy(7), DOWN), 3, 16),
        ((busy(0),), 3, 1),
        ((RowError(Reason.OUT_OF_TIME, ""), DOWN), 1, 4),
    ],
)
def test_the_longest_wait_is_known(
    errors: tuple[RowError, ...], round_: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: most)

    assert wait_seconds(deferred(*errors), round_) == expected


@pytest.mark.parametrize(("errors", "expected"), [((DOWN,), 1), ((busy(0),), 1), ((busy(7),), 7), ((busy(6.5),), 7)])
def test_the_shortest_wait_is_a_second_or_what_was_requested(
    errors: tuple[RowError, ...], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: least)

    assert wait_seconds(deferred(*errors), 4) == expected


@pytest.mark.parametrize(("round_", "expected"), [(0, 1), (1, 1), (2, 2), (3, 4)])
def test_the_jitter_begins_at_nothing(round_: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the way to the longest wait: 0.5, 1, 2 and 4 seconds."""
    monkeypatch.setattr("random.uniform", lambda least, most: least + (most - least) / 4)

    assert wait_seconds(deferred(DOWN), round_) == expected
