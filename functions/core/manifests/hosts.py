"""Number of rows of each host, counted while the rows of a manifest are validated."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nlargest
from operator import itemgetter

from functions.core.model.errors import RowError
from functions.core.model.rows import RowRules
from functions.core.model.urls import absolute_url, has_several_urls, host_of, urls_in

MAX_HOSTS = 100_000
"""Maximum number of hosts that are counted at once: about 10 MB, and 40 MB with the longest names."""

KEPT_HOSTS = MAX_HOSTS // 2
"""How many are left after the smallest ones were removed."""

REMOVED_CELLS = 2**21
"""Number of sums in which the rows of removed hosts are kept, 4 bytes each."""

MIN_SEEN = 4
"""A host that was seen less often in a part of a manifest is not estimated from it: it may have no other row."""

MAX_HOST_CHARACTERS = 300
"""A longer name, with its port, is no host: DNS allows 253 characters (RFC 1035, section 2.3.4)."""

_AFTER_SLASHES = len("https://")
"""Where a slash is looked for that ends the host. That of http:// is shorter by a character, and a host has one."""


@dataclass(frozen=True, slots=True)
class HostCounts:
    """Rows by host, of at most MAX_HOSTS hosts, and the `total` of all rows."""

    rows: Mapping[str, int] = field(default_factory=dict)
    total: int = 0

    def plus(self, others: "HostCounts") -> "HostCounts":
        """The sum of both. Of too many hosts, those with the most rows."""
        rows = dict(self.rows)
        for host, count in others.rows.items():
            rows[host] = rows.get(host, 0) + count
        if len(rows) > MAX_HOSTS:
            rows = dict(nlargest(KEPT_HOSTS, rows.items(), key=itemgetter(1)))
        return HostCounts(rows, self.total + others.total)

    def scaled(self, factor: float) -> "HostCounts":
        """An estimate for a manifest of which this part was counted."""
        rows = {host: round(count * factor) if count >= MIN_SEEN else count for host, count in self.rows.items()}
        return HostCounts(rows, round(self.total * factor))


class HostCounter:
    """Counts the rows of each host in bounded memory.

    If there are too many hosts, those with the fewest rows are removed. The largest number of rows is kept for all
    removed hosts with the same hash: a host that returns, or a new one, begins with it. So a host has its rows, or some
    more; only one that does not return is missing. A row that fails without a request may be counted.
    """

    def __init__(self, rules: RowRules) -> None:
        self._base_url = rules.base_url
        self._split = rules.split_urls
        self._counts: dict[str, int] = {}
        self._removed = array("I")
        self._removed_rows = 0

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
        self._counts[origin] = self._counts.get(origin, 0) + 1 + self._returned(origin)
        if len(self._counts) > MAX_HOSTS:
            self._remove_smallest()

    def _returned(self, origin: str) -> int:
        """The rows that a host had when it was removed. Python's hash cannot be foreseen by the author of a list."""
        if not self._removed or origin in self._counts:
            return 0
        count = self._removed[hash(origin) % REMOVED_CELLS]
        self._removed_rows -= count
        return count

    def _remove_smallest(self) -> None:
        self._removed = self._removed or array("I", bytes(4 * REMOVED_CELLS))
        smallest = sorted(self._counts, key=self._counts.__getitem__)[: len(self._counts) - KEPT_HOSTS]
        for origin in smallest:
            count, cell = self._counts.pop(origin), hash(origin) % REMOVED_CELLS
            self._removed[cell] = max(count, self._removed[cell])
            self._removed_rows += count

    def counts(self) -> HostCounts:
        hosts: dict[str, int] = {}
        for origin, count in self._counts.items():
            host = origin.partition("://")[2]
            hosts[host] = hosts.get(host, 0) + count
        return HostCounts(hosts, sum(hosts.values()) + self._removed_rows)
