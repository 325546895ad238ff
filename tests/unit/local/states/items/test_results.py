"""The results of a Map Run."""

from typing import Any, cast

from local.states.items.results import ChildResult, S3Results


def test_the_result_of_a_child_that_ends_after_its_run_is_dropped() -> None:
    """It would open a temporary file that nothing closes."""
    results = S3Results(cast(Any, None), "bucket", "prefix", {})
    child = ChildResult(0, "arn", "child", "machine", "{}", "ABORTED")
    results.close()

    results.add(child)

    assert [files._spools for files in results._files.values() if files._spools] == []
