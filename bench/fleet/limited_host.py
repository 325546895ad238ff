"""A host that answers eight requests a second and refuses the others with `Retry-After: 1`, default options.

2,000 rows through the whole pipeline, and the same without a limit: the time beside the ideal time, the share of
refused requests, and the billed time of DownloadBatch. The time is that at the host, from its first request to its last
response.
"""

from dataclasses import dataclass

from bench.fleet.counted_hosts import counted_hosts
from bench.fleet.counts import HostCounts
from bench.fleet.crowd import ENVIRONMENTS, billed_seconds, finished_counts, fleet, start_runs
from bench.fleet.simulated_run import Behaviour, SimulatedRun
from bench.rig.rate_limits import RATE, RATE_LIMITS, RateLimit
from bench.rig.servers import listed_requests
from functions.core.model.errors import RowError
from functions.core.model.options import Options
from functions.core.model.reasons import Reason

ROWS = 2000
LATENCY_MS = 200.0
LIMIT = "fixed-window"
HOST = "limited.example"
DEFAULTS = Options()

TIME_TARGET, REFUSED_TARGET, BILLED_TARGET = 1.5, 0.05, 1.3
"""At most: relative to the ideal time, share of all requests, relative to the run without a limit."""


@dataclass(frozen=True, slots=True)
class LimitedRun:
    """`billed` are the billed seconds of DownloadBatch."""

    counts: HostCounts
    stored: int
    billed: float

    @property
    def time_ratio(self) -> float:
        """Relative to the time in which the host answers so many requests."""
        return self.counts.seconds * RATE / ROWS

    @property
    def refused(self) -> float:
        return self.counts.refused / self.counts.requests


def measure(
    limit: str, rows: int = ROWS, latency_ms: float = LATENCY_MS, environments: int = ENVIRONMENTS
) -> LimitedRun:
    """A list of one host in a local AWS of its own."""
    with fleet(environments) as cloud, counted_hosts(1, latency_ms, limit) as (site,):
        urls = [f"{site}/{number}.jpg" for number in range(rows)]
        (arn,) = start_runs(cloud, {"limited": urls}, {})
        outcomes = finished_counts(cloud, arn)
        return LimitedRun(HostCounts.of(listed_requests(site)), outcomes["stored"], billed_seconds(cloud))


@dataclass(frozen=True, slots=True)
class SimulatedLimit:
    """The same on a simulated clock, in a second. `billed` is relative to the run without a limit."""

    stored: int
    time_ratio: float
    refused: float
    billed: float


def simulate(name: str, rows: int = ROWS, *, options: Options = DEFAULTS, seed: int) -> SimulatedLimit:
    """A list of one host with a limit of `bench.rig.rate_limits`."""
    urls = [f"https://{HOST}/{number}.jpg" for number in range(rows)]
    refusals: list[float] = []
    limited = SimulatedRun(urls, {HOST: _limited(RATE_LIMITS[name], refusals)}, options=options, seed=seed)
    unlimited = SimulatedRun(urls, {}, options=options, seed=seed)
    for run in (limited, unlimited):
        run.run()
    times, ends = limited.web.asked[HOST], limited.bucket.stored.values()
    return SimulatedLimit(
        stored=len(ends),
        time_ratio=(max(ends) - min(times)) * RATE / rows,
        refused=len(refusals) / len(times),
        billed=limited.billed / unlimited.billed,
    )


def _limited(limit: RateLimit, refusals: list[float]) -> Behaviour:
    limiter, wait = limit.make(), 1.0 if limit.headers() else None

    def answer(now: float) -> RowError | None:
        if limiter.allows(now):
            return None
        refusals.append(now)
        return RowError(Reason.HTTP_BUSY, f"The server responded with {limit.status}.", status=limit.status, wait=wait)

    return answer


def print_limited_host(environments: int = ENVIRONMENTS) -> None:
    unlimited = measure("", environments=environments)
    limited = measure(LIMIT, environments=environments)
    figures = (
        ("of the ideal time", limited.time_ratio, TIME_TARGET),
        ("of the requests refused", limited.refused, REFUSED_TARGET),
        ("of the billed time without a limit", limited.billed / unlimited.billed, BILLED_TARGET),
    )
    print(
        f"{LIMIT}, {LATENCY_MS:.0f} ms: {limited.stored} of {ROWS} rows stored in {limited.counts.seconds:.0f} s with "
        f"{limited.counts.requests} requests; DownloadBatch {limited.billed:.1f} s, without a limit "
        f"{unlimited.billed:.1f} s"
    )
    for meaning, ratio, target in figures:
        print(f"  {ratio:.1%} {meaning}, target {target:.0%}{'' if ratio <= target else ': MISSED'}", flush=True)
