"""The budget of each host under many runs, counted at the hosts: with it, without it, and with a rate.

Three hosts, twelve runs over overlapping lists, and as many environments of DownloadBatch as are set. Without the
budget the same count must be above the limit, otherwise it shows nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.fleet.counted_hosts import counted_hosts
from bench.fleet.counts import HostCounts, by_host
from bench.fleet.crowd import ENVIRONMENTS, Crowd, all_counts, fleet, start_crowd
from bench.rig.servers import listed_requests
from local.aws.cloud import Cloud

HOSTS = 3
LATENCY_MS = 500.0
"""So slow that the machine has little to do: 16 places at three hosts are 96 requests a second."""

TARGET = 0.9
"""Share of what the limit allows."""

PLACES = 16
RATE = 20


@dataclass(frozen=True, slots=True)
class Budget:
    """Options of the runs, and what they allow at one host: requests at once, and requests in any second."""

    options: Mapping[str, str]
    places: int | None = None
    rate: int | None = None
    crowd: Crowd = field(default_factory=Crowd)

    def is_held(self, counts: HostCounts) -> bool:
        """One request more in a second is that at the edge of the second."""
        at_once = self.places is None or counts.most_at_once <= self.places
        return at_once and (self.rate is None or counts.most_in_a_second <= self.rate + 1)

    def share(self, counts: HostCounts) -> float | None:
        """The use of what is allowed: of the rate if there is one, otherwise of the places."""
        if self.rate is not None:
            return counts.rate / self.rate
        return counts.under_way / self.places if self.places else None


BUDGETS: Mapping[str, Budget] = {
    "off": Budget({"host-concurrency": "0"}, crowd=Crowd(rows=200, batch_size=50)),
    "on": Budget({}, places=PLACES, crowd=Crowd(rows=2000, batch_size=500)),
    "rate": Budget({"host-rate": str(RATE)}, places=PLACES, rate=RATE, crowd=Crowd(rows=1000, batch_size=250)),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """`hosts` are the counts of each host, `outcomes` the rows of all runs."""

    budget: Budget
    hosts: Sequence[HostCounts]
    outcomes: Mapping[str, int]

    @property
    def is_held(self) -> bool:
        return all(map(self.budget.is_held, self.hosts))

    @property
    def share(self) -> float | None:
        """That of the host which is used least."""
        shares = [share for share in map(self.budget.share, self.hosts) if share is not None]
        return min(shares, default=None)


def measure(cloud: Cloud, budget: Budget, latency_ms: float = LATENCY_MS) -> Measured:
    """New hosts for each measurement: what the hosts table knows of others has no effect."""
    with counted_hosts(HOSTS, latency_ms) as sites:
        outcomes = all_counts(cloud, start_crowd(cloud, budget.crowd, sites, budget.options))
        hosts = by_host(listed_requests(sites[0]))
    return Measured(budget, [HostCounts.of(requests) for _, requests in sorted(hosts.items())], outcomes)


def print_budgets(environments: int = ENVIRONMENTS, names: Sequence[str] = tuple(BUDGETS)) -> None:
    for name in names:
        with fleet(environments) as cloud:
            measured = measure(cloud, BUDGETS[name])
        print(f"budget {name}: {_verdict(measured)}; rows {dict(measured.outcomes)}")
        for counts in measured.hosts:
            print(
                f"  {counts.requests} requests ({counts.repeated} repeated, {counts.robots} for robots.txt) in "
                f"{counts.seconds:.1f} s, at most {counts.most_at_once} at once and {counts.most_in_a_second} in a "
                f"second, on average {counts.under_way:.1f} at once",
                flush=True,
            )


def _verdict(measured: Measured) -> str:
    if measured.share is None:
        most = max(counts.most_at_once for counts in measured.hosts)
        return f"without a limit {most} at once, where {PLACES} are allowed with it"
    held = "held" if measured.is_held else "NOT HELD"
    target = "" if measured.share >= TARGET else f", LESS THAN {TARGET:.0%}"
    return f"limit {held}, {measured.share:.0%} of what it allows{target}"
