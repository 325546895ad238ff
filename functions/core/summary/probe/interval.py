"""The confidence interval of a share that is estimated by a sample."""

import math

ALPHA = 0.05
"""Share of the intervals that may miss: they are 95 % intervals."""

MAX_TERMS, PRECISION = 500, 1e-12
MAX_BISECTIONS = 60
"""Halvings of the range from 0 to 1: more than a float has bits."""


def clopper_pearson(share: float, rows: float) -> tuple[float, float]:
    """The interval of Clopper and Pearson (Biometrika 26, 1934) for a `share` of so many rows, which need not be whole.

    It covers the true share in at least 95 of 100 samples of whole rows, also near 0 and 1. With infinitely many rows,
    it has no width.
    """
    if math.isinf(rows):
        return share, share
    hits = share * rows
    low = _quantile(ALPHA / 2, hits, rows - hits + 1) if hits > 0 else 0.0
    high = _quantile(1 - ALPHA / 2, hits + 1, rows - hits) if hits < rows else 1.0
    return low, high


def _quantile(probability: float, a: float, b: float) -> float:
    """The quantile of the beta distribution, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(MAX_BISECTIONS):
        middle = (low + high) / 2
        if _incomplete_beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function (DLMF 8.17), by the continued fraction 8.17.22."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):  # where the fraction of the mirrored function converges faster
        return 1 - _incomplete_beta(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / a / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """The denominator 1 + d1/(1 + d2/(1 + ...)), by the method of Lentz."""
    value, c, d = 1.0, 1.0, 0.0
    for term in range(1, MAX_TERMS):
        m = term // 2
        if term % 2:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + numerator * d or 1e-300)
        c = 1 + numerator / c or 1e-300
        value *= c * d
        if abs(c * d - 1) < PRECISION:
            break
    return value
