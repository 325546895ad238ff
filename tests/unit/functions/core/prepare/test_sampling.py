"""How the rows of a sample are drawn."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.model.rows import DEFAULT_RULES, RowRules
from functions.core.prepare.sampling import OTHERS, allocate, draw

HOSTS = st.dictionaries(st.sampled_from([f"h{number}.example" for number in range(60)]), st.integers(1, 5000))


def _urls(**rows: int) -> list[tuple[int, object]]:
    urls = [f"http://{host}.example/{number}.jpg" for host, count in rows.items() for number in range(count)]
    return list(enumerate(urls, start=1))


def _counts(**rows: int) -> dict[str, int]:
    return {f"{host}.example": count for host, count in rows.items()}


@given(HOSTS, st.integers(0, 500), st.integers(1, 1000))
def test_the_numbers_of_rows_add_up_to_the_size_and_none_is_more_than_a_host_has(
    counts: dict[str, int], without_host: int, size: int
) -> None:
    rows = sum(counts.values()) + without_host

    allocation = allocate(counts, rows, size)

    own = {host: number for host, number in allocation.items() if host != OTHERS}
    assert size <= sum(allocation.values()) <= size + 1
    assert all(1 <= number <= counts[host] for host, number in own.items())


def test_a_host_with_most_of_the_rows_gets_half_of_the_sample_and_every_other_one_is_seen() -> None:
    counts = _counts(big=90_000, **{f"small{number}": 100 for number in range(100)})

    allocation = allocate(counts, 100_000, 300)

    assert 130 <= allocation["big.example"] <= 150
    assert all(allocation[host] >= 1 for host in counts)


def test_hosts_of_one_row_are_one_stratum_if_there_are_more_of_them_than_rows_in_the_sample() -> None:
    assert allocate(_counts(**{f"h{number}": 1 for number in range(5000)}), 5000, 300) == {OTHERS: 300}


def test_rows_without_a_host_have_their_part() -> None:
    allocation = allocate(_counts(a=500), 1000, 100)

    assert allocation == {"a.example": 50, OTHERS: 50}


def test_a_sample_of_all_rows_needs_no_strata() -> None:
    assert allocate(_counts(a=5, b=1), 6, 6) == {OTHERS: 6}


def test_the_same_seed_draws_the_same_rows_and_another_one_others() -> None:
    rows, allocation = _urls(a=500, b=20), allocate(_counts(a=500, b=20), 520, 40)

    first, again, other = (draw(rows, allocation, DEFAULT_RULES, seed) for seed in (7, 7, 8))

    assert first == again
    assert first.rows != other.rows


def test_the_rows_are_in_the_order_of_the_list_and_know_their_stratum() -> None:
    rows, allocation = _urls(a=500, b=20), allocate(_counts(a=500, b=20), 520, 40)

    sample = draw(rows, allocation, DEFAULT_RULES, 1)

    assert [row[0] for row in sample.rows] == sorted(row[0] for row in sample.rows)
    assert [sample.strata[number]["host"] for number in sample.stratum_of] == [host for _, _, host in sample.rows]
    assert [stratum["rows"] for stratum in sample.strata] == [500, 20, 0]
    assert Counter(host for _, _, host in sample.rows) == {"a.example": 29, "b.example": 11}


def test_every_row_of_a_host_has_the_same_chance() -> None:
    rows, allocation = _urls(a=20), {"a.example": 5, OTHERS: 1}

    drawn = Counter(row[0] for seed in range(4000) for row in draw(rows, allocation, DEFAULT_RULES, seed).rows)

    # each row is drawn 1,000 times, with a standard deviation of 27
    assert set(drawn) == set(range(1, 21))
    assert all(abs(count - 1000) < 5 * 27 for count in drawn.values())


@pytest.mark.parametrize("item", [None, 5, {"title": "x"}, "no url", "ftp://a.example/1.jpg", {"url": ["http://a/1"]}])
def test_a_row_without_a_host_belongs_to_the_others(item: object) -> None:
    sample = draw([(1, item)], {"a.example": 1, OTHERS: 1}, DEFAULT_RULES, 1)

    assert sample.rows == [(1, item, OTHERS)]


def test_an_invalid_url_does_not_take_the_other_rows_of_its_host_along() -> None:
    rows: list[tuple[int, object]] = [
        (1, "http://a.example/\x00"),
        (2, "http://a.example/2"),
        (3, "http://a.example/3"),
    ]

    sample = draw(rows, {"a.example": 3, OTHERS: 3}, DEFAULT_RULES, 1)

    assert [host for _, _, host in sample.rows] == [OTHERS, "a.example", "a.example"]


def test_hosts_without_a_path_are_told_apart() -> None:
    rows: list[tuple[int, object]] = [(1, "http://a.example"), (2, "http://a.examplf")]

    assert [host for _, _, host in draw(rows, {OTHERS: 2, "a.example": 1, "a.examplf": 1}, DEFAULT_RULES, 1).rows] == [
        "a.example",
        "a.examplf",
    ]


def test_relative_urls_are_of_the_host_of_the_base_url() -> None:
    rules = RowRules(base_url="http://b.example/x/")

    sample = draw([(1, "1.jpg"), (2, "http://a.example/2.jpg")], {OTHERS: 5}, rules, 1)

    assert [stratum["host"] for stratum in sample.strata] == [OTHERS]
    assert len(sample.rows) == 2
