"""The runs and the executions of the account."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from functions.core.model.types import (
    ExecutionInput,
    RunFields,
    RunRecord,
)

LINK_SECONDS = 900
"""Lifetime of a presigned link, in seconds."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of the last Map Run of an active run: number of rows in finished batches, and of rows in running ones.

    `is_over` is true if it has ended: then the run waits for a pass, or is finishing.
    """

    done: int
    running: int
    max_concurrency: int
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class AccountConcurrency:
    """Concurrent Lambda executions of the account: its `limit`, and those that are not reserved for one function."""

    limit: int
    unreserved: int


class LambdaAccount(Protocol):
    """The settings of the account in Lambda."""

    def concurrency(self) -> AccountConcurrency:
        """Raises AccountFault."""


class RunRegistry(Protocol):
    """The runs table, with the index of the newest runs."""

    def create(self, record: RunRecord) -> bool:
        """Returns False if there is a record with this `run_id` already."""

    def get(self, run_id: str) -> RunRecord | None:
        """The record, by a strongly consistent read. Raises TableFault."""

    def update_unless_over(self, run_id: str, values: RunFields) -> bool:
        """Returns False if the run is over or unknown."""

    def newest(
        self, status: str | None, limit: int, after: Mapping[str, str] | None
    ) -> tuple[list[RunRecord], Mapping[str, str] | None]:
        """Reads at most `limit` records. Returns those with `status`, and the start key of the next page, or None."""


class MapRuns(Protocol):
    """The Map Runs of the executions of the state machine."""

    def set_concurrency(self, arn: str, children: int) -> bool:
        """Sets the concurrency of the running Map of an execution. Returns False if none is running."""


class Executions(MapRuns, Protocol):
    """Executions of the state machine. All calls are idempotent."""

    def arn_of(self, run_id: str) -> str:
        """The ARN of the execution of a run, which need not have started."""

    def start(self, run_id: str, event: ExecutionInput) -> None:
        """Starts the execution of a run, at most once."""

    def stop(self, arn: str, error: str, cause: str) -> bool:
        """Stops an execution. Returns False if it does not exist."""

    def progress(self, arn: str) -> Progress | None:
        """The progress, or None if Step Functions does not report one."""
