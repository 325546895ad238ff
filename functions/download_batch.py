"""DownloadBatch: one round over the rows of one child."""

import time
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.adapters.clients import client
from functions.adapters.image_bucket import ImageBucket
from functions.adapters.images_table import ImagesTable
from functions.adapters.run_files import RunFiles
from functions.adapters.topic import Topic
from functions.core.batch import BatchMirror
from functions.core.mirror import Mirror
from functions.core.options import Options
from functions.core.rounds import CHILD_SECONDS, Batch, Report, RoundRunner
from functions.core.web.deadlines import Watchdog
from functions.core.web.fetch import Fetcher
from functions.core.web.guard import Guard
from functions.core.web.resolver import Resolver
from functions.core.web.session import make_session
from functions.environment import DownloadEnvironment

RESERVE_SECONDS = 10.0
"""Of a Lambda's time, kept for writing down what the last downloads came to."""

logger = Logger()


@cache
def environment() -> DownloadEnvironment:
    return DownloadEnvironment.read()


@cache
def fetcher() -> Fetcher:
    session = make_session(Guard(environment().addresses, Resolver()), contact=environment().contact)
    return Fetcher(session, Watchdog())


def runner(run_id: str, options: Options) -> RoundRunner:
    settings = environment()
    table = ImagesTable(client("dynamodb"), settings.images_table)
    mirror = Mirror(
        fetcher=fetcher(),
        store=ImageBucket(client("s3"), settings.images_bucket),
        options=options,
        run_id=run_id,
    )
    return RoundRunner(
        mirror=BatchMirror(mirror=mirror, table=table, options=options, run_id=run_id),
        files=RunFiles(client("s3"), settings.input_bucket, run_id),
        notices=Topic(client("sns"), settings.topic_arn),
        options=options,
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`event`: the `batch` as ItemBatcher or the round before made it, and when the child `started_at`."""
    batch = Batch.from_payload(event["batch"])
    options = Options.from_payload(batch.run["options"])
    seconds_left = context.get_remaining_time_in_millis() / 1000
    report = runner(batch.run["id"], options).run(
        batch,
        begin_until=time.monotonic() + seconds_left - options.timeout - RESERVE_SECONDS,
        child_seconds_left=CHILD_SECONDS - _age(event["started_at"]),
    )
    _log(batch, report)
    return report.payload


def _age(started_at: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(started_at)).total_seconds()


def _log(batch: Batch, report: Report) -> None:
    """A line a batch, and one a failure; nothing for what went well."""
    where = {"run_id": batch.run["id"], "first_row": batch.first_row, "round": batch.round}
    for outcome in report.outcomes:
        if outcome.failure is not None:
            logger.info("Image failed", **where, failure=outcome.as_json())
    counts: dict[str, Any] = Counter(outcome.ending.value for outcome in report.outcomes)
    logger.info("Batch done", **where, **counts, deferred=report.deferred, notified=report.notified)
