"""The busy hosts of a run: those with more rows in its manifest than they get requests at once."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from functions.core.model.errors import StorageFault
from functions.core.model.types import BatchRun, HostLimit, JsonValue

FILE = "hosts.json"
"""Name of the file that has them where they are too many for the input of a batch."""

logger = logging.getLogger(__name__)


class BusyHosts:
    """Keeps the last file: an execution environment has many batches of a run, one after the other."""

    def __init__(self) -> None:
        self._kept: tuple[str, Mapping[str, HostLimit]] = ("", {})

    def of(self, run: BatchRun, read_json: Callable[[str], JsonValue]) -> Mapping[str, HostLimit]:
        """Without the file, the batch takes no places: each batch has its own limit (`per_host`) only."""
        if not run.get("busy_hosts_file"):
            return host_limits(run.get("busy_hosts", {}))
        run_id, limits = self._kept
        if run_id != run["id"]:
            try:
                limits = host_limits(read_json(FILE))
            except (StorageFault, ValueError, TypeError, AttributeError) as error:
                logger.warning(
                    "The batch takes no places at hosts: runs/%s/%s cannot be read: %s", run["id"], FILE, error
                )
                return {}
            self._kept = run["id"], limits
        return limits


def host_limits(values: Any) -> Mapping[str, HostLimit]:  # Any: JSON that PrepareRun has written
    """Raises ValueError, TypeError or AttributeError for anything else than lists of two numbers by name."""
    return {host: HostLimit(int(concurrency), float(rate)) for host, (concurrency, rate) in values.items()}
