"""Many runs over the same hosts at once: `make bench-fleet` measures more of them, in more environments, for longer."""

import os
from collections.abc import Callable
from pathlib import Path

from bench.fleet.budget import PLACES, RATE, Budget, measure
from bench.fleet.crowd import Crowd, fleet, warm_up
from bench.fleet.kills import LEASE_SECONDS, short_leases
from bench.fleet.kills import measure as measure_kills
from local.aws.cloud import Cloud
from local.limits import Limits

# More rows of each host in a list than the limit: the batches of other lists need no places.
CROWD = Crowd(runs=5, rows=60, batch_size=20)
ENVIRONMENTS = 12
KILLS = int(os.environ.get("KILLS", "3"))


def test_many_runs_at_once_keep_the_limit_of_each_host(cloud_with: Callable[..., Cloud]) -> None:
    cloud = cloud_with(Limits(environments=ENVIRONMENTS))
    warm_up(cloud, ENVIRONMENTS)

    without = measure(cloud, Budget({"host-concurrency": "0"}, crowd=CROWD))
    limited = measure(cloud, Budget({"host-rate": str(RATE)}, places=PLACES, rate=RATE, crowd=CROWD))

    assert min(counts.most_at_once for counts in without.hosts) > PLACES, "the count shows nothing"
    assert max(counts.most_at_once for counts in limited.hosts) <= PLACES
    assert max(counts.most_in_a_second for counts in limited.hosts) <= RATE + 1
    for measured in (without, limited):
        assert measured.outcomes["failed"] == 0
        assert measured.outcomes["stored"] + measured.outcomes["skipped"] == CROWD.runs * CROWD.rows


def test_environments_that_are_killed_free_their_places_within_the_lease_time(assembly: Path) -> None:
    """`KILLS=20` in the environment kills more of them."""
    with short_leases(assembly) as short, fleet(ENVIRONMENTS, short) as cloud:
        killed = measure_kills(cloud, CROWD, KILLS)

    assert killed.kills == KILLS
    assert max(counts.most_at_once for counts in killed.hosts) <= PLACES
    assert 0 < killed.longest_lease <= LEASE_SECONDS
    assert killed.lost > 0
    assert killed.places_back_after <= LEASE_SECONDS
    assert sum(killed.outcomes.values()) == CROWD.runs * CROWD.rows
