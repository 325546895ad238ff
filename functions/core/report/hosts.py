"""How long the hosts took, of as many hosts as memory allows."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

KEPT = 2000
"""Of more hosts than twice that, those where the least time went are forgotten: figures of a host stay exact as long
as it is kept."""


@dataclass(slots=True)
class HostTime:
    """Images of one host, and the milliseconds of their downloads."""

    host: str
    images: int = 0
    total: int = 0
    longest: int = 0

    @property
    def mean(self) -> float:
        return self.total / self.images

    def add(self, ms: int) -> None:
        self.images += 1
        self.total += ms
        self.longest = max(self.longest, ms)


@dataclass(slots=True)
class HostTimes:
    """By host."""

    _hosts: dict[str, HostTime] = field(default_factory=dict)

    def add(self, host: str, ms: int) -> None:
        self._hosts.setdefault(host, HostTime(host)).add(ms)
        if len(self._hosts) > 2 * KEPT:
            kept = heapq.nlargest(KEPT, self._hosts.values(), key=lambda found: found.total)
            self._hosts = {found.host: found for found in kept}

    def slowest(self, count: int) -> list[HostTime]:
        """By mean time, the slowest first."""
        return heapq.nlargest(count, self._hosts.values(), key=lambda found: found.mean)

    def __len__(self) -> int:
        return len(self._hosts)

    def __iter__(self) -> Iterator[HostTime]:
        return iter(self._hosts.values())
