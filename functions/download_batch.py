"""DownloadBatch: one round over the rows of one child execution."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.adapters.clients import MAX_CONNECTIONS, client, credentials
from functions.adapters.discarded_images import DiscardedImages
from functions.adapters.dynamodb_host_records import DynamoHostRecords
from functions.adapters.dynamodb_hosts_table import DynamoHostsTable
from functions.adapters.dynamodb_images_table import DynamoImagesTable
from functions.adapters.s3.image_bucket import S3ImageBucket
from functions.adapters.s3.run_files import S3RunFiles
from functions.adapters.s3.shards import S3Shards
from functions.adapters.s3.signed_put import S3SignedPut
from functions.adapters.sns_topic import SnsTopic
from functions.config import DownloadConfig
from functions.core.download.batch import BatchMirror
from functions.core.download.hosts.busy import BusyHosts
from functions.core.download.hosts.fleet import FleetHosts
from functions.core.download.mirror import RowMirror
from functions.core.download.outputs.no_table import NoImagesTable
from functions.core.download.passes import Passes
from functions.core.download.rounds import Batch, RoundRunner
from functions.core.download.shards.output import ImageShards
from functions.core.model.host_limits import option_limit
from functions.core.model.keys import shard_name
from functions.core.model.limits import CHILD_SECONDS, RESERVE_SECONDS
from functions.core.model.options import Options
from functions.core.model.ports import ImageTable
from functions.core.model.runs import KNOWN_BAD_FILE
from functions.core.model.types import BatchPayload
from functions.core.web.deadlines import Watchdog
from functions.core.web.fetch import Fetcher
from functions.core.web.guard import Guard
from functions.core.web.resolver import Resolver
from functions.core.web.robots.cache import RobotsCache
from functions.core.web.robots.check import RunRobots
from functions.core.web.robots.fleet import FleetRobots
from functions.core.web.robots.reader import RobotsReader
from functions.core.web.session import MirrorSession, make_session
from functions.telemetry.batches import log_round, measure_round, outcome_of
from functions.telemetry.phases import Phase, Phases
from functions.telemetry.tracing import traced

logger = Logger()


@cache
def config() -> DownloadConfig:
    return DownloadConfig.read()


@cache
def web() -> tuple[MirrorSession, Watchdog]:
    return make_session(Guard(config().addresses, Resolver()), contact=config().contact), Watchdog()


@cache
def fetcher() -> Fetcher:
    return Fetcher(*web())


@cache
def robots() -> RobotsCache:
    table = DynamoHostsTable(client("dynamodb", "hosts"), config().hosts_table)
    return RobotsCache(FleetRobots(RobotsReader(*web()), table))


@cache
def hosts() -> FleetHosts:
    return FleetHosts(DynamoHostRecords(client("dynamodb", "hosts"), config().hosts_table))


busy_hosts = BusyHosts()


@cache
def signed_put() -> S3SignedPut:
    return S3SignedPut(client("s3"), config().images_bucket, credentials(), MAX_CONNECTIONS)


@lru_cache(maxsize=1)
def known_bad(run_id: str) -> frozenset[str]:
    """The digests that PrepareRun has written. Raises StorageFault."""
    content = S3RunFiles(client("s3"), config().input_bucket, run_id).read_json(KNOWN_BAD_FILE)
    digests = content["sha256"] if isinstance(content, Mapping) else ()
    assert isinstance(digests, Sequence)
    return frozenset(map(str, digests))


def images_table(options: Options, phases: Phases) -> ImageTable:
    if options.probe or not options.table:
        return NoImagesTable()
    return phases.timed(
        DynamoImagesTable(client("dynamodb"), config().images_table),
        look_up=Phase.LOOK_UP,
        record=Phase.RECORD,
        read=Phase.LOOK_UP,
        replace=Phase.RECORD,
    )


def shards(batch: Batch, options: Options, phases: Phases) -> ImageShards:
    return ImageShards(
        store=phases.timed(
            S3Shards(client("s3"), config().images_bucket, signed_put()),
            put_shard=Phase.STORE,
            read_shard=Phase.LOOK_UP,
        ),
        options=options,
        run_id=batch.run["id"],
        name=shard_name(batch.pass_number, batch.first_row, batch.round),
        prefix=config().images_prefix,
    )


def runner(batch: Batch, options: Options, phases: Phases) -> RoundRunner:
    settings, run, run_id = config(), batch.run, batch.run["id"]
    table = images_table(options, phases)
    files = S3RunFiles(client("s3"), settings.input_bucket, run_id)
    mirror = RowMirror(
        fetcher=phases.timed(fetcher(), fetch=Phase.DOWNLOAD),
        store=phases.timed(
            DiscardedImages() if options.probe else S3ImageBucket(client("s3"), settings.images_bucket, signed_put()),
            put=Phase.STORE,
            head=Phase.STORE,
            read=Phase.STORE,
        ),
        table=table,
        options=options,
        run_id=run_id,
        prefix=settings.images_prefix,
        robots=RunRobots(robots(), options) if options.robots != "ignore" else None,
        output=shards(batch, options, phases) if options.output == "shards" and not options.probe else None,
        known_bad=known_bad(run_id) if options.known_bad else frozenset(),
    )
    return RoundRunner(
        mirror=BatchMirror(
            mirror=mirror,
            table=table,
            options=options,
            run_id=run_id,
            throttle_count=lambda: signed_put().throttle_count,
            prefix=settings.images_prefix,
            open_hosts=lambda: hosts().round(options, busy_hosts.of(run, option_limit(options), files.read_json)),
        ),
        files=phases.timed(files, write=Phase.RECORD, start_round=Phase.RECORD),
        notices=phases.timed(SnsTopic(client("sns"), settings.topic_arn), publish=Phase.NOTIFY),
        options=options,
        passes=Passes(options, settings.pass_seconds),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> BatchPayload:
    """`event` has the `batch`, the `execution_arn` of the child execution and the time when it `started_at`, and the
    number of `retries` of this invocation."""
    start, phases = time.monotonic(), Phases()
    end = start + context.get_remaining_time_in_millis() / 1000
    logger.set_correlation_id(event.get("execution_arn", ""))
    batch = Batch.from_payload(event["batch"])
    options = Options.from_payload(batch.run["options"])
    with traced("DownloadBatch", phases) as trace:
        trace.run_id = batch.run["id"]
        report = runner(batch, options, phases).run(
            batch,
            start_deadline=end - options.timeout - RESERVE_SECONDS,
            child_seconds_left=CHILD_SECONDS - _age(event["started_at"]),
            end=end,
            is_retry=event.get("retries", 0) > 0,
        )
        trace.outcome = outcome_of(report)
    milliseconds = round((time.monotonic() - start) * 1000)
    log_round(logger, batch, report, milliseconds)
    measure_round(batch, report, phases, milliseconds)
    return report.payload


def _age(started_at: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(started_at)).total_seconds()
