"""The hosts table."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from functions.core.model.types import HostChange, HostRecord, RobotsRecord


class HostsTable(Protocol):
    """The hosts table: what the batches of all runs share about hosts. It is a cache: its items may be lost."""

    def robots(self, origins: Sequence[str]) -> Mapping[str, RobotsRecord]:
        """The records that exist, by origin. Raises TableFault."""

    def claim_robots(self, origin: str, claim: RobotsRecord, now: int) -> RobotsRecord | None:
        """Writes a claim if there is no record that holds at `now`, else returns that record. Raises TableFault."""

    def put_robots(self, origin: str, record: RobotsRecord) -> None:
        """Writes a record. Raises TableFault."""


class HostRecords(Protocol):
    """The hosts table, as batches share the limits of hosts in it. A record that is lost counts as empty."""

    def records(self, hosts: Sequence[str]) -> Mapping[str, HostRecord]:
        """The records that exist, by host; they may be some seconds old. Raises TableFault."""

    def change(self, host: str, change: HostChange) -> HostRecord | None:
        """Changes a record, or returns what it is now if the change does not hold. Raises TableFault."""
