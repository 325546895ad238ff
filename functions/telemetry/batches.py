"""What is told of a round: a line a failure, a line a batch, and its numbers. Nothing for what went well."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger

from functions.core.download.rounds import Batch, RoundReport
from functions.core.model.outcomes import Outcome, OutcomeKind, tally
from functions.core.model.urls import display_host
from functions.telemetry.metrics import counted, emit
from functions.telemetry.names import Metric
from functions.telemetry.phases import Phase, Phases

OF_ENDING = {
    OutcomeKind.STORED: Metric.STORED,
    OutcomeKind.UNCHANGED: Metric.UNCHANGED,
    OutcomeKind.SKIPPED: Metric.SKIPPED,
    OutcomeKind.DUPLICATE: Metric.DUPLICATE,
    OutcomeKind.FAILED: Metric.FAILED,
}


def log_round(logger: Logger, batch: Batch, report: RoundReport, milliseconds: int) -> None:
    where = {
        "run_id": batch.run["id"],
        "manifest": batch.run.get("manifest"),
        "first_row": batch.first_row,
        "round": batch.round,
    }
    for outcome in report.outcomes:
        if outcome.failure is not None:
            logger.info("Image failed", extra={**where, **_failure(outcome)})
    counts = {name: count for name, count in tally(report.outcomes).items() if count}
    done = {"deferred": report.deferred, "notified": report.notified, "ms": milliseconds}
    logger.info("Batch done", extra={**where, **counts, **done, **_slowest(report.outcomes)})


def measure_round(batch: Batch, report: RoundReport, phases: Phases, milliseconds: int) -> None:
    counts = tally(report.outcomes)
    ended = len(report.outcomes)
    values: dict[Metric, Sequence[float]] = {
        **counted({metric: counts[kind] for kind, metric in OF_ENDING.items()}),
        **counted({Metric.BYTES: counts["bytes"], Metric.DEFERRED: report.deferred}),
        **counted({Metric.ROUNDS: 0 if report.deferred else batch.round + 1}),
        **counted({Metric.NOT_NOTIFIED: int(not report.notified)}),
        Metric.DOWNLOAD_TIME: phases.milliseconds(Phase.DOWNLOAD),
        Metric.UPLOAD_TIME: phases.milliseconds(Phase.STORE),
        Metric.TIME_PER_IMAGE: [round(milliseconds / ended, 1)] if ended else [],
    }
    reasons = Counter(outcome.failure.reason.value for outcome in report.outcomes if outcome.failure)
    emit({metric: found for metric, found in values.items() if found}, reasons)


def outcome_of(report: RoundReport) -> str:
    """In one word, for the trace."""
    if report.deferred:
        return "deferred"
    return "failures" if any(outcome.failure for outcome in report.outcomes) else "done"


def _failure(outcome: Outcome) -> dict[str, Any]:
    """Flat, for queries; without the user's own columns, which are not ours to keep in a log."""
    assert outcome.failure is not None
    return {
        "row": outcome.row,
        "url": outcome.url,
        "host": display_host(outcome.url),
        "reason": outcome.failure.reason.value,
        "http_status": outcome.failure.http_status,
        "retryable": outcome.failure.retryable,
        "why": outcome.failure.message,
    }


def _slowest(outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    """The host whose images took longest on average: one a batch is enough to find it among thousands."""
    times: dict[str, list[int]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.kind is OutcomeKind.STORED and outcome.image and (ms := outcome.image.get("ms")) is not None:
            times[display_host(outcome.url)].append(ms)
    if not times:
        return {}
    host, found = max(times.items(), key=lambda pair: sum(pair[1]) / len(pair[1]))
    return {
        "slowest_host": host,
        "slowest_host_images": len(found),
        "slowest_host_ms": round(sum(found) / len(found)),
    }
