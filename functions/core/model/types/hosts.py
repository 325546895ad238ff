"""Records of the hosts table: what the batches of all runs share about hosts."""

from dataclasses import dataclass
from enum import StrEnum


class RobotsState(StrEnum):
    """What a record of robots.txt has: a claim to read the file, its rules, why it cannot be read, or nothing because
    the rules are too large for an item."""

    READING = "reading"
    RULES = "rules"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class RobotsRecord:
    """robots.txt of an origin, until `expires_at` in seconds since the epoch. `content` is as the state says: the owner
    of a claim, the encoded rules, or a message."""

    state: RobotsState
    expires_at: int
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class HostLimit:
    """The limit of one host over all batches and runs: requests under way, and requests a second (0: no such limit)."""

    concurrency: int
    rate: float = 0.0
