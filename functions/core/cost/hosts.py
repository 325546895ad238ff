"""The hosts of a list, each with its limit: which of them decides how long a run takes."""

from collections.abc import Mapping
from dataclasses import dataclass

from functions.core.model.host_limits import HostLimits, binding, option_limit, places, seconds_for
from functions.core.model.options import Options
from functions.core.model.types import HostLimit


@dataclass(frozen=True, slots=True)
class HostLoad:
    """The rows of a host, and its limit."""

    rows: float
    limit: HostLimit
    host: str = ""

    @property
    def is_busy(self) -> bool:
        """True if the host takes part in the limits of the fleet: it has more rows than requests at a time."""
        return 0 < places(self.limit) < self.rows

    def seconds(self, latency_ms: float) -> float:
        """The time that the limit allows for the rows, in seconds; 0 if it does not bind."""
        return seconds_for(self.rows, self.limit, latency_ms / 1000) if self.is_busy else 0.0

    def binding(self, options: Options, latency_ms: float) -> str:
        """The name of the setting or of the option that limits the host; empty if none does."""
        return binding(self.limit, option_limit(options), latency_ms / 1000) if self.is_busy else ""


def host_loads(rows: Mapping[str, int], options: Options, limits: HostLimits) -> list[HostLoad]:
    """One for each host."""
    option = option_limit(options)
    return [HostLoad(count, limits.limit(host, option), host) for host, count in rows.items()]
