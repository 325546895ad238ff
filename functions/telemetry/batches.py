"""Telemetry of a round: a log line for each failure, a log line for the batch, and its metrics."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from aws_lambda_powertools import Logger

from functions.core.download.rounds import Batch, RoundReport
from functions.core.model.outcomes import Failure, Outcome, OutcomeKind, tally
from functions.core.model.types import JsonValue
from functions.core.model.urls import display_host
from functions.telemetry.metrics import counted, emit
from functions.telemetry.names import Metric
from functions.telemetry.phases import Phase, Phases

OUTCOME_METRICS = {
    OutcomeKind.STORED: Metric.STORED,
    OutcomeKind.UNCHANGED: Metric.UNCHANGED,
    OutcomeKind.SKIPPED: Metric.SKIPPED,
    OutcomeKind.DUPLICATE: Metric.DUPLICATE,
    OutcomeKind.FAILED: Metric.FAILED,
}


def log_round(logger: Logger, batch: Batch, report: RoundReport, milliseconds: int) -> None:
    batch_fields = {
        "run_id": batch.run["id"],
        "manifest": batch.run.get("manifest"),
        "first_row": batch.first_row,
        "round": batch.round,
        **({"pass": batch.pass_number} if batch.pass_number else {}),
    }
    for outcome in report.outcomes:
        if outcome.failure is not None:
            logger.info("Image failed", extra={**batch_fields, **_failure_fields(outcome, outcome.failure)})
    counts = {name: count for name, count in tally(report.outcomes).items() if count}
    totals = {"deferred": report.deferred, "notified": report.notified, "ms": milliseconds}
    if report.passed_on:
        totals["passed_on"] = report.passed_on
    logger.info("Batch done", extra={**batch_fields, **counts, **totals, **_slowest_host_fields(report.outcomes)})


def measure_round(batch: Batch, report: RoundReport, phases: Phases, milliseconds: int) -> None:
    counts = dict(tally(report.outcomes))
    if batch.run["options"].get("probe"):  # it keeps nothing
        counts |= {OutcomeKind.STORED: 0, "bytes": 0}
    rows = len(report.outcomes)
    values: dict[Metric, Sequence[float]] = {
        **counted({metric: counts[kind] for kind, metric in OUTCOME_METRICS.items()}),
        **counted({Metric.BYTES: counts["bytes"], Metric.DEFERRED: report.deferred}),
        **counted({Metric.ROUNDS: 0 if report.deferred else batch.round + 1}),
        **counted({Metric.NOT_NOTIFIED: int(not report.notified)}),
        **counted({Metric.LAMBDA_CONCURRENCY: batch.run.get("lambda_concurrency", 0)}),
        Metric.DOWNLOAD_TIME: phases.milliseconds(Phase.DOWNLOAD),
        Metric.UPLOAD_TIME: phases.milliseconds(Phase.STORE),
        Metric.TIME_PER_IMAGE: [round(milliseconds / rows, 1)] if rows else [],
    }
    failures_by_reason = Counter(outcome.failure.reason.value for outcome in report.outcomes if outcome.failure)
    emit({metric: measured for metric, measured in values.items() if measured}, failures_by_reason)


def outcome_of(report: RoundReport) -> str:
    """The outcome of a round as an annotation of its trace."""
    if report.deferred:
        return "deferred"
    return "failures" if any(outcome.failure for outcome in report.outcomes) else "done"


def _failure_fields(outcome: Outcome, failure: Failure) -> dict[str, JsonValue]:
    """Flat, for queries. The user's own columns are left out, since they may be confidential."""
    return {
        "row": outcome.row,
        "url": outcome.url,
        "host": display_host(outcome.url),
        "reason": failure.reason.value,
        "http_status": failure.http_status,
        "retryable": failure.retryable,
        "why": failure.message,
    }


def _slowest_host_fields(outcomes: Sequence[Outcome]) -> Mapping[str, JsonValue]:
    """The host with the longest average download. One for each batch shows the slowest of thousands in a query."""
    download_times: dict[str, list[int]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.kind is OutcomeKind.STORED and outcome.image and (ms := outcome.image.get("ms")) is not None:
            download_times[display_host(outcome.url)].append(ms)
    if not download_times:
        return {}
    host, milliseconds = max(download_times.items(), key=lambda pair: sum(pair[1]) / len(pair[1]))
    return {
        "slowest_host": host,
        "slowest_host_images": len(milliseconds),
        "slowest_host_ms": round(sum(milliseconds) / len(milliseconds)),
    }
