"""The estimate of a share: unbiased, and inside its interval in 19 of 20 samples, however the hosts differ."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.rows import DEFAULT_RULES
from functions.core.model.types import SampleStratum
from functions.core.prepare.sampling import allocate, draw
from functions.core.summary.probe.shares import SampleWeights

SEEDS = 200
SAMPLE = 300

Spec = Sequence[tuple[str, int, float]]
"""Hosts with their rows, and the probability that one of them succeeds."""


def _small(count: int, rows: int, success: float) -> Spec:
    return [(f"small{number}", rows, success) for number in range(count)]


def _power_law() -> Spec:
    chance = random.Random(1)
    return [(f"h{rank}", max(1, 1500 // rank), chance.choice([1.0, 1.0, 1.0, 0.8, 0.2])) for rank in range(1, 300)]


LISTS: Mapping[str, Callable[[], Spec]] = {
    "one host": lambda: [("a", 4000, 0.9)],
    "nearly no failure": lambda: [("a", 4000, 0.99)],
    "one host with 90 % of the rows and a small one that fails": lambda: [
        *[("big", 4500, 0.95), ("bad", 250, 0.0)],
        *_small(50, 5, 0.9),
    ],
    "a big host that fails": lambda: [("big", 4500, 0.05), *_small(50, 10, 0.98)],
    "5,000 hosts of one row": lambda: _small(5000, 1, 0.8),
    "hosts that answer always or never": lambda: [(f"h{number}", 30, float(number % 7 != 0)) for number in range(150)],
    "hosts by a power law": _power_law,
    "a sample of nearly all rows": lambda: [(f"h{number}", 33, 0.9) for number in range(10)],
}


@dataclass(frozen=True)
class List:
    rows: list[tuple[int, object]]
    succeeds: Mapping[str, bool]
    counts: Counter[str]

    @classmethod
    def of(cls, spec: Spec) -> "List":
        chance = random.Random(7)
        urls = [(f"http://{host}.example/{n}", chance.random() < p) for host, rows, p in spec for n in range(rows)]
        chance.shuffle(urls)
        counts = Counter({f"{host}.example": rows for host, rows, _ in spec})
        return cls(list(enumerate((url for url, _ in urls), start=1)), dict(urls), counts)

    @property
    def true_share(self) -> float:
        return sum(self.succeeds.values()) / len(self.rows)


@pytest.mark.parametrize("name", LISTS)
def test_the_true_share_is_inside_the_interval_in_19_of_20_samples(name: str) -> None:
    urls = List.of(LISTS[name]())
    allocation = allocate(urls.counts, len(urls.rows), SAMPLE)
    covered, total, widths = 0, 0.0, 0.0

    for seed in range(SEEDS):
        sample = draw(urls.rows, allocation, DEFAULT_RULES, seed)
        hits = [urls.succeeds[str(item)] for _, item, _ in sample.rows]
        estimate = SampleWeights(sample.strata, sample.stratum_of).estimate(hits)
        covered += estimate["low"] <= urls.true_share <= estimate["high"]
        total += estimate["share"]
        widths += estimate["high"] - estimate["low"]

    print(f"{name}: inside in {covered / SEEDS:.3f} of {SEEDS} samples, width {widths / SEEDS:.3f}")  # noqa: T201
    assert covered / SEEDS >= 0.93
    assert total / SEEDS == pytest.approx(urls.true_share, abs=0.01), "it is not biased"
    assert widths / SEEDS < 0.13


def test_a_sample_of_all_rows_has_an_interval_without_width() -> None:
    weights = SampleWeights([{"host": "", "rows": 4}], [0, 0, 0, 0])

    assert weights.estimate([True, True, False, True]) == {"share": 0.75, "low": 0.75, "high": 0.75}


def test_a_host_of_which_all_rows_were_drawn_adds_nothing_to_the_width() -> None:
    strata = [{"host": "a.example", "rows": 50}, {"host": "b.example", "rows": 50}]
    whole = SampleWeights(strata, [0] * 50 + [1] * 20)  # type: ignore[arg-type]
    part = SampleWeights(strata, [0] * 20 + [1] * 20)  # type: ignore[arg-type]

    hits = [True, False] * 10
    of_whole, of_part = whole.estimate([True] * 50 + hits), part.estimate([True] * 20 + hits)

    assert of_whole["share"] == of_part["share"] == 0.75
    assert of_whole["high"] - of_whole["low"] < of_part["high"] - of_part["low"]


def test_a_row_counts_as_many_rows_as_it_stands_for() -> None:
    weights = SampleWeights([{"host": "a.example", "rows": 900}, {"host": "b.example", "rows": 100}], [0, 1, 0])

    assert weights.shares == [0.45, 0.1, 0.45]
    assert weights.estimate([True, False, True])["share"] == pytest.approx(0.9)


@pytest.mark.parametrize(("hits", "bound"), [([True] * 30, "low"), ([False] * 30, "high")])
def test_a_sample_in_which_all_is_equal_is_not_taken_as_certain(hits: list[bool], bound: str) -> None:
    estimate = SampleWeights([{"host": "a.example", "rows": 1000}], [0] * 30).estimate(hits)

    assert abs(estimate[bound] - estimate["share"]) > 0.05  # type: ignore[literal-required]


def test_a_single_row_of_a_list_says_nearly_nothing() -> None:
    estimate = SampleWeights([{"host": "", "rows": 1000}], [0]).estimate([True])

    assert estimate["share"] == 1
    assert estimate["low"] < 0.05


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5000)), min_size=1, max_size=30), st.data())
def test_the_share_is_always_inside_its_interval_and_certain_only_if_all_rows_are_equal(
    sizes: list[tuple[int, int]], data: st.DataObject
) -> None:
    strata: list[SampleStratum] = [{"host": str(number), "rows": n + more} for number, (n, more) in enumerate(sizes)]
    stratum_of = [number for number, (n, _) in enumerate(sizes) for _ in range(n)]
    hits = data.draw(st.lists(st.booleans(), min_size=len(stratum_of), max_size=len(stratum_of)))

    estimate = SampleWeights(strata, stratum_of).estimate(hits)

    assert 0 <= estimate["low"] <= estimate["share"] <= estimate["high"] <= 1
    assert (estimate["share"] == 1) == all(hits)
    assert (estimate["share"] == 0) == (not any(hits))
