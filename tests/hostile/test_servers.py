"""A server's fault ends its own row, with its reason, after so many tries, and nothing else."""

import pytest

from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine, Mirrored
from tests.hostile.faults import FAULTS, GOOD, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_a_fault_ends_its_row_with_its_reason_and_no_other(fault: Fault, serve: Serve, engine: Engine) -> None:
    server = serve({"/bad.jpg": fault.behaviour})
    other = serve({"/a.jpg": GOOD, "/b.jpg": GOOD})
    made = engine.mirror(other.url("/a.jpg"), server.url("/bad.jpg"), other.url("/b.jpg"), **fault.options)
    assert_failed(made, fault)
    assert server.hits["/bad.jpg"] == fault.tries


def assert_failed(made: Mirrored, fault: Fault) -> None:
    """Row 2 failed so, rows 1 and 3 are stored, and nothing else is."""
    (line,) = made.failures
    assert (line["row"], line["reason"], line["http_status"]) == (2, fault.reason, fault.status)
    assert line["retryable"] is fault.retryable
    assert line["message"].endswith(".")
    assert made.stored == [1, 3]
    assert len(made.store.objects) == 2
    limit = fault.options.get("timeout", 10.0) + 0.5
    assert max(made.seconds) < limit
