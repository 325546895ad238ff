"""SummarizeRun: reads the outcomes of a run, reconciles them with its rows, writes its reports."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.adapters.clients import client
from functions.adapters.dynamodb_runs_table import DynamoRunsTable
from functions.adapters.s3_manifests import S3Manifests
from functions.adapters.s3_run_files import S3RunFiles
from functions.adapters.sns_topic import SnsTopic
from functions.adapters.step_functions_executions import input_of
from functions.config import SummarizeConfig
from functions.core.model.reasons import Reason
from functions.core.model.runs import run_id_of
from functions.core.summary.status_change import StatusChange
from functions.core.summary.summarizer import Summarizer
from functions.telemetry.metrics import counted, emit
from functions.telemetry.names import Metric
from functions.telemetry.tracing import traced

END_METRICS = {
    "succeeded": Metric.RUNS_SUCCEEDED,
    "failed": Metric.RUNS_FAILED,
    "cancelled": Metric.RUNS_CANCELLED,
}
"""The metric of a run's end, by its status. A cancelled run counts neither as succeeded nor as failed."""

logger = Logger()


@cache
def config() -> SummarizeConfig:
    return SummarizeConfig.read()


def summarizer(run_id: str) -> Summarizer:
    settings = config()
    return Summarizer(
        manifests=S3Manifests(client("s3")),
        results=S3RunFiles(client("s3"), settings.input_bucket, run_id),
        records=DynamoRunsTable(client("dynamodb"), settings.runs_table),
        notices=SnsTopic(client("sns"), settings.topic_arn),
        now=datetime.now(UTC),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """`event`: the execution's `input`, `execution_arn`, `started_at`, and the `failure` that was caught, or null;
    or, from EventBridge, the end of an execution, which may have been here before: then nothing is done."""
    with traced("SummarizeRun") as trace:
        change = StatusChange.from_event(event) if "detail-type" in event else None
        arn = change.execution_arn if change else event["execution_arn"]
        logger.set_correlation_id(arn)
        given = _input(change, arn) if change else event["input"]
        trace.run_id = run_id_of(given)
        if change:
            ended = summarizer(trace.run_id).settle(given, change)
        else:
            ended = summarizer(trace.run_id).summarize(given, event["failure"], event["started_at"], execution_arn=arn)
        trace.outcome = ended["status"] if ended else "over before"
    if ended:
        logger.info("Run ended", **ended)
        _measure(ended["status"], ended["lost"])
    return ended


def _input(change: StatusChange, arn: str) -> Mapping[str, Any]:
    """An event leaves it out where it would be too large."""
    return change.input or input_of(client("stepfunctions"), arn)


def _measure(status: str, lost: int) -> None:
    """Emits the end of the run, and the rows of batches that crashed or were stopped and so emitted nothing."""
    end = {END_METRICS[status]: [1]} if status in END_METRICS else {}
    reason = Reason.OUT_OF_TIME if status == "cancelled" else Reason.BATCH_CRASHED
    emit(end | counted({Metric.FAILED: lost}), {reason: lost} if lost else None)
