"""Limits, compared with the figure that AWS or our documentation has for them, in the smallest unit.

The sizes of blocks and buffers are not among them: they change nothing but the speed.
"""

import pytest

from functions.adapters import clients, dynamodb_images_table, sns_topic
from functions.adapters.s3 import connections as s3_connections
from functions.adapters.s3 import reading as s3_reading
from functions.adapters.s3 import signed_put as s3_signed_put
from functions.core.api import queries, requests
from functions.core.download import concurrency, record_buffer, rounds
from functions.core.download.hosts import host, pace, queues
from functions.core.manifests import contents, csv_validation, json_rows, line_errors, validation
from functions.core.manifests.parquet import footer as parquet
from functions.core.model import headers, limits, metadata, options, ports, runs
from functions.core.report import aggregates, page, samples
from functions.core.summary import reconciliation, run_summary
from functions.core.web import cookies, errors, fetch, guard, response, session, transport

OF_AWS: tuple[tuple[float, float, str], ...] = (
    (limits.MAX_TABLE_KEY_BYTES, 2048, "DynamoDB: partition key"),
    (limits.MAX_KEY_BYTES, 1024, "S3: object key"),
    (limits.CHILD_SECONDS, 300, "Step Functions: duration of an Express workflow, 5 minutes"),
    (limits.DOWNLOAD_MEMORY_MB, 1769, "Lambda: memory of one vCPU"),
    (contents.MAX_ITEM_BYTES, 184_320, "below the 256 KiB of a Step Functions payload, 180 KiB"),
    (sns_topic.MAX_BYTES, 262_144, "SNS: message, 256 KiB"),
    (sns_topic.MAX_SUBJECT, 99, "SNS: subject, less than 100 characters"),
    (dynamodb_images_table.MAX_WRITES, 25, "DynamoDB: BatchWriteItem"),
    (dynamodb_images_table.MAX_READS, 100, "DynamoDB: BatchGetItem"),
    (record_buffer.BATCH_RECORDS, 25, "DynamoDB: BatchWriteItem"),
    (runs.RECORD_RETENTION_DAYS, 90, "Step Functions: name of an execution"),
    (csv_validation.MAX_HEADER_BYTES, 10_240, "Step Functions: header of a CSV, 10 KiB"),
)

OURS: tuple[tuple[float, float, str], ...] = (
    (limits.DOWNLOAD_TIMEOUT_SECONDS, 90, "DownloadBatch"),
    (limits.RESERVE_SECONDS, 10, "seconds of DownloadBatch for its outcomes"),
    (limits.WORKFLOW_MEMORY_MB, 1024, "the other functions"),
    (limits.MAX_URL_BYTES, 16_384, "longest request line of common servers, 16 KiB"),
    (limits.MAX_BASE_URL_CHARACTERS, 2048, "an option in object metadata of 2 KB"),
    (headers.MAX_HEADERS, 20, "headers of a run, and of a row"),
    (headers.MAX_NAME_CHARACTERS, 40, "name of a header"),
    (headers.MAX_HEADER_BYTES, 4096, "headers as JSON"),
    (metadata.MAX_METADATA_BYTES, 2000, "below the 2 KB of user-defined metadata in S3"),
    (limits.MAX_IDLE_CONNECTIONS, 128, "idle connections of an environment"),
    (options.MAX_CONCURRENT_UPLOADS, 16, "uploads beside the requests"),
    (ports.NOTICE_SECONDS, 8, "publishing of a message"),
    (ports.LINK_SECONDS, 900, "a presigned link, 15 minutes"),
    (validation.MAX_WHOLE_CHECK_BYTES, 268_435_456, "manifest that is validated whole, 256 MiB"),
    (validation.SAMPLE_BYTES, 8_388_608, "each end of a larger one, 8 MiB"),
    (parquet.MAX_SCHEMA_BYTES, 524_288, "512 KiB"),
    (json_rows.MAX_ITEM_CHARACTERS, 6 * 180 * 1024, "180 KiB of JSON escapes"),
    (line_errors.MAX_BLANK_LINES, 100_000, "blank lines"),
    (line_errors.MAX_ERRORS, 10_000, "errors of one kind"),
    (contents.MAX_NESTING, 100, "levels"),
    (parquet.MAX_ROWS, 100_000_000, "MaxItems"),
    (parquet.MAX_FOOTER_BYTES, 5_242_880, "ItemReader: footer of Parquet, 5 MB"),
    (parquet.MAX_ROW_GROUP_BYTES, 268_435_456, "ItemReader: row group of Parquet, 256 MB"),
    (contents.MAX_COLUMNS, 200, "user columns"),
    (requests.MAX_ROWS, 10_000, "rows in a request"),
    (requests.MAX_PAGE, 100, "runs in a page"),
    (queries.RECORDS_PER_QUERY * queries.MAX_QUERIES, 1000, "records that are read for a page"),
    (guard.CONNECT_SECONDS, 5, "connect to a host"),
    (guard.MAX_ADDRESSES, 3, "addresses of a host"),
    (fetch.READ_SECONDS, 15, "without a byte"),
    (cookies.MAX_COOKIES, 50, "cookies of a chain of redirects"),
    (errors.MAX_RETRY_AFTER_SECONDS, 31_536_000, "Retry-After, a year"),
    (transport.MAX_HEAD_BYTES, 65_536, "head of a response, 64 KiB"),
    (transport.MAX_INTERIM_RESPONSES, 8, "interim responses"),
    (response.DRAIN_BYTES, 16_384, "rest of an error response, 16 KiB"),
    (response.DRAIN_SECONDS, 0.25, "and the time for it"),
    (response.IN_MEMORY_BYTES, 262_144, "body in memory, 256 KiB"),
    (session.MAX_POOLS, 256, "hosts with a pool"),
    (session.MAX_IDLE_PER_HOST, 32, "idle connections of a host"),
    (host.CONSECUTIVE_FAILURES_TO_OPEN, 3, "failures that open a circuit"),
    (host.CONSECUTIVE_FAILURES_TO_OPEN_AFTER_SUCCESS, 8, "after a success"),
    (pace.MAX_IDLE_SECONDS, 1.5, "idle time of an invocation, about the price of a round"),
    (pace.HALF_OPEN_REQUESTS, 1, "requests to a host that has not answered since the wait"),
    (pace.MAX_BACKOFF_SECONDS, 30, "wait for a host that asked for none"),
    (limits.MAX_ROUNDS, 90, "two digits in the names of parts, and below 98, which an interrupted run uses"),
    (queues.MAX_CONCURRENCY, 256, "the largest value of the option concurrency"),
    (rounds.CHILD_MARGIN_SECONDS, 15, "end of a child execution"),
    (rounds.RETURN_SECONDS, 1, "end of an invocation without a message"),
    (s3_reading.MAX_INTERRUPTIONS, 5, "interruptions of a body without progress"),
    (s3_reading.MAX_WAIT_SECONDS, 1, "before reading goes on"),
    (rounds.MAX_LISTED_FAILURES, 100, "failures in a message"),
    (concurrency.INITIAL_LIMIT, 2, "rows in flight at first"),
    (clients.MAX_CONNECTIONS, 64, "connections to AWS"),
    (s3_connections.CONNECT_SECONDS, 3, "connect to S3"),
    (s3_connections.READ_SECONDS, 20, "a response of S3"),
    (s3_connections.MAX_IDLE_SECONDS, 4, "an idle connection to S3"),
    (s3_connections.MAX_HEADERS, 100, "headers of a response of S3"),
    (s3_signed_put.MAX_CONSECUTIVE_FAILURES, 5, "failures that disable the fast upload"),
    (s3_signed_put.DISABLED_SECONDS, 60, "for a minute"),
    (s3_signed_put.MAX_IN_MEMORY_BYTES, 1_048_576, "body that is sent from memory, 1 MiB"),
    (samples.MAX_IMAGES, 60, "images of the report"),
    (samples.MAX_EXAMPLES, 2, "failed rows of a reason"),
    (aggregates.MAX_HOSTS, 2000, "hosts that are kept"),
    (reconciliation.MAX_HOSTS, 2000, "hosts that are kept"),
    (page.MAX_CHARACTERS, 200, "text from outside"),
    (run_summary.TOP_HOSTS, 20, "failures_by_host"),
    (run_summary.TOP_REASONS, 5, "reasons in the cause"),
)


@pytest.mark.parametrize(("limit", "figure", "of"), [*OF_AWS, *OURS])
def test_a_limit_is_the_documented_one(limit: float, figure: float, of: str) -> None:
    assert limit == figure, of
