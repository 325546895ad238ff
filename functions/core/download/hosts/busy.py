"""The busy hosts of a run: those with more rows in its manifest than they get requests at once."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.core.model.errors import StorageFault
from functions.core.model.host_limits import as_limit, limit_of, places
from functions.core.model.types import BatchRun, HostLimit, JsonValue

FILE = "hosts.json"
"""Name of the file that has them where they are too many for the input of a batch."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunLimits:
    """The limits of the busy hosts of a run. If PrepareRun has not read the rows, `limits` are those of ends of names,
    and `option` is that of all other hosts."""

    limits: Mapping[str, HostLimit] = field(default_factory=dict)
    option: HostLimit | None = None

    def of_batch(self, rows: Mapping[str, int]) -> Mapping[str, HostLimit]:
        """The limits by name. `rows` are those of the batch, by host: in a run whose rows were not read, a host is busy
        in a batch that has more of its rows than its limit."""
        if self.option is None:
            return self.limits
        found = ((host, limit_of(host, self.limits) or self.option, count) for host, count in rows.items())
        return {host: limit for host, limit, count in found if 0 < places(limit) < count}


class BusyHosts:
    """Keeps the last file: an execution environment has many batches of a run, one after the other."""

    def __init__(self) -> None:
        self._kept: tuple[str, RunLimits] = ("", RunLimits())

    def of(self, run: BatchRun, option: HostLimit, read_json: Callable[[str], JsonValue]) -> RunLimits:
        """Without the file, the batch takes no places: each batch has its own limit (`per_host`) only."""
        unknown = option if run.get("busy_hosts_unknown") else None
        if not run.get("busy_hosts_file"):
            return RunLimits(host_limits(run.get("busy_hosts", {})), unknown)
        run_id, limits = self._kept
        if run_id != run["id"]:
            try:
                limits = RunLimits(host_limits(read_json(FILE)), unknown)
            except (StorageFault, ValueError, TypeError, AttributeError) as error:
                logger.warning(
                    "The batch takes no places at hosts: runs/%s/%s cannot be read: %s", run["id"], FILE, error
                )
                return RunLimits()
            self._kept = run["id"], limits
        return limits


def host_limits(values: Any) -> Mapping[str, HostLimit]:  # Any: JSON that PrepareRun has written
    """Raises ValueError, TypeError or AttributeError for anything else than lists of two numbers by name."""
    return {host: as_limit(limit) for host, limit in values.items()}
