"""Outcomes, reasons and faults."""

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
from functions.core.model.outcomes import Failure, Outcome, OutcomeKind, tally
from functions.core.model.reasons import Reason

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


def test_a_fault_may_know_better_than_its_reason() -> None:
    assert not RowError(Reason.TLS, "expired", retryable=False).retryable


@pytest.mark.parametrize(
    ("fault", "system"),
    [(InvalidManifest, False), (RowError, False), (StorageFault, True), (TableFault, True), (BooksFault, True)],
)
def test_what_the_workflow_retries_is_a_system_fault(fault: type[MirrorError], system: bool) -> None:
    assert issubclass(fault, InfrastructureError) is system
    assert issubclass(fault, MirrorError)


def test_a_line_says_only_what_there_is_to_say() -> None:
    assert Outcome(3, "u", OutcomeKind.SKIPPED).as_json() == {"row": 3, "url": "u", "outcome": "skipped"}


def test_a_failures_line_has_its_reason_for_machines_and_people() -> None:
    failure = Failure.of(RowError(Reason.HTTP_4XX, "Not found.", status=404))

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
    own = {"row": "mine", "outcome": "mine"}

    assert Outcome(3, "u", OutcomeKind.SKIPPED, own).as_json() == {
        "row": 3,
        "url": "u",
        "outcome": "skipped",
        "columns": own,
    }


def test_a_tally_names_every_ending_and_counts_only_bytes_that_were_stored() -> None:
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
