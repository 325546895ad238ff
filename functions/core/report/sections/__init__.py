"""The context of the template: figures of the summary and of the run's lines, prepared for each section of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from functions.core.model.keys import DEFAULT_PREFIX
from functions.core.model.outcomes import OUTCOME_MEANINGS, OutcomeKind
from functions.core.model.runs import LocalRun
from functions.core.model.types import RunFields, RunSummary
from functions.core.report.aggregates import RunAggregates
from functions.core.report.charts import RateChart, Rectangle, bar_percent, rate_chart, stacked_bar
from functions.core.report.formatting import seconds, size
from functions.core.report.probe import ProbeFact, probe_facts
from functions.core.report.samples import SIZE_CLASSES, StoredKinds
from functions.core.report.sections.contact_sheet import ContactSheet, contact_sheet
from functions.core.report.sections.costs import Comparison, comparisons
from functions.core.report.sections.failures import FailureGroup, failure_groups
from functions.core.report.sections.files import RunFile, index_files, written_files
from functions.core.report.sections.hosts import Host, standing_out
from functions.core.report.sections.run_options import OptionValue, run_options
from functions.core.report.state import State, headline, not_attempted, run_state

MAX_PASSES = 20
"""Passes in the table: the last ones."""

PROBE_MEANINGS = {OutcomeKind.STORED.value: "downloaded and verified; a probe keeps no image"}
"""What outcomes mean in a probe."""

NOT_ATTEMPTED = "not attempted"
"""Name of the failed rows of a cancelled run that it did not come to."""


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """`style` is a CSS class."""

    name: str
    count: int
    meaning: str

    @property
    def style(self) -> str:
        return self.name.replace(" ", "-")


@dataclass(frozen=True, slots=True)
class KindBar:
    """Stored images of one type, or of one class of sizes. `percent` is the width of the bar."""

    name: str
    images: int
    bytes: int
    percent: float


@dataclass(frozen=True, slots=True)
class PassRow:
    """A later pass. `start` is the time since that of the run, as text."""

    number: int
    start: str
    rows: int
    stored: int
    failed: int


@dataclass(frozen=True, slots=True)
class Sections:
    """An empty list or None is a section that the page does not have. `failed` are the rows that were attempted."""

    state: State
    headline: str
    failed: int
    outcomes: Sequence[OutcomeCount]
    outcome_bar: Sequence[Rectangle]
    probe: Sequence[ProbeFact]
    contact_sheet: ContactSheet | None
    failures: Sequence[FailureGroup]
    hosts: Sequence[Host]
    rate_chart: RateChart | None
    passes: Sequence[PassRow]
    types: Sequence[KindBar]
    sizes: Sequence[KindBar]
    options: Sequence[OptionValue]
    comparisons: Sequence[Comparison]
    files: Sequence[RunFile]
    index_files: Sequence[RunFile]


def report_sections(
    summary: RunSummary,
    aggregates: RunAggregates,
    record: RunFields,
    local_run: LocalRun | None = None,
    images_prefix: str = DEFAULT_PREFIX,
) -> Sections:
    outcomes, probe = _outcomes(summary), summary.get("probe")
    passes = {each["number"]: each for each in summary["passes"][-MAX_PASSES:]}
    starts = {number: _seconds(summary["started_at"], each["starts_at"]) for number, each in passes.items()}
    return Sections(
        state=run_state(summary),
        headline=headline(summary, state_is_shown=True),
        failed=summary["failed"] - not_attempted(summary),
        outcomes=outcomes,
        outcome_bar=stacked_bar({outcome.style: outcome.count for outcome in outcomes}),
        probe=probe_facts(probe) if probe else [],
        contact_sheet=None
        if probe
        else contact_sheet(summary, aggregates.images, images_prefix, local=local_run is not None),
        failures=failure_groups(summary, aggregates.failures),
        hosts=standing_out(summary, aggregates.hosts),
        rate_chart=_rate_chart(summary, aggregates, starts),
        passes=[
            PassRow(number, seconds(starts[number]), each["rows"], each["stored"], each["failed"])
            for number, each in passes.items()
        ],
        types=_types(aggregates.kinds),
        sizes=_sizes(aggregates.kinds),
        options=run_options(record, local_run),
        comparisons=comparisons(summary, aggregates.hosts.all(), record),
        files=written_files(summary),
        index_files=index_files(summary),
    )


def _outcomes(summary: RunSummary) -> list[OutcomeCount]:
    """Those that occurred."""
    remaining = not_attempted(summary)
    counts = {
        OutcomeKind.STORED.value: summary["stored"],
        OutcomeKind.UNCHANGED.value: summary["unchanged"],
        OutcomeKind.SKIPPED.value: summary["skipped"],
        OutcomeKind.DUPLICATE.value: summary["duplicate"],
        OutcomeKind.FAILED.value: summary["failed"] - remaining,
        NOT_ATTEMPTED: remaining,
    }
    meanings = {**OUTCOME_MEANINGS, NOT_ATTEMPTED: "when the run was cancelled"}
    meanings |= PROBE_MEANINGS if summary.get("probe") else {}
    return [OutcomeCount(name, count, meanings[name]) for name, count in counts.items() if count]


def _seconds(start: str, end: str) -> float:
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def _rate_chart(summary: RunSummary, aggregates: RunAggregates, passes: Mapping[int, float]) -> RateChart | None:
    timeline = aggregates.timeline
    counts = timeline.until(datetime.fromisoformat(summary["ended_at"]))
    return rate_chart(counts, timeline.width, passes) if any(counts) else None


def _types(kinds: StoredKinds) -> list[KindBar]:
    """The most frequent first."""
    largest = max((images for images, _ in kinds.types.values()), default=0)
    ordered = sorted(kinds.types.items(), key=lambda entry: -entry[1][0])
    return [KindBar(name, images, count, bar_percent(images, largest)) for name, (images, count) in ordered]


def _sizes(kinds: StoredKinds) -> list[KindBar]:
    bounds = [size(bound).replace(".0 ", " ") for bound in SIZE_CLASSES]
    middle = [f"{low} to {high}" for low, high in pairwise(bounds)]
    names = [f"under {bounds[0]}", *middle, f"{bounds[-1]} and more"]
    largest = max(kinds.sizes)
    pairs = zip(names, kinds.sizes, strict=True)
    return [KindBar(name, images, 0, bar_percent(images, largest)) for name, images in pairs if images]
