"""PrepareRun: claims the run, checks its manifest, settles its options."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.adapters.clients import client
from functions.adapters.manifests import Manifests
from functions.adapters.runs_table import RunsTable
from functions.core.faults import InvalidManifest
from functions.core.prepare import Preparer
from functions.environment import PrepareEnvironment

logger = Logger()


@cache
def preparer() -> Preparer:
    environment = PrepareEnvironment.read()
    return Preparer(
        manifests=Manifests(client("s3")),
        records=RunsTable(client("dynamodb"), environment.runs_table),
        defaults=environment.default_options,
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`event`: the execution's `input`, `execution_arn` and `started_at`."""
    try:
        prepared = preparer().prepare(event["input"], event["execution_arn"], event["started_at"])
    except InvalidManifest as refusal:
        logger.warning("Manifest refused", cause=str(refusal), execution_arn=event["execution_arn"])
        raise
    logger.info("Run prepared", run_id=prepared["run"]["id"], status=prepared["status"], rows=prepared.get("rows"))
    return prepared
