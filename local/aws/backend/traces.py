"""Filter expressions of GetTraceSummaries, which moto does not have: annotations, joined by OR.

https://docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

_TERM = re.compile(r'\s*annotation[.\[](?P<name>\w+)\]?\s*=\s*"(?P<value>[^"]*)"\s*')


def add_filters(segment_collection: Any) -> None:
    """Replace `summary` of moto's class. Any: moto is imported late, without its types."""
    summarize = segment_collection.summary

    def summary(traces: Any, start_time: datetime, end_time: datetime, expression: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = summarize(traces, start_time, end_time)
        if expression is not None:
            matches = _filter(expression)
            kept = [each for each in found["TraceSummaries"] if matches(_annotations(traces, each["Id"]))]
            found["TraceSummaries"] = kept
        return found

    segment_collection.summary = summary


def _filter(expression: str) -> Callable[[set[tuple[str, str]]], bool]:
    """Whether annotations match an expression. Raises NotImplementedError for one of another form."""
    terms = [_TERM.fullmatch(part) for part in expression.split(" OR ")]
    wanted = {(term["name"], term["value"]) for term in terms if term}
    if None in terms:
        raise NotImplementedError(
            f'The local X-Ray has filters of the form annotation.name = "value" OR ...: {expression}'
        )
    return lambda found: not wanted.isdisjoint(found)


def _annotations(traces: Any, trace_id: str) -> set[tuple[str, str]]:
    segments = traces._traces[trace_id]["segments"]
    return {pair for segment in segments for pair in _annotations_of(json.loads(segment.raw))}


def _annotations_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((name, str(value)) for name, value in document.get("annotations", {}).items())
    for inner in document.get("subsegments", []):
        yield from _annotations_of(inner)
