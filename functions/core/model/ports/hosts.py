"""The hosts table."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from functions.core.model.types import (
    RobotsRecord,
)


class HostsTable(Protocol):
    """The hosts table: what the batches of all runs share about hosts. It is a cache: its items may be lost."""

    def robots(self, origins: Sequence[str]) -> Mapping[str, RobotsRecord]:
        """The records that exist, by origin. Raises TableFault."""

    def claim_robots(self, origin: str, claim: RobotsRecord, now: int) -> RobotsRecord | None:
        """Writes a claim if there is no record that holds at `now`, else returns that record. Raises TableFault."""

    def put_robots(self, origin: str, record: RobotsRecord) -> None:
        """Writes a record. Raises TableFault."""
