"""The busy hosts of a run, and the concurrent batches that they can use."""

import pytest

from functions.core.manifests.hosts import HostCounts
from functions.core.model.host_limits import NO_HOST_LIMITS, HostLimits, HostRule
from functions.core.model.options import Options
from functions.core.model.types import HostLimit
from functions.core.prepare.budgets import MAX_INLINE_HOSTS, HostBudgets, host_budgets

DEFAULTS = Options()
WIKIMEDIA = HostLimits({"wikimedia.org": HostRule(2)})


def budgets(rows: dict[str, int], options: Options = DEFAULTS, limits: HostLimits = NO_HOST_LIMITS) -> HostBudgets:
    return host_budgets(HostCounts(rows, sum(rows.values())), options, limits)


def many(hosts: int, rows: int) -> dict[str, int]:
    return {f"h{number}.example": rows for number in range(hosts)}


def test_a_host_with_more_rows_than_its_limit_is_busy() -> None:
    found = budgets({"a.example": 17, "b.example": 16, "u.wikimedia.org": 3, "w.wikimedia.org": 2}, limits=WIKIMEDIA)

    assert found.busy == {"a.example": HostLimit(16), "u.wikimedia.org": HostLimit(2)}
    assert found.values() == {"a.example": [16, 0.0], "u.wikimedia.org": [2, 0.0]}
    assert not found.unknown


@pytest.mark.parametrize(
    ("options", "busy"),
    [
        (Options(host_concurrency=0), {}),
        (Options(host_concurrency=0, host_rate=1.0), {"a.example": HostLimit(0, 1.0)}),
        (Options(host_rate=1.0), {"a.example": HostLimit(16, 1.0)}),
        (Options(host_rate=100.0), {}),
        (Options(host_concurrency=2), {"a.example": HostLimit(2)}),
    ],
)
def test_a_host_is_busy_by_the_requests_that_its_limits_allow_at_once(
    options: Options, busy: dict[str, HostLimit]
) -> None:
    assert budgets({"a.example": 3, "b.example": 2}, options).busy == busy


@pytest.mark.parametrize(
    ("rows", "options", "limits", "batches"),
    [
        # One host: 16 places, 8 requests a batch, and one batch more.
        ({"a.example": 100_000}, Options(), NO_HOST_LIMITS, 3),
        ({"a.example": 98_000, **many(2000, 1)}, Options(), NO_HOST_LIMITS, 3),
        ({"a.example": 100_000}, Options(per_host=1), NO_HOST_LIMITS, 17),
        ({"a.example": 100_000}, Options(per_host=16), NO_HOST_LIMITS, 2),
        ({"a.example": 100_000}, Options(host_rate=1.0), NO_HOST_LIMITS, 2),
        ({"a.example": 100_000}, Options(max_concurrency=2), NO_HOST_LIMITS, 2),
        ({"a.example": 100_000}, Options(host_concurrency=256), NO_HOST_LIMITS, 33),
        ({"a.example": 100_000}, Options(host_concurrency=0), NO_HOST_LIMITS, 40),
        ({"upload.wikimedia.org": 100_000}, Options(), WIKIMEDIA, 2),
        # The slow host decides the time, although most rows are of others.
        ({"upload.wikimedia.org": 10_000, **many(1000, 90)}, Options(), WIKIMEDIA, 2),
        # Ten hosts need seven batches of 24 requests, and one batch more.
        (many(10, 10_000), Options(), NO_HOST_LIMITS, 8),
        # A host that does not decide the time.
        ({"a.example": 1_000, **many(99_000, 1)}, Options(), NO_HOST_LIMITS, 40),
        (many(1000, 100), Options(), NO_HOST_LIMITS, 40),
        (many(10_000, 1), Options(), NO_HOST_LIMITS, 40),
        # Two batches are all that there are.
        ({"a.example": 1_000}, Options(), NO_HOST_LIMITS, 40),
        ({}, Options(), NO_HOST_LIMITS, 40),
    ],
)
def test_a_run_gets_no_more_batches_than_its_slowest_host_can_use(
    rows: dict[str, int], options: Options, limits: HostLimits, batches: int
) -> None:
    found = budgets(rows, options, limits)

    assert found.batches == batches
    assert bool(found.note) == (batches < options.max_concurrency)


def test_rows_of_hosts_that_were_too_many_to_count_are_rows_of_others() -> None:
    assert host_budgets(HostCounts({"a.example": 1_000}, 100_000), DEFAULTS, NO_HOST_LIMITS).batches == 40


def test_the_note_says_which_host_decides_and_what_to_change() -> None:
    assert budgets({"a.example": 98_000, **many(2000, 1)}).note == (
        "At most 3 batches run at once instead of 40: 98 % of the rows are of the host a.example, which gets at most "
        "16 requests at a time (host_concurrency). More batches would only wait for it. If the host is yours, set a "
        "higher host_concurrency."
    )
    assert budgets({"upload.wikimedia.org": 90_000}, limits=WIKIMEDIA).note.endswith(
        "gets at most 2 requests at a time (host_limits). More batches would only wait for it."
    )
    assert budgets({"a.example": 90_000}, Options(host_rate=5.0)).note.endswith("set a higher host_rate.")


def test_rows_that_are_not_read_have_the_limits_of_suffixes() -> None:
    assert host_budgets(None, Options(), WIKIMEDIA) == HostBudgets(40, {"wikimedia.org": HostLimit(2)}, unknown=True)
    assert host_budgets(None, Options(), NO_HOST_LIMITS) == HostBudgets(40, {}, unknown=True)
    assert host_budgets(None, Options(host_concurrency=0), WIKIMEDIA).unknown
    assert not host_budgets(None, Options(host_concurrency=0), NO_HOST_LIMITS).unknown


def test_many_or_long_names_are_too_long_for_the_input_of_a_batch() -> None:
    assert not budgets(many(MAX_INLINE_HOSTS, 100)).is_long
    assert budgets(many(MAX_INLINE_HOSTS + 1, 100)).is_long
    assert budgets({f"{'x' * 250}{number}.example": 100 for number in range(8)}).is_long


@pytest.mark.parametrize(("batch_size", "batches"), [(500, 3), (8, 3), (4, 5), (1, 17)])
def test_small_batches_need_more_of_them_for_all_places(batch_size: int, batches: int) -> None:
    assert budgets({"a.example": 10_000}, Options(batch_size=batch_size)).batches == batches
