"""IndexRun: makes the results of a run that has ended a table, and writes the documents that follow from them.

The only function whose bundle has pyarrow. What it does never changes the outcome of the run.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.adapters.clients import client
from functions.adapters.dynamodb_runs_table import DynamoRunsTable
from functions.adapters.s3.manifests import S3Manifests
from functions.adapters.s3.run_files import S3RunFiles
from functions.config import IndexConfig
from functions.core.model.types import CaughtError, IndexGroup, IndexPlan
from functions.core.summary.index import parquet
from functions.core.summary.index.indexer import Indexer
from functions.telemetry.tracing import traced

logger = Logger()


@cache
def config() -> IndexConfig:
    return IndexConfig.read()


def indexer(run_id: str) -> Indexer:
    return Indexer(
        manifests=S3Manifests(client("s3")),
        files=S3RunFiles(client("s3"), config().input_bucket, run_id),
        records=DynamoRunsTable(client("dynamodb"), config().runs_table),
        run_id=run_id,
        with_parquet=parquet.available(),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Mapping[str, object]:
    """`event`: `step`, `run_id`, and what the step needs of the results of the steps before it."""
    run_id, step = event["run_id"], event["step"]
    with traced("IndexRun") as trace:
        trace.run_id, trace.outcome = run_id, step
        result = STEPS[step](indexer(run_id), event)
    logger.info("Index step done", run_id=run_id, step=step, rows=result.get("rows"))
    return result


def _plan(run: Indexer, event: Mapping[str, Any]) -> IndexPlan:
    return {"run_id": event["run_id"], "groups": run.plan(), "written": [], "failure": None}


def _write_group(run: Indexer, event: Mapping[str, Any]) -> IndexGroup:
    return {"rows": run.write_group(event["group"])}


def _publish(run: Indexer, event: Mapping[str, Any]) -> Mapping[str, object]:
    failure: CaughtError | None = event["failure"]
    written: list[IndexGroup] = event["written"]
    return {"rows": run.publish(None if failure else sum(each["rows"] for each in written)), "failure": failure}


STEPS: Mapping[str, Callable[[Indexer, Mapping[str, Any]], Mapping[str, Any]]] = {
    "plan": _plan,
    "write_group": _write_group,
    "publish": _publish,
}
