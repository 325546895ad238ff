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
    assert dollars_by_mix() == pytest.approx({1: 0.003, 100: 0.263, 100_000: 0.063}, abs=0.001)
