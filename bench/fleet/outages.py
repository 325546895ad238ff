"""Hosts that fail for a while, beside hosts that do not, on a simulated clock.

One host is down for ten minutes, one is up and down in turn, one asks to wait for an hour. The rows of the other hosts
must end when they would end without those three; the median of their end times is compared. `python -m bench.fleet
outages` prints it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.fleet.simulated_run import Behaviour, SimulatedRun
from functions.core.model.errors import RowError
from functions.core.model.options import Options
from functions.core.model.reasons import Reason

TARGET = 0.05
"""The median end time of the other rows may be so much later, relative to that without the failing hosts."""

DOWN_SECONDS = 600.0
FLAP_SECONDS = 20.0
HOUR_SECONDS = 3600.0


def is_down(now: float) -> RowError | None:
    """Refuses connections for ten minutes."""
    if now < DOWN_SECONDS:
        return RowError(Reason.CONNECT, "Cannot connect to the host: connection refused.")
    return None


def flaps(now: float) -> RowError | None:
    """Answers for twenty seconds, then fails for twenty seconds."""
    if now % (2 * FLAP_SECONDS) >= FLAP_SECONDS:
        return RowError(Reason.HTTP_BUSY, "The server responded with 503.", status=503)
    return None


def asks_for_an_hour(now: float) -> RowError | None:
    """Refuses all requests in the first hour, with `Retry-After: 3600`."""
    if now < HOUR_SECONDS:
        return RowError(Reason.HTTP_BUSY, "The server responded with 429.", status=429, wait=HOUR_SECONDS)
    return None


FAILING: Mapping[str, Behaviour] = {
    "down.example": is_down,
    "flapping.example": flaps,
    "hour.example": asks_for_an_hour,
}


@dataclass(frozen=True, slots=True)
class Lists:
    """`hosts` hosts that work with `rows` rows each, mixed with the rows of the failing hosts, as many each. With few
    failing hosts among many, their rows alone make the run hardly longer."""

    hosts: int = 150
    rows: int = 40

    def urls(self, failing: Sequence[str] = ()) -> list[str]:
        hosts = [*(f"host-{number}.example" for number in range(self.hosts)), *failing]
        return [f"https://{host}/{row}.jpg" for row in range(self.rows) for host in hosts]


OPTIONS = Options(batch_size=60, max_concurrency=8)
"""Smaller than the defaults, so that the run has many more batches than are in progress at once."""


@dataclass(frozen=True, slots=True)
class Outage:
    """`without` and `beside` are the median end times of the other hosts' rows in seconds, `outcomes` the rows of each
    failing host by outcome or reason, `asked` its requests while it failed, `ends` when its last row was stored."""

    without: float
    beside: float
    outcomes: Mapping[str, Counter[str]]
    asked: Mapping[str, int]
    ends: Mapping[str, float]

    @property
    def delay(self) -> float:
        return self.beside / self.without - 1


def simulate(lists: Lists, failing: Mapping[str, Behaviour], *, options: Options = OPTIONS, seed: int) -> Outage:
    without = _run(lists, {}, options, seed)
    beside = _run(lists, failing, options, seed)
    urls = lists.urls(tuple(failing))
    outcomes = beside.files.outcomes()
    if outcomes.keys() != set(range(1, len(urls) + 1)):
        raise RuntimeError(f"{len(urls) - len(outcomes)} of {len(urls)} rows have no outcome.")
    by_host: dict[str, Counter[str]] = {host: Counter() for host in failing}
    for row, url in enumerate(urls, start=1):
        host = url.split("/")[2]
        if host in failing:
            by_host[host][str(outcomes[row].get("reason", outcomes[row]["outcome"]))] += 1
    return Outage(
        without=_median_end(without, failing),
        beside=_median_end(beside, failing),
        outcomes=by_host,
        asked={
            host: sum(fails(time) is not None for time in beside.web.asked[host]) for host, fails in failing.items()
        },
        ends={
            host: max((end for url, end in beside.stored().items() if f"/{host}/" in url), default=0.0)
            for host in failing
        },
    )


def _run(lists: Lists, failing: Mapping[str, Behaviour], options: Options, seed: int) -> SimulatedRun:
    run = SimulatedRun(lists.urls(tuple(failing)), failing, options=options, seed=seed)
    run.run()
    return run


def _median_end(run: SimulatedRun, failing: Mapping[str, Behaviour]) -> float:
    return median(end for url, end in run.stored().items() if url.split("/")[2] not in failing)


def print_outages(environments: int = 0, *, seed: int = 1) -> None:
    """`environments` has no effect: nothing of it runs in a local AWS."""
    outage = simulate(Lists(), FAILING, seed=seed)
    verdict = "" if outage.delay <= TARGET else f", MORE THAN {TARGET:.0%}"
    print(
        f"rows of other hosts: median end {outage.beside:.1f} s, without the failing hosts {outage.without:.1f} s "
        f"({outage.delay:+.1%}{verdict})"
    )
    for host, outcomes in outage.outcomes.items():
        print(
            f"  {host}: {dict(outcomes)}, {outage.asked[host]} requests while it failed, last image after "
            f"{outage.ends[host]:.0f} s",
            flush=True,
        )
