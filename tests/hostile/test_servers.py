"""Each fault of a server fails its own row only, with the expected reason, after the expected number of requests."""

import pytest

from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine, EngineResult
from tests.hostile.faults import FAULTS, GOOD, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_a_fault_fails_its_row_with_its_reason_and_no_other_row(fault: Fault, serve: Serve, engine: Engine) -> None:
    server = serve({"/bad.jpg": fault.behaviour})
    other = serve({"/a.jpg": GOOD, "/b.jpg": GOOD})
    result = engine.mirror(other.url("/a.jpg"), server.url("/bad.jpg"), other.url("/b.jpg"), **fault.options)
    assert_failed(result, fault)
    assert server.hits["/bad.jpg"] == fault.tries


def assert_failed(result: EngineResult, fault: Fault) -> None:
    """Row 2 has failed with the fault, and only rows 1 and 3 are stored."""
    (line,) = result.failures
    assert (line["row"], line["reason"], line["http_status"]) == (2, fault.reason, fault.status)
    assert line["retryable"] is fault.retryable
    assert line["message"].endswith(".")
    assert result.stored == [1, 3]
    assert len(result.store.objects) == 2
    limit = fault.options.get("timeout", 10.0) + 0.5
    assert max(result.seconds) < limit
