"""Filter expressions of GetTraceSummaries: annotations of segments and of their subsegments."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.aws import backend
from local.aws.backend import telemetry


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    backend.reset()
    yield
    backend.reset()


def put(trace_id: str, **annotations: str) -> None:
    """A segment whose subsegment has the annotations."""
    times = {"start_time": time.time() - 1, "end_time": time.time()}
    inner = {"id": "2" * 16, "name": "work", **times, "annotations": annotations}
    document = {"id": trace_id[-16:], "name": "f", "trace_id": trace_id, **times, "subsegments": [inner]}
    backend.put_segment(json.dumps(document))


def found(expression: str | None) -> list[str]:
    collection: Any = telemetry._xray()[backend.ACCOUNT][backend.REGION]
    now, hour = datetime.now(), timedelta(hours=1)
    return [each["Id"] for each in collection.get_trace_summary(now - hour, now + hour, expression)["TraceSummaries"]]


FIRST, SECOND, THIRD = (f"1-5f84c7a1-{number:024d}" for number in range(3))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (None, [FIRST, SECOND, THIRD]),
        ('annotation.run_id = "a-1"', [FIRST]),
        ('annotation[run_id]="a-1" OR annotation.run_id = "b-2"', [FIRST, SECOND]),
        ('annotation.outcome = "a-1"', []),
        ('annotation.run_id = ""', []),
    ],
)
def test_traces_are_found_by_the_annotations_of_their_subsegments(expression: str | None, expected: list[str]) -> None:
    put(FIRST, run_id="a-1", outcome="done")
    put(SECOND, run_id="b-2")
    put(THIRD)

    assert found(expression) == expected


@pytest.mark.parametrize("expression", ["responsetime > 5", 'annotation.run_id = "a" AND error', 'service("f")'])
def test_an_expression_of_another_form_is_refused_by_name(expression: str) -> None:
    put(FIRST, run_id="a")

    with pytest.raises(NotImplementedError, match=r"annotation\.name"):
        found(expression)
