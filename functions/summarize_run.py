"""SummarizeRun: reads the outcomes of a run, reconciles them with its rows, writes its reports."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.adapters.clients import client
from functions.adapters.dynamodb_runs_table import DynamoRunsTable
from functions.adapters.lambda_account import LambdaAccountSettings
from functions.adapters.s3.manifests import S3Manifests
from functions.adapters.s3.run_files import S3RunFiles
from functions.adapters.sns_topic import SnsTopic
from functions.adapters.step_functions_executions import StepFunctionsMapRuns, input_of, start_index
from functions.config import SummarizeConfig
from functions.core.model.errors import WorkflowFault
from functions.core.model.runs import run_id_of
from functions.core.model.types import RunEnd
from functions.core.prepare.shares import ConcurrencyShares
from functions.core.summary.execution import EndedExecution, StatusChange, WorkflowFailure
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
        local_run=settings.local_run,
        images_prefix=settings.images_prefix,
    )


@cache
def shares() -> ConcurrencyShares:
    return ConcurrencyShares(
        records=DynamoRunsTable(client("dynamodb"), config().runs_table),
        account=lambda: LambdaAccountSettings(client("lambda")),
        map_runs=lambda: StepFunctionsMapRuns(client("stepfunctions")),
        warn=logger.warning,
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> RunEnd | None:
    """`event`: the execution's `input`, `execution_arn`, `started_at`, and the `failure` that was caught, or null;
    or, from EventBridge, the end of an execution, which may have been here before: then nothing is done."""
    with traced("SummarizeRun") as trace:
        from_eventbridge = "detail-type" in event
        execution = _from_status_change(event) if from_eventbridge else _from_state(event)
        trace.run_id = run_id_of(execution.input)
        shares().leave(trace.run_id)
        run = summarizer(trace.run_id)
        ended = run.summarize_once(execution) if from_eventbridge else run.summarize(execution)
        trace.outcome = ended["status"] if ended else "over before"
    if ended:
        logger.info("Run ended", **ended)
        _measure(ended["status"], ended["lost"])
        _start_index(ended)
    return ended


def _start_index(ended: RunEnd) -> None:
    """A failure does not change how the run ended: the index can be made later (`./image-mirror index RUN`)."""
    if any(ended["counts"].values()):
        try:
            start_index(client("stepfunctions"), config().index_machine_arn, ended["run_id"])
        except WorkflowFault as error:
            logger.warning("The index was not started", run_id=ended["run_id"], cause=str(error))


def _from_state(event: dict[str, Any]) -> EndedExecution:
    logger.set_correlation_id(event["execution_arn"])
    return EndedExecution(
        input=event["input"],
        arn=event["execution_arn"],
        started_at=event["started_at"],
        failure=WorkflowFailure.from_caught(event["failure"]),
    )


def _from_status_change(event: dict[str, Any]) -> EndedExecution:
    change = StatusChange.from_event(event)
    logger.set_correlation_id(change.execution_arn)
    return change.execution(change.input or input_of(client("stepfunctions"), change.execution_arn))


def _measure(status: str, lost: Mapping[str, int]) -> None:
    """Emits the end of the run, and the failed rows that no batch has emitted, by reason."""
    end = {END_METRICS[status]: [1]} if status in END_METRICS else {}
    emit(end | counted({Metric.FAILED: sum(lost.values())}), lost or None)
