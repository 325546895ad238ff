"""A manifest that is too large for one invocation of PrepareRun: it is checked by ranges before its run."""

import pytest

from functions.core.manifests.ranges.check import FOLDER
from local.aws.cloud import Cloud
from tests.folds.conftest import states_of
from tests.support import small_groups
from tests.support.pipeline import is_reconciled, mirror

ROWS = 1_500
LINES = [f'"ftp://host-{row % 9}.example/{row}.png","Title\nof {row}"\n' for row in range(1, ROWS + 1)]
"""Each row has two lines. No row has a valid URL, so that no request is made."""

OPTIONS = {"rounds": "1", "tolerated-failure-percentage": "100"}


@pytest.fixture(scope="module", autouse=True)
def has_ranges() -> None:
    assert len("".join(LINES)) > small_groups.FIRST_BYTES + small_groups.RANGE_BYTES


def test_its_rows_are_counted_before_they_are_read(cloud: Cloud) -> None:
    run = mirror(cloud, "large.csv", "".join(["url,title\n", *LINES]), OPTIONS)
    states, summary = states_of(cloud, run.execution["executionArn"]), run.summary

    assert states[:3] == ["PrepareRun", "Route", "CheckRanges"]
    assert states.count("CheckRange") == len(run.names(f"{FOLDER}/range-")) >= 2
    assert states[states.index("JoinRanges") : states.index("JoinRanges") + 3] == ["JoinRanges", "Route", "Map CSV"]
    assert (summary["rows"], summary["failed"], is_reconciled(summary)) == (ROWS, ROWS, True)
    assert "validated" not in (summary.get("note") or "")


def test_an_error_in_the_middle_is_found_before_the_run(cloud: Cloud) -> None:
    lines = [*LINES[:1200], '"ftp://a.example","x",y\n', *LINES[1200:]]

    run = mirror(cloud, "large-invalid.csv", "".join(["url,title\n", *lines]), OPTIONS)

    assert (run.summary["error"], run.summary["stored"]) == ("InvalidManifest", 0)
    assert "Line 2402 of the manifest has 3 fields for 2 columns" in run.summary["cause"]
