"""A random sample of the rows of a list, for a probe: every host gets some of them, and none gets too many.

The rows of a host are a stratum if it gets at least one row of the sample; all other rows are one stratum together. In
a stratum, each row has the same chance, and `core.summary.probe` weights the rows by it.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from functions.core.model.errors import RowError
from functions.core.model.rows import RowRules, url_text
from functions.core.model.types import SampleStratum
from functions.core.model.urls import absolute_url, host_of

OTHERS = ""
"""Name of the stratum of the rows whose host has none of its own, and of the rows without a host."""

MAX_KNOWN_ORIGINS = 50_000
"""Number of origins whose stratum is remembered, so that it is looked up by the beginning of the next URL."""

_AFTER_SLASHES = len("https://")

SampledRow = tuple[int, object, str]
"""The number of a row in the list, its item and its host."""


def allocate(counts: Mapping[str, int], rows: int, size: int) -> dict[str, int]:
    """How many rows of a sample of `size` each host with a stratum gets, and OTHERS. `rows` are those of the list.

    Half of the sample is shared out in proportion to the rows of the hosts, half equally: the compromise of Costa,
    Satorra and Ventura (SORT 28, 2004). So a host with most of the rows gets half of the sample and not most of it, the
    small ones are seen, and no row has less than half of the chance that it has without regard to hosts.
    """
    if size >= rows:
        return {OTHERS: size}
    known = {**counts, OTHERS: max(0, rows - sum(counts.values()))}
    known = {host: count for host, count in known.items() if count}
    shares = {host: count / rows + 1 / len(known) for host, count in known.items()}
    level = _level(known, shares, size)
    allocation: dict[str, int] = {}
    total = 0.0
    for host, share in shares.items():
        ideal = min(known[host], level * share)
        if host != OTHERS and ideal >= 1:
            before, total = round(total), total + ideal
            allocation[host] = round(total) - before  # rounded up or down, so that the sum is right
    return {**allocation, OTHERS: max(1, size - round(total))}


def _level(counts: Mapping[str, int], shares: Mapping[str, float], size: int) -> float:
    """The factor by which the shares add up to the size, if no host gets more rows than it has."""
    remaining, sum_of_shares = float(size), sum(shares.values())
    for host in sorted(shares, key=lambda name: counts[name] / shares[name]):
        if counts[host] * sum_of_shares >= remaining * shares[host]:
            break
        remaining, sum_of_shares = remaining - counts[host], sum_of_shares - shares[host]
    return remaining / sum_of_shares


@dataclass(slots=True)
class _Stratum:
    """`rows` is a random sample of up to `size` of the rows that were `seen`."""

    host: str
    size: int
    seen: int = 0
    rows: list[SampledRow] = field(default_factory=list)

    def add(self, row: SampledRow, chance: random.Random) -> None:
        """Vitter's algorithm R (ACM TOMS 11, 1985): memory for the sample alone."""
        self.seen += 1
        if len(self.rows) < self.size:
            self.rows.append(row)
        elif (index := int(chance.random() * self.seen)) < self.size:
            self.rows[index] = row


@dataclass(frozen=True, slots=True)
class Sample:
    """`rows` in the order of the list, and `stratum_of` has the number of the stratum of each."""

    strata: list[SampleStratum]
    rows: list[SampledRow]
    stratum_of: list[int]

    def scaled(self, factor: float) -> "Sample":
        """If the strata were seen in a part of the list only."""
        strata: list[SampleStratum] = [{**each, "rows": each["rows"] * factor} for each in self.strata]
        return Sample(strata, self.rows, self.stratum_of)


def draw(rows: Iterable[tuple[int, object]], allocation: Mapping[str, int], rules: RowRules, seed: int) -> Sample:
    """The sample of numbered rows. The same seed draws the same rows."""
    chance = random.Random(seed)
    strata = {host: _Stratum(host, size) for host, size in allocation.items()}
    for number, item, host in _with_hosts(rows, rules):
        stratum = strata.get(host) or strata[OTHERS]
        stratum.add((number, item, host), chance)
    drawn = sorted(
        ((row[0], index, row) for index, stratum in enumerate(strata.values()) for row in stratum.rows),
        key=lambda each: each[:2],
    )
    return Sample(
        [{"host": stratum.host, "rows": stratum.seen} for stratum in strata.values()],
        [row for _, _, row in drawn],
        [index for _, index, _ in drawn],
    )


def _with_hosts(rows: Iterable[tuple[int, object]], rules: RowRules) -> Iterator[SampledRow]:
    """The rows with their hosts, which are OTHERS for rows without one. The usual row takes a look-up."""
    known: dict[str, str] = {}
    for number, item in rows:
        try:
            text = url_text(item, rules)
        except RowError:
            yield number, item, OTHERS
            continue
        end = text.find("/", _AFTER_SLASHES)
        host = known.get(text[:end]) if end > 0 else None
        if host is None:
            host = _host(text, rules)
            if host != OTHERS and end > 0 and len(known) < MAX_KNOWN_ORIGINS and not rules.base_url:
                known[text[:end]] = host
        yield number, item, host


def _host(text: str, rules: RowRules) -> str:
    try:
        return host_of(absolute_url(text, rules.base_url))
    except RowError:
        return OTHERS
