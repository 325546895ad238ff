"""PrepareRun: claims the run, validates its manifest and determines its options.

The rows of a large manifest are validated by ranges: an invocation for each of them, and one more for the result.
"""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.adapters.clients import client
from functions.adapters.dynamodb_runs_table import DynamoRunsTable
from functions.adapters.lambda_account import LambdaAccountSettings
from functions.adapters.s3.manifests import S3ManifestCopies, S3Manifests
from functions.adapters.s3.run_files import S3RunFiles
from functions.adapters.step_functions_executions import StepFunctionsMapRuns
from functions.config import PrepareConfig
from functions.core.model.errors import InvalidManifest
from functions.core.model.runs import run_id_of
from functions.core.model.types import CheckingRun, PreparedState, RepeatedRun
from functions.core.prepare import Preparer
from functions.core.prepare.shares import ConcurrencyShares
from functions.telemetry.metrics import emit
from functions.telemetry.names import Metric
from functions.telemetry.tracing import traced

logger = Logger()


@cache
def preparer() -> Preparer:
    config = PrepareConfig.read()
    records = DynamoRunsTable(client("dynamodb"), config.runs_table)
    return Preparer(
        manifests=S3Manifests(client("s3")),
        copies=S3ManifestCopies(client("s3")),
        records=records,
        defaults=config.default_options,
        whole_bytes=config.check_bytes,
        local_run=config.local_run,
        host_limits=config.host_limits,
        run_files=lambda bucket, run_id: S3RunFiles(client("s3"), bucket, run_id),
        shares=ConcurrencyShares(
            records=records,
            account=lambda: LambdaAccountSettings(client("lambda")),
            map_runs=lambda: StepFunctionsMapRuns(client("stepfunctions")),
            warn=logger.warning,
        ),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PreparedState | RepeatedRun | CheckingRun | None:
    """`event` has the `input`, the `execution_arn` and the `started_at` of the execution.

    The answer for a large manifest has its ranges. The `step` `check` follows for each `range`, and then `join`.
    """
    logger.set_correlation_id(event["execution_arn"])
    step = event.get("step")
    with traced("PrepareRun") as trace:
        trace.run_id = run_id_of(event["input"])
        try:
            if step == "check":
                trace.outcome = "range checked"
                preparer().check_range(event["input"], event["range"])
                logger.info("Range checked", run_id=trace.run_id, range=event["range"])
                return None
            prepared = preparer().prepare(
                event["input"], event["execution_arn"], event["started_at"], ranges_checked=step == "join"
            )
        except InvalidManifest as error:
            logger.warning("Invalid manifest", run_id=trace.run_id, cause=str(error))
            _count_start(step)
            raise
        trace.outcome = prepared["status"]
    logger.info("Run prepared", run_id=prepared["run"]["id"], status=prepared["status"], rows=prepared.get("rows"))
    if prepared["status"] != "repeated":
        _count_start(step)
    return prepared


def _count_start(step: str | None) -> None:
    """Once for each run: the steps follow the first invocation."""
    if step is None:
        emit({Metric.RUNS_STARTED: [1]})
