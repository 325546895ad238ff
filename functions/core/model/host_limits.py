"""The limit of a host over the whole deployment: by the options of the run, and by the setting `host_limits`.

The setting names hosts by the end of their names: `example.org` is the host of this name, and every host under it.
"""

import json
import math
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from functions.core.model.options import Options
from functions.core.model.types import HostLimit

N = TypeVar("N", int, float)

NO_LIMIT = HostLimit(0)

PLACE_SECONDS = 2.0
"""A host with a rate gets so many requests under way as it starts in this time, in seconds: enough where a request
takes no longer. Of many places, each would wait for long between two requests."""

MAX_PLACES = 256
"""Maximum number of requests under way to a host that has a limit."""

_PORT = re.compile(r":\d*$")
_ADDRESS = re.compile(r"[\d.]+|\[.*\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class HostRule:
    """An entry of the setting; None leaves the option of the run as it is. Without `override`, the stricter holds."""

    concurrency: int | None = None
    rate: float | None = None
    override: bool = False

    def limit(self, option: HostLimit) -> HostLimit:
        """The limit of a host in a run whose options say `option`."""
        if self.override:
            return HostLimit(
                option.concurrency if self.concurrency is None else self.concurrency,
                option.rate if self.rate is None else self.rate,
            )
        return HostLimit(_stricter(option.concurrency, self.concurrency), _stricter(option.rate, self.rate))


@dataclass(frozen=True, slots=True)
class HostLimits:
    """The setting `host_limits`: the entries by suffix."""

    rules: Mapping[str, HostRule]

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the JSON of `as_text`. Raises ValueError."""
        try:
            return cls({suffix: HostRule(*rule) for suffix, rule in json.loads(text).items()})
        except (AttributeError, TypeError) as error:
            raise ValueError(str(error)) from error

    def as_text(self) -> str:
        """As JSON: the environment variables of a function have 4 KB together."""
        rules = {suffix: [rule.concurrency, rule.rate, rule.override] for suffix, rule in self.rules.items()}
        return json.dumps(rules, separators=(",", ":"))

    def limit(self, address: str, option: HostLimit) -> HostLimit:
        """The limit of a host, given as `host_of` returns it."""
        suffix = longest_suffix(address, self.rules)
        return option if suffix is None else self.rules[suffix].limit(option)

    def by_suffix(self, option: HostLimit) -> Mapping[str, HostLimit]:
        """The limit of the hosts of each entry, in a run whose options say `option`."""
        return {suffix: rule.limit(option) for suffix, rule in self.rules.items()}


NO_HOST_LIMITS = HostLimits({})


def option_limit(options: Options) -> HostLimit:
    """The limit of each host that the options of a run set."""
    return HostLimit(options.host_concurrency, options.host_rate)


def places(limit: HostLimit) -> int:
    """The number of requests that may be under way to a host of this limit; 0 if there is no limit."""
    if not limit.rate:
        return limit.concurrency
    by_rate = max(1, math.ceil(limit.rate * PLACE_SECONDS))
    return min(limit.concurrency or MAX_PLACES, by_rate)


def seconds_for(rows: float, limit: HostLimit, latency_seconds: float) -> float:
    """The time that a host of this limit needs for so many rows, in seconds."""
    by_places = rows * latency_seconds / places(limit) if places(limit) else 0.0
    return max(by_places, rows / limit.rate if limit.rate else 0.0)


def usable_batches(host_rows: float, limit: HostLimit, rows: float, options: Options, latency_seconds: float) -> int:
    """The number of batches at once that a run can use, if `host_rows` of its rows are of one host that decides how
    long it takes: enough for all places of the host, and for all rows in the time that it needs; and one more, which
    begins while another one ends."""
    for_places = math.ceil(places(limit) / min(options.per_host, options.batch_size, places(limit)))
    seconds = seconds_for(host_rows, limit, latency_seconds)
    for_rows = math.ceil(rows * latency_seconds / (options.concurrency * seconds)) if seconds else rows
    return int(max(for_places, for_rows)) + 1


def binding(limit: HostLimit, option: HostLimit, latency_seconds: float) -> str:
    """The name of the setting or of the option that decides how fast a host is asked."""
    if limit != option:
        return "host_limits"
    by_rate = seconds_for(1, limit, latency_seconds) > seconds_for(1, HostLimit(limit.concurrency), latency_seconds)
    return "host_rate" if by_rate else "host_concurrency"


def limit_text(limit: HostLimit) -> str:
    """A limit in words, such as "at most 16 requests at a time"."""
    rate = f"{limit.rate:g} requests a second"
    if not limit.concurrency:
        return f"at most {rate}"
    requests = "1 request" if limit.concurrency == 1 else f"{limit.concurrency} requests"
    return f"at most {requests} at a time" + (f" and {rate}" if limit.rate else "")


def limit_of(address: str, limits: Mapping[str, HostLimit]) -> HostLimit | None:
    """The limit of the longest suffix of a host. None if there is none."""
    suffix = longest_suffix(address, limits)
    return None if suffix is None else limits[suffix]


def as_limit(values: Sequence[float]) -> HostLimit:
    concurrency, rate = values
    return HostLimit(int(concurrency), float(rate))


def longest_suffix(address: str, suffixes: Container[str]) -> str | None:
    """The longest of `suffixes` that is the host of an address, or its end after a dot. A port is ignored.

    An IP address has no suffix but itself.
    """
    name = host = _PORT.sub("", address).removesuffix(".")
    while name:
        if name in suffixes:
            return name
        name = "" if _ADDRESS.fullmatch(host) else name.partition(".")[2]
    return None


def _stricter(first: N, second: N | None) -> N:
    """0 is no limit."""
    return min((limit for limit in (first, second) if limit), default=first)
