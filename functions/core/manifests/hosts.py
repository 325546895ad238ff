"""Number of rows of each host, counted while the rows of a manifest are validated."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.core.model.errors import RowError
from functions.core.model.rows import RowRules
from functions.core.model.urls import absolute_url, has_several_urls, host_of, urls_in

MAX_HOSTS = 100_000
"""Maximum number of hosts that are counted at once: about 10 MB, and 40 MB with the longest names."""

KEPT_HOSTS = MAX_HOSTS // 2
"""How many are left after the smallest ones were removed."""

MAX_HOST_CHARACTERS = 300
"""A longer name, with its port, is no host: DNS allows 253 characters (RFC 1035, section 2.3.4)."""

_AFTER_SLASHES = len("https://")
"""Where a slash is looked for that ends the host. That of http:// is shorter by a character, and a host has one."""


@dataclass(frozen=True, slots=True)
class HostCounts:
    """Rows by host, at most MAX_HOSTS of them. `missed` is how many more rows a host may have, and how many one that is
    not among them may have: 0 unless there were too many hosts."""

    rows: Mapping[str, int] = field(default_factory=dict)
    missed: int = 0

    @property
    def total(self) -> int:
        return sum(self.rows.values())

    def plus(self, others: "HostCounts", factor: float) -> "HostCounts":
        """With the rows of the rest of the manifest, of which `others` are one of `factor` parts."""
        rest = others.scaled(factor)
        hosts = dict(self.rows)
        for host, count in rest.rows.items():
            hosts[host] = hosts.get(host, 0) + count
        return HostCounts(hosts, self.missed + rest.missed)

    def scaled(self, factor: float) -> "HostCounts":
        """The counts of a manifest of which these are a part."""
        rows = {host: round(count * factor) for host, count in self.rows.items()}
        return HostCounts(rows, round(self.missed * factor))


class HostCounter:
    """Counts the rows of each host in bounded memory, by the algorithm of Misra and Gries: if there are too many hosts,
    all counts are lowered by the same number, and those without a count are removed.

    A row that fails without a request may be counted, and none is missed for another reason than that.
    """

    def __init__(self, rules: RowRules) -> None:
        self._base_url = rules.base_url
        self._split = rules.split_urls
        self._counts: dict[str, int] = {}
        self._missed = 0

    def add(self, text: str) -> None:
        """Counts the row with this URL. The usual one, of a host that is known, takes 0.2 microseconds."""
        origin = text[: text.find("/", _AFTER_SLASHES)]
        if origin in self._counts and not self._split:
            self._counts[origin] += 1
        else:
            self._add_any(text)

    def add_values(self, value: object) -> None:
        """Counts the rows of a value in JSON: a URL or, with `split_urls`, a list of them."""
        if isinstance(value, str):
            self.add(value)
        elif isinstance(value, list) and self._split:
            for each in value:
                if isinstance(each, str):
                    self._add_url(each)

    def _add_any(self, text: str) -> None:
        if self._split:
            for url in urls_in(text):
                self._add_url(url)
        elif not has_several_urls(text):
            self._add_url(text)

    def _add_url(self, text: str) -> None:
        try:
            url = absolute_url(text, self._base_url)
            host = host_of(url)
        except RowError:
            return
        if len(host) > MAX_HOST_CHARACTERS:
            return
        origin = f"{url.partition(':')[0].lower()}://{host}"
        self._counts[origin] = self._counts.get(origin, 0) + 1
        if len(self._counts) > MAX_HOSTS:
            self._remove_smallest()

    def _remove_smallest(self) -> None:
        removed = sorted(self._counts.values(), reverse=True)[KEPT_HOSTS]
        self._counts = {origin: count - removed for origin, count in self._counts.items() if count > removed}
        self._missed += removed

    def counts(self) -> HostCounts:
        hosts: dict[str, int] = {}
        for origin, count in self._counts.items():
            host = origin.partition("://")[2]
            hosts[host] = hosts.get(host, 0) + count
        return HostCounts(hosts, 2 * self._missed)  # http and https
