"""Outcomes, reasons and errors."""

import pytest

from functions.core.model.errors import (
    BooksFault,
    InfrastructureError,
    InvalidManifest,
    MirrorError,
    RowError,
    StorageFault,
    TableFault,
)
from functions.core.model.outcomes import Failure, Outcome, OutcomeKind, failed_outcome, tally
from functions.core.model.reasons import Reason
from functions.core.model.rows import DEFAULT_RULES

RETRYABLE = {
    "dns",
    "connect",
    "tls",
    "timeout",
    "incomplete_body",
    "http_busy",
    "http_5xx",
    "storage",
    "batch_crashed",
    "out_of_time",
}


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_says_whether_trying_again_may_help(reason: Reason) -> None:
    assert reason.retryable == (reason.value in RETRYABLE)
    assert RowError(reason, "x").retryable == reason.retryable


def test_an_error_may_override_whether_its_reason_is_retryable() -> None:
    assert not RowError(Reason.TLS, "expired", retryable=False).retryable


@pytest.mark.parametrize(
    ("error", "infrastructure"),
    [(InvalidManifest, False), (RowError, False), (StorageFault, True), (TableFault, True), (BooksFault, True)],
)
def test_what_the_workflow_retries_is_an_infrastructure_error(error: type[MirrorError], infrastructure: bool) -> None:
    assert issubclass(error, InfrastructureError) is infrastructure
    assert issubclass(error, MirrorError)


def test_a_line_has_only_the_fields_with_a_value() -> None:
    assert Outcome(3, "u", OutcomeKind.SKIPPED).as_json() == {"row": 3, "url": "u", "outcome": "skipped"}


def test_a_line_has_the_signals_of_the_owner_also_with_a_failure() -> None:
    error = RowError(Reason.OPT_OUT, "No.")
    error.signals = {"TDM-Reservation": ["1"]}

    assert failed_outcome(3, "http://a.example", error, DEFAULT_RULES).as_json()["signals"] == {
        "TDM-Reservation": ["1"]
    }
    assert Outcome(3, "u", OutcomeKind.STORED, signals=error.signals).as_json() == {
        "row": 3, "url": "u", "outcome": "stored", "signals": {"TDM-Reservation": ["1"]},
    }  # fmt: skip


def test_the_line_of_a_failure_has_a_reason_for_programs_and_a_message_for_people() -> None:
    failure = Failure.from_error(RowError(Reason.HTTP_4XX, "Not found.", status=404))

    assert Outcome(3, "u", OutcomeKind.FAILED, {"id": 7}, failure=failure).as_json() == {
        "row": 3,
        "url": "u",
        "outcome": "failed",
        "reason": "http_4xx",
        "http_status": 404,
        "retryable": False,
        "message": "Not found.",
        "columns": {"id": 7},
    }


def test_the_users_columns_never_hide_ours() -> None:
    columns = {"row": "mine", "outcome": "mine"}

    assert Outcome(3, "u", OutcomeKind.SKIPPED, columns).as_json() == {
        "row": 3,
        "url": "u",
        "outcome": "skipped",
        "columns": columns,
    }


def test_a_tally_has_every_outcome_kind_and_counts_only_bytes_that_were_stored() -> None:
    outcomes = [
        Outcome(1, "u", OutcomeKind.STORED, image={"bytes": 5}),
        Outcome(2, "u", OutcomeKind.STORED, image={"bytes": 6}),
        Outcome(3, "u", OutcomeKind.FAILED),
    ]

    assert tally(outcomes) == {
        "stored": 2,
        "unchanged": 0,
        "skipped": 0,
        "duplicate": 0,
        "failed": 1,
        "bytes": 11,
    }
