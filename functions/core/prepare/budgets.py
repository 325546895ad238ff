"""The hosts that limit a run: those with more rows than requests that may be under way to them, and what follows.

Their limits are in the input of each batch, and the run gets no more concurrent batches than these hosts can use.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.core.manifests.hosts import HostCounts
from functions.core.model.host_limits import (
    NO_LIMIT,
    HostLimits,
    binding,
    limit_text,
    option_limit,
    places,
    seconds_for,
    usable_batches,
)
from functions.core.model.options import Options
from functions.core.model.types import HostLimit

MAX_INLINE_HOSTS, MAX_INLINE_BYTES = 20, 2000
"""Number of busy hosts, and size of their JSON in bytes, up to which they are in the input of each batch."""

HOSTS_FILE = "hosts.json"
"""Name of the file of a run that has more busy hosts."""

ASSUMED_LATENCY_SECONDS = 0.2
"""Time of a request in seconds, by which a limit of requests under way is compared with one of requests a second. An
assumption."""


@dataclass(frozen=True, slots=True)
class HostBudgets:
    """`busy` are the limits by host. If the rows were not read, they are `unknown`: then `busy` has those of suffixes.

    The run can use `batches` at once. `note` says why these are fewer than it requests.
    """

    batches: int
    busy: Mapping[str, HostLimit] = field(default_factory=dict)
    unknown: bool = False
    note: str = ""

    def values(self) -> dict[str, list[float]]:
        """The limits as in the input of a batch."""
        return {host: [limit.concurrency, limit.rate] for host, limit in self.busy.items()}

    def has_queue(self, rows: int | None, batch_size: int, batches: int) -> bool:
        """Whether batches of other hosts wait for a place of the Map, which one that waits for a host would delay. Not
        if the run has few batches because of a host: then most rows are of that host."""
        return not self.note and (rows is None or rows > batch_size * batches)

    @property
    def is_long(self) -> bool:
        return len(self.busy) > MAX_INLINE_HOSTS or len(json.dumps(self.values())) > MAX_INLINE_BYTES


def host_budgets(counts: HostCounts | None, options: Options, limits: HostLimits) -> HostBudgets:
    """The budgets of a run. `counts` is None if its rows were not read."""
    option = option_limit(options)
    if counts is None:
        by_suffix = limits.by_suffix(option)
        return HostBudgets(options.max_concurrency, by_suffix, unknown=option != NO_LIMIT or bool(by_suffix))
    busy = {host: limit for host, rows in counts.rows.items() if 0 < places(limit := limits.limit(host, option)) < rows}
    return _lowered(HostBudgets(options.max_concurrency, busy), counts, options)


def _lowered(budgets: HostBudgets, counts: HostCounts, options: Options) -> HostBudgets:
    """With fewer batches if one host decides how long the run takes: more would only wait for it."""
    if not budgets.busy:
        return budgets
    host = max(
        budgets.busy, key=lambda name: seconds_for(counts.rows[name], budgets.busy[name], ASSUMED_LATENCY_SECONDS)
    )
    limit, rows = budgets.busy[host], counts.total
    batches = usable_batches(counts.rows[host], limit, rows, options, ASSUMED_LATENCY_SECONDS)
    if batches >= min(options.max_concurrency, math.ceil(rows / options.batch_size)):
        return budgets
    return HostBudgets(batches, budgets.busy, note=_note(batches, host, limit, counts, options))


def _note(batches: int, host: str, limit: HostLimit, counts: HostCounts, options: Options) -> str:
    share = f"{100 * counts.rows[host] / counts.total:.0f} %"
    name = binding(limit, option_limit(options), ASSUMED_LATENCY_SECONDS)
    change = "" if name == "host_limits" else f" If the host is yours, set a higher {name}."
    return (
        f"At most {batches} batches run at once instead of {options.max_concurrency}: {share} of the rows are of the "
        f"host {host}, which gets {limit_text(limit)} ({name}). More batches would only wait for it.{change}"
    )
