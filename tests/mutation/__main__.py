"""`make mutation [MUTANTS=100] [SEED=n]`: a random sample of mutants; which test kills each, and which survive."""

import argparse
import os
import random
import sys
import time
from collections.abc import Sequence

from tests.mutation.checkout import ROOT, Checkout, checkout
from tests.mutation.equivalents import is_equivalent
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.selection import Record

SOURCES = ("functions/core", "functions/adapters")
TARGET = 0.9
"""The share of the mutants that the tests must kill."""

MUTANTS = 100


def sample(seed: int, count: int, sources: Sequence[str] = SOURCES) -> list[Mutant]:
    """Mutants drawn at random from those that a test can kill."""
    paths = sorted(str(path.relative_to(ROOT)) for source in sources for path in (ROOT / source).rglob("*.py"))
    population = [mutant for path in paths for mutant in mutants(ROOT, path) if not is_equivalent(mutant)]
    print(f"{len(population):,} mutants, seed {seed}")
    return random.Random(seed).sample(population, min(count, len(population)))


def survivors(chosen: Sequence[Mutant], copy: Checkout, record: Record) -> list[Mutant]:
    """Test each mutant and print what became of it."""
    found = []
    for number, mutant in enumerate(chosen, 1):
        started = time.monotonic()
        verdict = copy.test(mutant, record)
        seconds = f"{time.monotonic() - started:.1f} s"
        if verdict.killed_by:
            killed = f"{mutant.path}:{mutant.line} {mutant.kind}, {seconds}"
            print(f"{number:4} killed {killed}: {verdict.killed_by}", flush=True)
        else:
            found.append(mutant)
            print(f"{number:4} SURVIVED {verdict.tests} tests, {seconds}: {mutant}", flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--mutants", type=int, default=os.environ.get("IMAGE_MIRROR_MUTANTS") or MUTANTS)
    parser.add_argument("--seed", type=int, default=os.environ.get("IMAGE_MIRROR_SEED") or random.randrange(10**6))
    parser.add_argument("sources", nargs="*", default=SOURCES, help="files or folders whose code is mutated")
    arguments = parser.parse_args()
    chosen = sample(arguments.seed, arguments.mutants, arguments.sources)
    with checkout() as copy:
        record = copy.record()
        print(
            f"{len(record.seconds):,} tests; {len(record.failed)} fail without a mutant and are not used",
            *record.failed,
        )
        alive = survivors(chosen, copy, record)
    killed = len(chosen) - len(alive)
    print(f"Seed {arguments.seed}: {killed} of {len(chosen)} mutants killed, {killed / len(chosen):.0%}")
    print(*alive, sep="\n")
    return 0 if killed >= TARGET * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
