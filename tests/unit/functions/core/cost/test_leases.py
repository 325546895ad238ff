"""What the hosts table costs for a run, by the mix of its hosts."""

import pytest

from functions.core.cost.leases import HostsUse, dollars_by_mix, hosts_use
from functions.core.model.options import Options

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("hosts", "use"),
    [
        (1, HostsUse(writes=4_000, reads=8_000)),  # two writes a batch, and rounds that find no place
        (100, HostsUse(writes=400_000, reads=200_000)),  # each batch has all of them
        (100_000, HostsUse(writes=0, reads=1_000_000)),  # ten rows each: not busy
    ],
)
def test_a_million_images_by_the_number_of_hosts(hosts: int, use: HostsUse) -> None:
    assert hosts_use(MILLION, hosts, Options()) == use


def test_it_is_less_than_a_twentieth_of_the_cost_of_a_million_images() -> None:
    """A million costs about 5.8 dollars (docs/scaling.md)."""
    assert {hosts: round(dollars, 4) for hosts, dollars in dollars_by_mix().items()} == {
        1: 0.003,
        100: 0.2625,
        100_000: 0.0625,
    }


@pytest.mark.parametrize("options", [Options(host_concurrency=0), Options(host_concurrency=256)])
def test_without_busy_hosts_there_are_only_reads(options: Options) -> None:
    assert hosts_use(25_600, 100, options) == HostsUse(0, 52 * 100)


def test_many_places_make_the_record_larger() -> None:
    assert hosts_use(MILLION, 1, Options(host_concurrency=256)).writes == 4 * 4_000


@pytest.mark.parametrize(("images", "hosts"), [(0, 5), (5, 0)])
def test_a_run_without_rows_costs_nothing(images: int, hosts: int) -> None:
    assert hosts_use(images, hosts, Options()) == HostsUse(0, 0)
