"""The command line; see the package."""

from __future__ import annotations

import argparse
from dataclasses import replace

from local.aws.cloud import Cloud
from local.aws.permissions.documents import Grant
from tests.permissions.explained import reason_of
from tests.permissions.recording import FILE, read, record
from tests.permissions.removal import remove_all
from tests.support.assembly import folder


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.permissions", description=__doc__)
    parser.add_argument("action", choices=["record", "remove"])
    parser.add_argument("--jobs", type=int, default=2, help="grants that are removed at the same time")
    parser.add_argument("--only", default="", help="text in the keys of the grants to remove")
    parser.add_argument("tests", nargs="*", help="tests to add to the record; the whole suite replaces it")
    chosen = parser.parse_args()
    return _record(chosen.tests) if chosen.action == "record" else _remove(chosen.jobs, chosen.only)


def _grants() -> list[Grant]:
    with Cloud(assembly=folder(), allow="127.0.0.0/8") as cloud:
        return cloud.access.permissions.grants


def _record(tests: list[str]) -> int:
    found = record(tests)
    if FILE.exists():
        found = read().added(found) if tests else replace(found, shown_by=read().shown_by)
    grants = {grant.key for grant in _grants()}
    kept = {grant: names for grant, names in found.tests.items() if grant in grants}
    shown_by = {grant: test for grant, test in found.shown_by.items() if grant in kept}
    replace(found, tests=kept, shown_by=shown_by).write()
    missing = sorted(grant for grant in grants - kept.keys() if not reason_of(grant))
    print(f"{len(kept)} of {len(grants)} grants were needed. Neither needed nor explained: {missing}")
    return bool(missing)


def _remove(jobs: int, only: str) -> int:
    recorded = read()
    grants = [grant for grant in _grants() if grant.key in recorded.tests and only in grant.key]
    passed = []
    for removal in remove_all(grants, recorded, jobs):
        print(f"{removal.seconds:6.0f} s  {removal.grant}  ->  {removal.test or 'NO TEST FAILS'}", flush=True)
        if removal.test:
            recorded.shown_by[removal.grant] = removal.test
        else:
            passed.append(removal.grant)
            recorded.shown_by.pop(removal.grant, None)
        recorded.write()
    print(f"{len(grants) - len(passed)} of {len(grants)} removals make a test fail. No test fails without: {passed}")
    return bool(passed)


if __name__ == "__main__":
    raise SystemExit(main())
