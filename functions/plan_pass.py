"""PlanPass: determines whether the rows that wait are tried again, and when."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.adapters.clients import client
from functions.adapters.dynamodb_runs_table import DynamoRunsTable
from functions.adapters.s3.run_files import S3RunFiles
from functions.config import PlanConfig
from functions.core.model.types import PreparedState
from functions.core.prepare.passes import PassPlanner
from functions.telemetry.tracing import traced

logger = Logger()


@cache
def config() -> PlanConfig:
    return PlanConfig.read()


def planner(run_id: str) -> PassPlanner:
    settings = config()
    return PassPlanner(
        files=S3RunFiles(client("s3"), settings.input_bucket, run_id),
        records=DynamoRunsTable(client("dynamodb"), settings.runs_table),
        run_seconds=settings.run_timeout_seconds,
        clock=time.time,
        pass_seconds=settings.pass_seconds,
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PreparedState:
    """`event` has the `state` of the workflow, the `execution_arn` and the `started_at` of the execution."""
    logger.set_correlation_id(event["execution_arn"])
    state: PreparedState = event["state"]
    with traced("PlanPass") as trace:
        trace.run_id = state["run"]["id"]
        planned = planner(trace.run_id).plan(state, event["started_at"])
        trace.outcome = planned["planned_pass"]["status"]
    logger.info("Pass planned", run_id=trace.run_id, **planned["planned_pass"])
    return planned
