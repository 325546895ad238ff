"""The hosts that stand out: those at which more rows fail, or downloads take longer, than in the run as a whole."""

import math
from dataclasses import dataclass

from functions.core.model.types import RunSummary
from functions.core.report.aggregates import SlowHosts
from functions.core.report.formatting import number, plural, seconds
from functions.core.report.state import not_attempted

MAX_HOSTS = 10
"""Hosts in the table."""

MIN_FAILURES = 3
DEVIATIONS = 4.0
"""A host stands out if at least so many of its rows failed, and so many standard deviations more than would if failures
were the same at all hosts."""

SLOW_FACTOR, SLOW_MS = 3.0, 500.0
"""A host is slow if its mean time is so many times that of all hosts, and at least so long."""


@dataclass(frozen=True, slots=True)
class Host:
    """`ms` is the mean download time in milliseconds, 0 if nothing was stored. `why` is a sentence."""

    name: str
    stored: int
    failed: int
    ms: float
    why: str


def standing_out(summary: RunSummary, hosts: SlowHosts) -> list[Host]:
    """Hosts with failures first, then slow ones. A run with one host has none, and so has one that was cancelled
    before most of its rows: its rows without an outcome are counted as failed."""
    found = {host.name: host for host in _failing(summary, hosts)}
    for host in _slow(hosts):
        found.setdefault(host.name, host)
    return [*found.values()][:MAX_HOSTS]


def _failing(summary: RunSummary, hosts: SlowHosts) -> list[Host]:
    attempted = summary["stored"] + summary["failed"]
    if not attempted or not_attempted(summary):
        return []
    share = summary["failed"] / attempted
    found = []
    for name, failed in summary["failures_by_host"].items():
        times = hosts.of(name)
        rows = times.images + failed
        if failed >= MIN_FAILURES and failed > rows * share + DEVIATIONS * math.sqrt(rows * share * (1 - share)):
            which = f"All {number(rows)}" if failed == rows else f"{number(failed)} of {number(rows)}"
            found.append(Host(name, times.images, failed, times.mean, f"{which} rows failed."))
    return found


def _slow(hosts: SlowHosts) -> list[Host]:
    usual = hosts.all()
    bound = max(SLOW_MS, SLOW_FACTOR * usual.mean)
    return [
        Host(times.host, times.images, 0, times.mean, _slow_sentence(times.images, times.mean, usual.mean))
        for times in hosts.slowest(MAX_HOSTS)
        if times.mean >= bound
    ]


def _slow_sentence(images: int, ms: float, usual: float) -> str:
    mean, of_all = seconds(ms / 1000), seconds(usual / 1000)
    return f"A download took {mean} on average over {plural(images, 'image')}; over all hosts {of_all}."
