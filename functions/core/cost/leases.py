"""What sharing the limits of hosts costs: the reads and writes of the hosts table for a run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from functions.core.cost import prices
from functions.core.model.options import Options

ITEM_BYTES = 120
"""Size of the record of a host without its places, in bytes."""

PLACE_BYTES = 14
"""Size of a place in it, in bytes: the name and a time in microseconds."""

WRITE_UNIT_BYTES = 1024

BUSY_WRITES = 2
"""Writes in the round of a batch for each busy host: places are taken, and given back."""

BUSY_ROUNDS = 4
"""Rounds of a batch that shares a busy host, most of which find no free place: 3.6 in the simulation of 40 batches,
three at a time (docs/adr/0030-leases.md)."""


@dataclass(frozen=True, slots=True)
class HostsUse:
    """Write and read units of the hosts table."""

    writes: int
    reads: int

    @property
    def dollars(self) -> float:
        return self.writes * prices.TABLE_WRITE.dollars + self.reads * prices.TABLE_READ.dollars


def hosts_use(images: int, hosts: int, options: Options) -> HostsUse:
    """For a run with so many hosts, which have the same share of its rows and are mixed through the list.

    Every round reads the record of each of its hosts, which is none of the images' requests. A host with more rows than
    `host_concurrency` is busy.
    """
    if not images or not hosts:
        return HostsUse(0, 0)
    batches = math.ceil(images / options.batch_size)
    in_batch = min(hosts, options.batch_size, images)
    has_limit = options.host_concurrency > 0 or options.host_rate > 0
    if not has_limit or images / hosts <= options.host_concurrency:
        return HostsUse(0, batches * in_batch)
    rounds = BUSY_ROUNDS if batches > 1 and options.batch_size / in_batch > options.per_host else 1
    units = math.ceil((ITEM_BYTES + PLACE_BYTES * (options.host_concurrency or 1)) / WRITE_UNIT_BYTES)
    return HostsUse(batches * in_batch * BUSY_WRITES * units, batches * in_batch * rounds)


def dollars_by_mix(images: int = prices.MILLION) -> Mapping[int, float]:
    """Dollars for lists of one host, of a hundred, and of a hundred thousand, with default options."""
    return {hosts: hosts_use(images, hosts, Options()).dollars for hosts in (1, 100, 100_000)}
