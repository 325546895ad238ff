"""Shares of the rows of a list, estimated by a stratified sample: it has the rows of small hosts more often."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from functions.core.model.types import SampleStratum, ShareEstimate
from functions.core.summary.probe.interval import clopper_pearson

SAME = 1e-6
"""Part of a row by which two numbers of rows may differ that are the same: they are sums of floats."""

STRATA_OF_ONE_ROW = -1
"""The group of the rows that are the only one of their stratum."""


@dataclass(frozen=True, slots=True)
class _Weight:
    """A row of the sample stands for the `share` of the list. `rest` is the share of its stratum that is not in the
    sample, `group` the number of the rows with which it is compared: its stratum."""

    share: float
    rest: float
    group: int


@dataclass(frozen=True, slots=True)
class _Variance:
    """Of a sample that is drawn from a list: `with_rest` takes into account that no row is drawn twice (the finite
    population correction), `simple` does not."""

    simple: float
    with_rest: float

    @classmethod
    def of(cls, parts: Iterable[tuple[_Weight, float]], factor: float = 1.0) -> "_Variance":
        """`parts` are the rows with their squared deviations."""
        squares = [(weight.share**2 * deviation, weight.rest) for weight, deviation in parts]
        simple, with_rest = math.fsum(part for part, _ in squares), math.fsum(part * rest for part, rest in squares)
        return cls(simple * factor, with_rest * factor)


class SampleWeights:
    """The weights of the rows of a sample, in their order.

    A stratum with N of the M rows of the list, of which n are in the sample, has the weight N/M, and each of these rows
    N/M/n (W. G. Cochran, Sampling Techniques, 1977, 5.3).
    """

    def __init__(self, strata: Sequence[SampleStratum], stratum_of: Sequence[int]) -> None:
        drawn = Counter(stratum_of)
        total = sum(strata[number]["rows"] for number in drawn)
        weights = {number: _weight(number, strata[number]["rows"], count, total) for number, count in drawn.items()}
        self._rows = total
        self._weights = [weights[number] for number in stratum_of]
        self.shares = [weight.share for weight in self._weights]
        """The share of the list for which each row stands."""

    def estimate(self, hits: Sequence[bool]) -> ShareEstimate:
        """The share of those rows of the list for which this is true, by the rows of the sample.

        The interval is that of Clopper and Pearson for a simple sample with the same variance, as E. L. Korn and B. I.
        Graubard recommend (Survey Methodology 24, 1998), with the finite population correction: a sample with all rows
        of the list has an interval without width. The variance is never taken as less than what unequal weights make of
        it (L. Kish, Survey Sampling, 1965, 11.7): in a sample without failures there seems to be none. The bounds are
        whole numbers of rows, outwards.
        """
        share = math.fsum(weight for weight, hit in zip(self.shares, hits, strict=True) if hit)
        share = 1.0 if all(hits) else min(share, 1.0)  # the weights add up to nearly 1
        by_weights, spread = _Variance.of((weight, 1.0) for weight in self._weights), share * (1 - share)
        rows, ratio = 1 / by_weights.simple, by_weights.with_rest / by_weights.simple
        by_hits = self._variance(hits, spread)
        if by_hits.simple > spread / rows:
            rows, ratio = spread / by_hits.simple, by_hits.with_rest / by_hits.simple
        low, high = clopper_pearson(share, rows)
        factor = math.sqrt(ratio)
        least, most = (share + factor * (bound - share) for bound in (low, high))
        return {
            "share": share,
            "low": max(0.0, min(share, math.floor(least * self._rows + SAME) / self._rows)),
            "high": min(1.0, max(share, math.ceil(most * self._rows - SAME) / self._rows)),
        }

    def _variance(self, hits: Sequence[bool], spread: float) -> _Variance:
        """Of the estimate: Cochran's (5.24). Strata of one row are compared with each other, which makes it larger
        (5A.12)."""
        groups: dict[int, list[tuple[_Weight, bool]]] = defaultdict(list)
        for weight, hit in zip(self._weights, hits, strict=True):
            groups[weight.group].append((weight, hit))
        variances = [_group_variance(rows, spread) for rows in groups.values()]
        return _Variance(sum(each.simple for each in variances), sum(each.with_rest for each in variances))


def _weight(number: int, rows: float, count: int, total: float) -> _Weight:
    return _Weight(rows / total / count, max(0.0, 1 - count / rows), number if count > 1 else STRATA_OF_ONE_ROW)


def _group_variance(rows: Sequence[tuple[_Weight, bool]], spread: float) -> _Variance:
    """`spread` is that of all rows, for a row that has none to be compared with."""
    count = len(rows)
    if count == 1:
        return _Variance.of([(rows[0][0], spread)])
    mean = sum(weight.share for weight, hit in rows if hit) / sum(weight.share for weight, _ in rows)
    return _Variance.of(((weight, (hit - mean) ** 2) for weight, hit in rows), count / (count - 1))
