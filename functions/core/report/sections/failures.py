"""Why rows failed, in groups: those that may succeed later, and those that will not."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from functions.core.model.reasons import reason_meaning
from functions.core.model.types import JsonValue, RunSummary
from functions.core.report.charts import bar_percent
from functions.core.report.samples import FINAL, RETRYABLE, FailedRows, Failures, FailureSample
from functions.core.report.state import NOT_ATTEMPTED, not_attempted

MAX_EXAMPLES = 40
"""Failed rows that the page shows, of all reasons. There are fewer unless most reasons occur in both groups."""


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """Failed rows of one reason. `percent` is the width of its bar."""

    name: str
    meaning: str
    rows: int
    percent: float
    examples: Sequence[FailureSample]


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """`name` is a CSS class."""

    name: str
    title: str
    rows: int
    reasons: Sequence[ReasonCount]


CANCELLED = "The run was cancelled before this row was attempted."
TITLES = {"later": "May succeed later", "final": "Will not succeed as they are", "cancelled": "Not attempted"}


def failure_groups(summary: RunSummary, failures: Failures) -> list[FailureGroup]:
    """Groups that have rows; the reasons of each, the most frequent first."""
    later, final = dict(failures.kinds[RETRYABLE]), failures.kinds[FINAL]
    remaining = later.pop(NOT_ATTEMPTED, None) if not_attempted(summary) else None
    groups = {"later": later, "final": final, "cancelled": {NOT_ATTEMPTED: remaining} if remaining else {}}
    largest = max((failed.rows for group in groups.values() for failed in group.values()), default=0)
    budget = iter(range(MAX_EXAMPLES))
    found = []
    for name, group in groups.items():
        ordered = sorted(group.items(), key=lambda entry: -entry[1].rows)
        reasons = [_reason(reason, name, failed, largest, budget) for reason, failed in ordered]
        found.append(FailureGroup(name, TITLES[name], sum(reason.rows for reason in reasons), reasons))
    return [group for group in found if group.rows]


def _reason(name: str, group: str, failed: FailedRows, largest: int, budget: Iterator[int]) -> ReasonCount:
    return ReasonCount(
        name=name,
        meaning=CANCELLED if group == "cancelled" else reason_meaning(name),
        rows=failed.rows,
        percent=bar_percent(failed.rows, largest),
        examples=[example for example, _ in zip(failed.examples, budget, strict=False)],
    )


def column_texts(example: FailureSample) -> list[tuple[str, str]]:
    """The first user columns of a row; values other than strings as JSON, as in failures.csv."""
    return [(name, _column_text(value)) for name, value in example["columns"].items()]


def _column_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
