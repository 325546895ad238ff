"""What the cost model says of lists of many hosts."""

import pytest

from bench.fleet.many_hosts import HOST_MIXES, estimate, table_dollars


def test_hosts_cost_less_than_half_of_the_records() -> None:
    one, *more = [sum(table_dollars(hosts).values()) for hosts in HOST_MIXES]

    assert all(one < dollars < 1.5 * one for dollars in more)


@pytest.mark.parametrize("hosts", [100, 10_000])
def test_a_list_of_hosts_with_one_row_each_costs_more_with_robots_txt(hosts: int) -> None:
    ignoring, obeying = estimate(hosts, hosts, "ignore"), estimate(hosts, hosts)

    assert ignoring.dollars < obeying.dollars < 2 * ignoring.dollars
    assert ignoring.seconds < obeying.seconds
