"""The context of the template: figures of the summary and of the run's lines, prepared for each section of the page."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from urllib.parse import quote

from functions.core.model.keys import DEFAULT_PREFIX
from functions.core.model.outcomes import OUTCOME_MEANINGS
from functions.core.model.reasons import Reason, reason_meaning
from functions.core.model.runs import INTERRUPTED
from functions.core.model.types import PassSummary, ResultLine, RunSummary
from functions.core.report.aggregates import HostTimes, RunAggregates
from functions.core.report.charts import RateChart, Rectangle, bar_percent, outline, rate_chart, stacked_bar
from functions.core.report.formatting import number, plural, size
from functions.core.report.probe import ProbeFact, probe_facts, probe_headline

MAX_HOSTS = 10
"""Hosts in each table."""

MAX_PASSES = 20
"""Passes in the table: the last ones."""

MAX_COLUMNS = 4
"""User columns of a failed row."""

LOCAL_IMAGES = "images"
"""Folder of a local run with the images, by their keys without the prefix."""

NOT_REACHED = Reason.OUT_OF_TIME.value
"""Reason of the rows without an outcome in a run that was stopped."""

PROBE_MEANINGS = {"stored": "downloaded and verified; a probe keeps no image"}
"""What outcomes mean in a probe."""

_DIGEST = re.compile(r"([0-9a-f]{8})[0-9a-f]{48}([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    name: str
    count: int
    meaning: str


@dataclass(frozen=True, slots=True)
class FailureCount:
    """Failed rows by reason or by host. `percent` is the width of the bar, `meaning` that of a reason."""

    name: str
    count: int
    percent: float
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class HostBar:
    times: HostTimes
    percent: float


@dataclass(frozen=True, slots=True)
class SampleImage:
    """A stored image. `link` is relative to the page: it works in the folder of a local run."""

    url: str
    facts: str
    key: str
    link: str
    outline: Rectangle


@dataclass(frozen=True, slots=True)
class Sections:
    """An empty list or None is a section that the page does not have."""

    headline: str
    outcomes: Sequence[OutcomeCount]
    outcome_bar: Sequence[Rectangle]
    rate_chart: RateChart | None
    reasons: Sequence[FailureCount]
    hosts: Sequence[FailureCount]
    failures: Sequence[ResultLine]
    slowest_hosts: Sequence[HostBar]
    images: Sequence[SampleImage]
    has_shards: bool
    passes: Sequence[PassSummary]
    probe: Sequence[ProbeFact]


def report_sections(summary: RunSummary, aggregates: RunAggregates, images_prefix: str = DEFAULT_PREFIX) -> Sections:
    probe = summary.get("probe")
    outcomes = _outcomes(summary) if summary["rows"] else []
    counts = aggregates.timeline.until(datetime.fromisoformat(summary["ended_at"]))
    slowest = aggregates.hosts.slowest(MAX_HOSTS)
    return Sections(
        headline=headline(summary),
        outcomes=outcomes,
        outcome_bar=stacked_bar({outcome.name: outcome.count for outcome in outcomes}),
        rate_chart=rate_chart(counts, aggregates.timeline.width) if any(counts) else None,
        reasons=_failure_counts(summary["failures_by_reason"]),
        hosts=_failure_counts(dict(islice(summary["failures_by_host"].items(), MAX_HOSTS))),
        failures=aggregates.failures,
        slowest_hosts=[HostBar(times, bar_percent(times.mean, slowest[0].mean)) for times in slowest],
        images=[_image(line, images_prefix) for line in aggregates.images],
        has_shards=any("offset" in line for line in aggregates.images),
        passes=summary["passes"][-MAX_PASSES:],
        probe=probe_facts(probe) if probe else [],
    )


def headline(summary: RunSummary) -> str:
    """What happened, in one sentence. The page says below it why a run failed."""
    rows, failed = summary["rows"], summary["failed"]
    if probe := summary.get("probe"):
        return probe_headline(probe)
    if summary["error"] == INTERRUPTED:
        return _interrupted(summary)
    if summary["status"] == "cancelled":
        return f"The run was cancelled: {number(failed)} of {plural(rows, 'row')} failed or were not attempted."
    if summary["status"] != "succeeded" and summary["error"] != "TooManyFailures":
        return "The run failed before it finished." if rows else "The run could not start."
    if not rows:
        return "The manifest has no rows: there was nothing to mirror."
    if failed == rows:
        return f"All {plural(rows, 'row')} failed." if rows > 1 else "The only row failed."
    return f"{_stored(summary)}, {plural(failed, 'row') if failed else 'none'} failed."


def _interrupted(summary: RunSummary) -> str:
    rows, stored, not_reached = summary["rows"], summary["stored"], summary["failures_by_reason"].get(NOT_REACHED, 0)
    existing, failed = summary["skipped"] + summary["unchanged"], summary["failed"] - not_reached
    if not rows:
        return "The run was interrupted before it reached a row."
    parts = [
        f"{number(stored)} of {plural(rows, 'image')} {_were(stored)} stored",
        f"{number(existing)} already existed" if existing else "",
        f"{plural(failed, 'row')} failed" if failed else "",
        f"{plural(not_reached, 'row')} {_were(not_reached)} not reached" if not_reached else "",
    ]
    return f"The run was interrupted; {', '.join(filter(None, parts))}."


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _stored(summary: RunSummary) -> str:
    existing = summary["skipped"] + summary["unchanged"]
    if not summary["stored"] and existing:
        return f"{plural(existing, 'image')} already existed"
    stored = plural(summary["stored"], "image") if summary["stored"] else "No images"
    return f"{stored} stored, {number(existing)} already existed" if existing else f"{stored} stored"


def _outcomes(summary: RunSummary) -> list[OutcomeCount]:
    counts = {
        "stored": summary["stored"],
        "unchanged": summary["unchanged"],
        "skipped": summary["skipped"],
        "duplicate": summary["duplicate"],
        "failed": summary["failed"],
    }
    meanings = {**OUTCOME_MEANINGS, **(PROBE_MEANINGS if summary.get("probe") else {})}
    return [OutcomeCount(name, count, meanings[name]) for name, count in counts.items()]


def _failure_counts(counts: dict[str, int]) -> list[FailureCount]:
    largest = max(counts.values(), default=0)
    return [
        FailureCount(name, count, bar_percent(count, largest), reason_meaning(name)) for name, count in counts.items()
    ]


def _image(line: ResultLine, prefix: str) -> SampleImage:
    width, height, key = line.get("width"), line.get("height"), line["object_key"] or ""
    image_type = str(line.get("content_type", "")).rpartition("/")[2]
    facts = [f"{width} x {height}" if width and height else "", image_type, size(line["bytes"] or 0)]
    if "offset" in line:
        facts.append(f"at byte {number(line['offset'])}")
    return SampleImage(
        url=line["url"],
        facts=" · ".join(filter(None, facts)),
        key=_DIGEST.sub(r"\1…\2", key),  # shortens the SHA-256 of a URL, not a key that the user chose
        link=f"../../{LOCAL_IMAGES}/{quote(key.removeprefix(prefix))}",
        outline=outline(width or 1, height or 1),
    )


def column_texts(line: ResultLine) -> list[tuple[str, str]]:
    """The first user columns of a row; values other than strings as JSON, as in failures.csv."""
    columns = line.get("columns") or {}
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in islice(columns.items(), MAX_COLUMNS)
    ]
