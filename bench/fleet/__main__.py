"""`python -m bench.fleet [NAME ...] [--environments 24]`: measures all, or some of them.

`make bench-fleet` measures all.
"""

import argparse
from collections.abc import Callable, Mapping
from functools import partial

from bench.fleet.budget import BUDGETS, print_budgets
from bench.fleet.crowd import ENVIRONMENTS
from bench.fleet.kills import print_kills
from bench.fleet.limited_host import print_limited_host
from bench.fleet.many_hosts import print_many_hosts, print_table_dollars
from bench.fleet.outages import print_outages

Measurement = Callable[[int], None]
"""Receives the number of environments of DownloadBatch."""

MEASUREMENTS: Mapping[str, Measurement] = {
    "kills": print_kills,
    "limited-host": print_limited_host,
    "outages": print_outages,
    "many-hosts": print_many_hosts,
    "tables": print_table_dollars,
    **{f"budget-{name}": partial(print_budgets, names=(name,)) for name in BUDGETS},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--environments", type=int, default=ENVIRONMENTS)
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MEASUREMENTS):
        parser.error(f"There is no measurement {', '.join(sorted(unknown))}. There are {', '.join(MEASUREMENTS)}.")
    for name in arguments.names or MEASUREMENTS:
        MEASUREMENTS[name](arguments.environments)


if __name__ == "__main__":
    main()
