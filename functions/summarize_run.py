"""SummarizeRun: folds the outcomes of a run, checks its books, writes its reports."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.adapters.clients import client
from functions.adapters.manifests import Manifests
from functions.adapters.run_files import RunFiles
from functions.adapters.runs_table import RunsTable
from functions.adapters.topic import Topic
from functions.core.runs import run_id_of
from functions.core.summary import Summarizer
from functions.environment import SummarizeEnvironment

logger = Logger()


@cache
def environment() -> SummarizeEnvironment:
    return SummarizeEnvironment.read()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`event`: the execution's `input`, `execution_arn`, `started_at`, and the `failure` that was caught, or null."""
    settings = environment()
    summarizer = Summarizer(
        manifests=Manifests(client("s3")),
        results=RunFiles(client("s3"), settings.input_bucket, run_id_of(event["input"])),
        records=RunsTable(client("dynamodb"), settings.runs_table),
        notices=Topic(client("sns"), settings.topic_arn),
        now=datetime.now(UTC),
    )
    ended = summarizer.summarize(event["input"], event["failure"], event["started_at"])
    logger.info("Run ended", **ended)
    return ended
