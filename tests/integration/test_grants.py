"""Each grant of the template is needed by a recorded test, or explained (tests/permissions)."""

from local.aws.cloud import Cloud
from tests.permissions.explained import reason_of, unused
from tests.permissions.recording import read
from tests.unit.source_tree import ROOT

RECORD = "run `.venv/bin/python -m tests.permissions record`"


def _grants(cloud: Cloud) -> set[str]:
    return {grant.key for grant in cloud.access.permissions.grants}


def test_each_grant_is_needed_by_a_test_or_explained(cloud: Cloud) -> None:
    recorded = read().tests

    missing = {grant for grant in _grants(cloud) if grant not in recorded and not reason_of(grant)}
    assert missing == set(), f"remove these grants from cdk/grants.py, test them, or {RECORD}"


def test_no_explained_grant_is_needed_by_a_test(cloud: Cloud) -> None:
    recorded = read().tests

    assert {grant for grant in recorded if reason_of(grant)} == set()
    assert unused(_grants(cloud)) == []


def test_the_recorded_grants_and_tests_exist(cloud: Cloud) -> None:
    recorded = read()
    names = {test.partition("[")[0] for tests in recorded.tests.values() for test in tests}
    missing = {
        name for name in names if f"def {name.rpartition('::')[2]}(" not in (ROOT / name.partition("::")[0]).read_text()
    }

    assert (recorded.tests.keys() - _grants(cloud), missing) == (set(), set()), RECORD


def test_the_removal_of_each_recorded_grant_made_a_test_fail() -> None:
    recorded = read()

    assert recorded.tests.keys() == recorded.shown_by.keys(), "run `.venv/bin/python -m tests.permissions remove`"
