"""Records of the hosts table: what the batches of all runs share about hosts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PLACE_ATTRIBUTE = re.compile(r"p(\d+)")
"""The name of the attribute with the lease of a place, and the number of the place."""


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


@dataclass(frozen=True, slots=True)
class CoolDown:
    """A host gets no request before `not_before`. With `refusals`, the waits since its last answer, it gets a single
    one then. `rate` is the learned one, in requests a second for the whole host, or 0. Times are in seconds since the
    epoch."""

    not_before: float = 0.0
    refusals: int = 0
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class HostRecord:
    """What the batches of all runs share about a host. `leases` are the times until which its places are taken."""

    leases: Mapping[int, float] = field(default_factory=dict)
    cool_down: CoolDown = CoolDown()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChange:
    """A change of a HostRecord at the time `now`, which holds only as a whole.

    `taken` are the leases of places that are free, `returned` those that end now unless another batch has taken
    them since. `cool_down` replaces `seen`.
    """

    now: float
    taken: Mapping[int, float] = field(default_factory=dict)
    returned: Mapping[int, float] = field(default_factory=dict)
    cool_down: CoolDown | None = None
    seen: CoolDown = CoolDown()
