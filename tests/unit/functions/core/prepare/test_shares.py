"""The share of each active run in the concurrent Lambda executions of the account."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from functions.core.model.errors import AccountFault, TableFault, WorkflowFault
from functions.core.model.limits import executions_for_batches
from functions.core.model.options import Options
from functions.core.model.ports import AccountConcurrency
from functions.core.prepare.shares import MAX_QUERIES, RECORDS_PER_QUERY, ConcurrencyShares, Share, fair_level
from tests.support.api_fakes import FakeExecutions, FakeRuns

MANY = 1_000_000


class FakeAccount:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.asked = 0
        self.error: Exception | None = None

    def concurrency(self) -> AccountConcurrency:
        self.asked += 1
        if self.error:
            raise self.error
        return AccountConcurrency(self.limit, self.limit)


class World:
    """A runs table, and the Map Runs of its executions. Runs join and leave as PrepareRun and SummarizeRun do it."""

    def __init__(self, limit: int = 10) -> None:
        self.runs, self.executions, self.account = FakeRuns(), FakeExecutions(), FakeAccount(limit)
        self.warnings: list[str] = []
        self.pauses: list[float] = []
        self.meanwhile: list[Callable[[], object]] = []
        self.shares = ConcurrencyShares(
            records=self.runs,
            account=lambda: self.account,
            map_runs=lambda: self.executions,
            warn=self.warnings.append,
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.meanwhile.pop(0)() if self.meanwhile else None

    def claim(self, run_id: str, **record: Any) -> None:
        started_at = f"2026-11-26T00:00:{len(self.runs.records):05}Z"
        fields = {"status": "running", "started_at": started_at, "execution_arn": f"arn:{run_id}", **record}
        self.runs.create({"run_id": run_id, **fields})

    def join(self, run_id: str, requested: int = 40, rows: int | None = MANY) -> Share:
        self.claim(run_id)
        options = Options(max_concurrency=requested)
        share = self.shares.join(run_id, options, rows)
        self.runs.records[run_id] |= {
            "format": "csv",
            "rows": rows,
            "options": {"max_concurrency": requested},
            "max_concurrency": share.batches,
            "requested_concurrency": requested,
            "concurrency_note": share.note,
        }
        self.executions.concurrency[f"arn:{run_id}"] = share.batches
        return share

    def leave(self, run_id: str) -> None:
        self.shares.leave(run_id)
        self.runs.records[run_id] |= {"status": "succeeded", "ended_at": "t"}
        del self.executions.concurrency[f"arn:{run_id}"]

    @property
    def granted(self) -> dict[str, int]:
        """The concurrency of each Map Run, which the record has too."""
        for run_id, record in self.runs.records.items():
            if "ended_at" not in record:
                assert record["max_concurrency"] == self.executions.concurrency[f"arn:{run_id}"]
        return {arn.removeprefix("arn:"): batches for arn, batches in self.executions.concurrency.items()}


@pytest.mark.parametrize(("unreserved", "batches"), [(10, 7), (50, 45), (1000, 900), (3, 1), (0, 1), (5000, 4500)])
def test_the_other_functions_keep_three_executions_or_a_tenth(unreserved: int, batches: int) -> None:
    assert executions_for_batches(unreserved) == batches


def test_a_run_in_an_account_with_enough_executions_gets_what_it_requests() -> None:
    world = World(limit=1000)

    assert world.join("a") == Share(40, None, 1000)
    assert world.warnings == []


def test_a_run_in_a_new_account_gets_fewer_batches_and_its_note_says_so() -> None:
    assert World(limit=10).join("a") == Share(
        7,
        "At most 7 batches run at once instead of 40: the account allows 10 concurrent Lambda executions, and 1 run is "
        "active.",
        10,
    )


def test_a_second_run_gets_its_share_and_the_first_is_lowered_to_the_same() -> None:
    world = World(limit=10)
    world.join("a")

    share = world.join("b")

    note = (
        "At most 3 batches run at once instead of 40: the account allows 10 concurrent Lambda executions, and 2 runs "
        "are active."
    )
    assert share.note == note
    assert world.runs.records["a"]["concurrency_note"] == note
    assert world.granted == {"a": 3, "b": 3}


def test_two_runs_that_begin_at_once_both_count_the_other() -> None:
    world = World(limit=10)
    world.claim("a")

    assert world.join("b").batches == 3
    assert "arn:a" not in world.executions.concurrency, "it has no Map Run that could be lowered"


def test_a_short_run_leaves_the_rest_to_the_others() -> None:
    world = World(limit=10)
    world.join("long")

    share = world.join("short", rows=1)

    assert (share.note, world.granted["long"]) == (None, 6)


def test_a_hundred_short_runs_lower_nobody_in_an_account_with_enough_executions() -> None:
    world = World(limit=1000)
    world.join("long")
    for number in range(100):
        world.join(f"short-{number}", rows=1)

    assert world.granted["long"] == 40
    assert world.join("another").batches == 40


def test_the_end_of_a_run_gives_its_share_to_the_others() -> None:
    world = World(limit=10)
    for run_id in "abc":
        world.join(run_id)
    assert world.granted == {"a": 2, "b": 2, "c": 2}

    world.leave("b")
    assert world.granted == {"a": 3, "c": 3}

    world.leave("c")
    assert world.granted == {"a": 7}
    assert "At most 7 batches" in world.runs.records["a"]["concurrency_note"]


def test_the_end_of_a_run_does_not_ask_for_the_account_where_nobody_needs_more() -> None:
    world = World(limit=1000)
    world.join("a")
    world.join("b")
    asked = world.account.asked

    world.leave("b")

    assert world.account.asked == asked


def test_a_run_is_never_raised_above_a_number_that_was_set_by_hand() -> None:
    world = World(limit=10)
    world.join("a")
    world.runs.records["a"] |= {"max_concurrency": 4, "requested_concurrency": 4, "concurrency_note": None}
    world.executions.concurrency["arn:a"] = 4
    world.join("b")
    assert world.granted == {"a": 3, "b": 3}

    world.leave("b")

    assert world.granted == {"a": 4}


def test_a_number_that_was_set_by_hand_above_the_limit_is_lowered_when_the_next_run_begins() -> None:
    world = World(limit=10)
    world.join("a")
    world.runs.records["a"] |= {"max_concurrency": 50, "requested_concurrency": 50}
    world.executions.concurrency["arn:a"] = 50

    world.join("b")

    assert world.granted == {"a": 3, "b": 3}


def test_a_run_that_has_no_map_run_yet_is_lowered_a_moment_later() -> None:
    world = World(limit=10)
    world.join("a")
    world.executions.map_run = False
    world.pauses.clear()
    world.meanwhile = [lambda: setattr(world.executions, "map_run", True)]

    world.join("b")

    assert world.granted == {"a": 3, "b": 3}
    assert world.pauses == [1.0]


def test_a_run_without_batches_in_progress_is_tried_three_times() -> None:
    world = World(limit=10)
    world.join("a")
    world.executions.map_run = False
    world.pauses.clear()

    assert world.join("b").batches == 3

    assert world.pauses == [1.0, 2.0]
    assert world.runs.records["a"]["max_concurrency"] == 7


def test_a_run_that_starts_at_the_same_time_and_is_found_late_is_counted() -> None:
    world = World(limit=10)
    world.meanwhile = [lambda: world.claim("b", format="csv", rows=MANY, max_concurrency=3)]

    share = world.join("a")

    assert share.batches == 3
    assert share.note is not None
    assert share.note.endswith("and 2 runs are active.")


def test_a_run_that_asked_before_this_one_was_there_is_lowered_when_its_share_is_known() -> None:
    """It is being prepared at the first look, and has a Map Run at the second."""
    world = World(limit=10)
    world.claim("a")

    def prepared() -> None:
        world.runs.records["a"] |= {"format": "csv", "rows": MANY, "max_concurrency": 7, "requested_concurrency": 40}
        world.executions.concurrency["arn:a"] = 7

    world.meanwhile = [prepared]
    world.join("b")

    assert world.granted == {"a": 3, "b": 3}


def test_the_share_is_recorded_before_the_others_are_lowered() -> None:
    """So that a run that starts at the same time sees it."""
    world = World(limit=10)
    world.claim("a")
    world.meanwhile = [lambda: seen.update(world.runs.records["b"])]
    seen: dict[str, Any] = {}

    world.join("b")

    assert (seen["max_concurrency"], seen["requested_concurrency"]) == (3, 40)


def test_where_everything_fits_there_is_one_look_and_no_pause() -> None:
    world = World(limit=1000)
    world.join("a")

    world.join("b")

    assert world.pauses == []


def test_a_run_of_a_version_that_did_not_record_its_concurrency_is_lowered_too() -> None:
    world = World(limit=10)
    world.claim("old", format="csv", rows=MANY, options={"max_concurrency": 30})
    world.executions.concurrency["arn:old"] = 30

    world.join("new")

    assert world.granted == {"old": 3, "new": 3}


def test_an_account_that_cannot_be_read_does_not_stop_a_run() -> None:
    world = World(limit=10)
    world.account.error = AccountFault("Lambda GetAccountSettings failed (AccessDeniedException): denied")

    share = world.join("a")

    assert (share.batches, share.account_limit) == (40, None)
    assert share.note == (
        "max_concurrency was not compared with the Lambda concurrency of the account: Lambda GetAccountSettings failed "
        "(AccessDeniedException): denied"
    )
    assert world.warnings == [share.note]


def test_a_map_run_that_cannot_be_changed_stops_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(limit=10)
    world.join("a")

    def refuse(arn: str, children: int) -> bool:
        raise WorkflowFault("throttled")

    monkeypatch.setattr(world.executions, "set_concurrency", refuse)

    assert world.join("b").batches == 3
    assert set(world.warnings) == {"The concurrency of other runs could not be changed to 3: throttled"}


def test_a_table_that_fails_stops_no_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(limit=10)

    def refuse(*arguments: object) -> None:
        raise TableFault("throttled")

    monkeypatch.setattr(world.runs, "newest", refuse)
    world.shares.leave("a")

    assert world.warnings == [
        "The share of the run in the Lambda concurrency was not given to the other runs: throttled"
    ]


def test_a_record_that_cannot_be_understood_stops_neither_a_run_nor_its_summary() -> None:
    world = World()
    world.runs.create({"run_id": "odd", "status": "running", "started_at": "2026-11-26T00:00:00Z"})

    share = world.join("r1")
    world.shares.leave("r1")

    assert share.batches == 40
    assert len(world.warnings) == 2
    assert all(warning.endswith("KeyError: 'execution_arn'") for warning in world.warnings)


def test_a_bounded_number_of_records_is_read() -> None:
    world = World(limit=10)
    for number in range(RECORDS_PER_QUERY * MAX_QUERIES + 100):
        world.runs.create({"run_id": f"{number}", "status": "failed", "started_at": "t"})

    world.shares.leave("a")

    assert world.runs.read == RECORDS_PER_QUERY * MAX_QUERIES


@pytest.mark.parametrize(
    ("available", "demands", "level"),
    [(7, [40], 7), (7, [40, 40], 3), (7, [40, 1], 6), (7, [3], 7), (7, [1] * 9, 1), (900, [40, 500], 860), (7, [], 7)],
)
def test_the_level_of_a_few_demands(available: int, demands: list[int], level: int) -> None:
    assert fair_level(available, demands) == level


def test_the_sum_of_all_shares_is_at_most_what_is_available() -> None:
    seed = random.randrange(2**32)
    numbers = random.Random(seed)
    for _ in range(2_000):
        available = numbers.randint(1, 1000)
        demands = [numbers.choice((1, 2, 7, 40, 1000)) for _ in range(numbers.randint(1, min(available, 60)))]
        level = fair_level(available, demands)
        total = sum(min(demand, level) for demand in demands)
        assert total <= available, (seed, available, demands)
        assert all(demand <= level for demand in demands) or total + len(demands) > available, (seed, demands)


@pytest.mark.parametrize("limit", [10, 50, 200])
def test_runs_that_come_and_go_never_use_more_than_the_account_allows(limit: int) -> None:
    """As many runs as batches may be in progress, or fewer: each gets one at least."""
    seed = random.randrange(2**32)
    numbers = random.Random(seed)
    world, active = World(limit), list[str]()
    available = executions_for_batches(limit)
    for number in range(300):
        if active and (numbers.random() < 0.5 or len(active) == available):
            world.leave(active.pop(numbers.randrange(len(active))))
        else:
            active.append(f"run-{number}")
            world.join(active[-1], numbers.choice((1, 7, 40, 400)), numbers.choice((1, 3_000, MANY, None)))
        demand = {
            run_id: min(record["requested_concurrency"], -(-(record["rows"] or MANY) // 500))
            for run_id, record in world.runs.records.items()
            if run_id in active
        }
        used = sum(min(batches, demand[run_id]) for run_id, batches in world.granted.items())
        assert used <= available, (seed, number, world.granted)
        if active and used < available - len(active):
            assert all(world.granted[run_id] >= demand[run_id] for run_id in active), (seed, number, world.granted)
