"""The estimate of a run compared with its figures, and with its cost by the same cost model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from functions.core.cost.estimate import RunEstimate
from functions.core.model.options import Options
from functions.core.model.types import RunFields, RunSummary
from functions.core.report.aggregates import HostTimes
from functions.core.report.formatting import dollars, seconds, size


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure of the run, as text: estimated and actual."""

    name: str
    estimated: str
    actual: str


def comparisons(summary: RunSummary, times: HostTimes, record: RunFields) -> Sequence[Comparison]:
    """Empty for a run without rows. The estimate is that of the API during the run: for AWS, with many hosts."""
    if not summary["rows"] or not summary["stored"]:
        return []
    options = Options.from_payload(record.get("options") or {})
    options = replace(options, max_concurrency=record.get("max_concurrency", options.max_concurrency))
    estimate = RunEstimate(images=summary["rows"], options=options)
    size_kb, latency_ms = summary["bytes"] / summary["stored"] / 1000, times.mean
    actual = replace(estimate, images=summary["stored"], size_kb=size_kb, latency_ms=latency_ms)
    return [
        Comparison("Duration", seconds(estimate.seconds), seconds(summary["duration_seconds"])),
        Comparison("Size of an image", size(estimate.size_kb * 1000), size(size_kb * 1000)),
        Comparison("Time of a download", seconds(estimate.latency_ms / 1000), seconds(latency_ms / 1000)),
        Comparison("Cost in AWS", dollars(estimate.dollars), dollars(actual.dollars)),
    ]
