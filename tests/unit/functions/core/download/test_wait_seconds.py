"""The wait of each row until the next round, with the shortest and with the longest jitter."""

import math

import pytest

from functions.core.download.batch_results import DeferredRow
from functions.core.download.hosts.pace import HostState
from functions.core.download.rounds import Batch, wait_seconds
from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason

DOWN = RowError(Reason.HTTP_5XX, "500", status=500)
BUSY = RowError(Reason.HTTP_BUSY, "503", status=503)


def failed(number: int, host: HostState | None = None) -> DeferredRow:
    return DeferredRow(number, DOWN, tried=True, host=host)


def refused(number: int, not_before: float) -> DeferredRow:
    return DeferredRow(number, BUSY, tried=False, host=HostState(not_before, 1, 0.0))


def batch(**attempts: int) -> Batch:
    """With the attempts of earlier rounds, by row."""
    return Batch({"id": "r", "options": {}}, {}, 1, tried={int(row[1:]): tried for row, tried in attempts.items()})


@pytest.mark.parametrize(
    ("earlier", "rows", "expected"),
    [
        (batch(), [failed(1)], {1: 2}),  # the backoff doubles from two seconds to half a minute
        (batch(r1=1), [failed(1)], {1: 4}),
        (batch(r1=2), [failed(1)], {1: 8}),
        (batch(r1=3), [failed(1)], {1: 16}),
        (batch(r1=4), [failed(1)], {1: 30}),
        (batch(r1=9), [failed(1)], {1: 30}),
        (batch(r1=3), [failed(1), failed(2)], {1: 2, 2: 2}),
        (batch(), [refused(1, 7.5)], {1: 8}),
        (batch(), [refused(1, 7.5), refused(2, 3.0), failed(3)], {1: 8, 2: 3, 3: 2}),
        (batch(), [refused(1, 0.0)], {1: 1}),
        (batch(), [refused(1, math.inf), failed(2, HostState(math.inf, 4, 0.0))], {1: math.inf, 2: math.inf}),
        (batch(), [failed(1, HostState(9.0, 1, 8.0))], {1: 9}),
        (batch(), [DeferredRow(1, RowError(Reason.OUT_OF_TIME, ""), tried=False), failed(2)], {1: 1, 2: 2}),
        (batch(), [], {}),
    ],
)
def test_the_longest_wait_is_known(
    earlier: Batch, rows: list[DeferredRow], expected: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: most)

    assert wait_seconds(earlier, rows) == expected


def test_a_failed_row_is_tried_again_after_a_second_at_the_earliest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: least)

    assert wait_seconds(batch(r1=5), [failed(1)]) == {1: 1}
