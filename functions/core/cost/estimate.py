"""Model of the time and the cost of a run, from a few figures, before anything is downloaded.

Assumptions: every image is new, valid and of the same size; every server answers in the same time; the hosts are mixed
throughout the manifest, and the images bucket is new. Not included: retries and Retry-After, rows that the images table
has already (they cost a look-up), notifications, monthly storage, the events of the input bucket (less than a cent per
million images), the cost of an idle deployment (docs/operations.md), and the time in which DynamoDB and Lambda scale up
to a sudden load.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from functions.core.cost import prices
from functions.core.cost.hosts import HostLoad
from functions.core.cost.index import PART_READS, index_gb_seconds, index_states
from functions.core.cost.prices import Price
from functions.core.cost.quotas import s3_seconds
from functions.core.cost.storage import MB_PER_SECOND, last_put_ms, moved_objects, put_wait_ms, stored_objects
from functions.core.model.host_limits import option_limit, places, usable_batches
from functions.core.model.limits import (
    CHILD_SECONDS,
    DOWNLOAD_MEMORY_MB,
    DOWNLOAD_TIMEOUT_SECONDS,
    MAX_IDLE_CONNECTIONS,
    PASS_SECONDS,
    RESERVE_SECONDS,
    WORKFLOW_MEMORY_MB,
)
from functions.core.model.options import MAX_CONCURRENT_UPLOADS, Options

SIZE_KB, LATENCY_MS, URL_BYTES = 100.0, 200.0, 100.0
"""Defaults for the size of an image, the response time of a server, and the length of a URL in bytes."""

RECORD_BYTES = 396
"""Size of an item of the images table without its URL, in bytes. If the server redirects, the final URL and 9 bytes for
its name are added."""

WRITE_UNIT_BYTES = 1024
"""Size of an item up to which a write is one write request unit (DynamoDB developer guide)."""

GLACIER_FROM_BYTES = 128 * 1024
"""Default of the stack's setting: S3 moves images of this size or more, in bytes, to Glacier Instant Retrieval."""

CPU_MS = 1.3
"""CPU time for an image of up to 50 KB over plain HTTP, everything included, in milliseconds of one vCPU: 1.2 to 1.4 by
`make bench`, on an AMD EPYC core. Lambda's own has not been measured."""

CPU_MS_PER_MB = 2.4
"""CPU time for each further megabyte of an image, in milliseconds of one vCPU (`bench.measures.batch_limits`)."""

TLS_MS = 0.2
"""CPU time to decrypt and encrypt an image, in milliseconds of one vCPU (`bench.measures.tls`)."""

CONNECT_MS = 1.4
"""CPU time of a new connection, mostly the TLS handshake, in milliseconds of one vCPU (`bench.measures.tls`)."""

ROBOTS_CPU_MS = 4.0
"""CPU time to obtain a robots.txt, its records in the hosts table included, in milliseconds of one vCPU: 3.4 to 4.7 for
each of 10,000 hosts with one row (docs/performance-log.md)."""

ROBOTS_WRITES = 2
"""Writes into the hosts table for a robots.txt: the claim to read it, and its rules, up to 1 KB compressed."""

LEASE_WRITES = 2
"""Writes into the hosts table for the places of a batch at a host: it takes them and gives them back."""

BATCH_OVERHEAD_MS = 40.0
"""Time of a batch that does not depend on its images, in milliseconds: the event, the look-up, the part files. An
assumption."""

DRAIN_FACTOR = 1.5
"""Time at the end of a batch, when fewer and fewer requests are in flight, as a multiple of the time of one image. It
agrees with `make bench`."""

CHILD_STARTS_PER_SECOND = 1000.0
"""Maximum number of Express child executions that Step Functions starts in a second (its documentation)."""

ROUNDING_SECONDS = 0.05
"""Express time is billed in steps of 100 ms: half a step for each child, on average."""

RUN_SECONDS = 6.0
"""Duration of a run of one image, in seconds: three cold starts, start and end of the Map Run. An assumption."""

ROW_SECONDS = 30e-6
"""Time to validate a row before the run and to summarize it after, in seconds: 16 µs on a whole core
(`bench.measures.manifest_validation`, `bench.measures.summary`), on functions that have 1,024 MB."""

RUN_TRANSITIONS = 9
"""State transitions of a run without rows that wait: PrepareRun, Route, the Map, RowsMayWait, PlanPass, PassPlanned,
SummarizeRun, Outcome, RunSucceeded."""

RUN_INVOCATIONS = 3
"""Invocations of PrepareRun, PlanPass and SummarizeRun."""

LOG_BYTES = 11.0
"""Log volume of an image without errors, in bytes, with batches of 500 (`bench.measures.log_bytes`). In smaller batches
it is more."""

MAX_ROUNDS = int(CHILD_SECONDS // DOWNLOAD_TIMEOUT_SECONDS)
"""Rounds of full length that fit into a child execution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEstimate:
    """Estimate of a run.

    `latency_ms` is the time until a server has sent an image, its body included. `hosts` is the number of hosts if all
    have the same share of the rows; for a real manifest, its rows divided by those of the largest host. S3 moves images
    of `glacier_from_bytes` or more to Glacier Instant Retrieval after a day, and charges for it; None if the lifecycle
    rules of the bucket are not those of the stack. `known_hosts` is the number of all hosts, whose robots.txt
    is read; 0 leaves that out. `slowest` is the host that takes longest within its limit, and `busy_hosts` the number
    of hosts that have more rows than their limit; None if all hosts have the limit of the options.
    """

    images: int
    size_kb: float = SIZE_KB
    latency_ms: float = LATENCY_MS
    hosts: float = math.inf
    known_hosts: int = 0
    slowest: HostLoad | None = None
    busy_hosts: int | None = None
    memory_mb: int = DOWNLOAD_MEMORY_MB
    glacier_from_bytes: int | None = GLACIER_FROM_BYTES
    write_units: float = 1.0
    options: Options = Options()  # noqa: RUF009 - frozen

    @property
    def batches(self) -> int:
        return math.ceil(self.images / self.options.batch_size)

    @property
    def objects(self) -> int:
        """Number of objects of the images bucket: images, or shards."""
        return stored_objects(self.images, self.size_kb, self.options)

    @property
    def host_load(self) -> HostLoad:
        """The rows and the limit of the host that takes longest."""
        return self.slowest or HostLoad(self.images / self.hosts, option_limit(self.options))

    @property
    def _leased_hosts(self) -> float:
        """Number of hosts of which each batch takes places, on average."""
        hosts = self.busy_hosts if self.busy_hosts is not None else self.hosts if self.host_load.is_busy else 0
        return min(hosts, self.options.batch_size)

    @property
    def in_flight(self) -> float:
        """Concurrent requests in one batch."""
        limit = places(self.host_load.limit) if self.host_load.is_busy else 0
        per_host = min(self.options.per_host, limit) if limit else self.options.per_host
        return min(self.options.concurrency, per_host * self.hosts, self.options.batch_size)

    @property
    def wait_ms(self) -> float:
        """Time from the request for an image until it is stored, in milliseconds."""
        return self.latency_ms + put_wait_ms(self.options)

    @property
    def cpu_ms(self) -> float:
        """CPU time of an image at the given memory, in milliseconds. More than one vCPU does not make it shorter."""
        connect = CONNECT_MS if self.hosts > MAX_IDLE_CONNECTIONS else 0.0
        on_one_vcpu = CPU_MS + TLS_MS + connect + CPU_MS_PER_MB * max(0.0, self.size_kb - 50) / 1000
        return on_one_vcpu * max(1.0, DOWNLOAD_MEMORY_MB / self.memory_mb)

    @property
    def image_ms(self) -> float:
        """Time per image of a batch in steady state: the maximum of CPU time, transfer time and waiting time."""
        download, download_and_store = self.latency_ms + self.cpu_ms, self.wait_ms + self.cpu_ms
        waiting = max(
            download / self.in_flight,
            download_and_store / (self.in_flight + MAX_CONCURRENT_UPLOADS),
        )
        return max(self.cpu_ms, self.size_kb / MB_PER_SECOND, waiting)

    @property
    def robots_files(self) -> int:
        """Number of robots.txt that are read."""
        return 0 if self.options.robots == "ignore" else min(self.images, self.known_hosts)

    @property
    def _row_ms(self) -> float:
        """Time per image with its share of the requests for robots.txt, which take as long as those for images."""
        cpu_ms = ROBOTS_CPU_MS * max(1.0, DOWNLOAD_MEMORY_MB / self.memory_mb)
        robots_ms = max(cpu_ms, self.latency_ms / self.in_flight)
        return self.image_ms + robots_ms * self.robots_files / max(1, self.images)

    @property
    def billed_seconds(self) -> float:
        """Duration of DownloadBatch, the sum of all batches."""
        return (self.images * self._row_ms + self.batches * self._batch_overhead_ms) / 1000

    @property
    def batch_seconds(self) -> float:
        images = min(self.images, self.options.batch_size)
        return (images * self._row_ms + self._batch_overhead_ms) / 1000

    @property
    def _batch_overhead_ms(self) -> float:
        return BATCH_OVERHEAD_MS + DRAIN_FACTOR * self.wait_ms + last_put_ms(self.images, self.size_kb, self.options)

    @property
    def concurrent_batches(self) -> int:
        """No more than the slowest host can use (`functions.core.prepare.budgets`)."""
        load, usable = self.host_load, self.batches
        if load.is_busy and self.latency_ms:
            usable = usable_batches(load.rows, load.limit, self.images, self.options, self.latency_ms / 1000)
        return min(self.options.max_concurrency, self.batches, usable)

    @property
    def host_seconds(self) -> float:
        """Duration of the downloads by the limit of the slowest host."""
        return self.host_load.seconds(self.latency_ms)

    @property
    def passes(self) -> int:
        """Number of passes over the rows: those for which a host has no time until a child execution ends wait for the
        next one."""
        seconds_of_a_batch = self.host_seconds * self.concurrent_batches / max(1, self.batches)
        return max(1, math.ceil(seconds_of_a_batch / CHILD_SECONDS))

    @property
    def _batches_seconds(self) -> float:
        """Duration of the downloads by the number of batches, and by S3."""
        return max(
            math.ceil(self.batches / max(1, self.concurrent_batches)) * self.batch_seconds,
            self.batches / CHILD_STARTS_PER_SECOND + self.batch_seconds,
            s3_seconds(self.objects),
        )

    @property
    def is_limited_by_host(self) -> bool:
        """True if one host decides how long the run takes."""
        return self.host_seconds > self._batches_seconds

    @property
    def seconds(self) -> float:
        """Duration from the upload of the manifest to the summary."""
        if not self.images:
            return RUN_SECONDS
        hosts = self.host_seconds + (self.passes - 1) * PASS_SECONDS
        return RUN_SECONDS + self.images * ROW_SECONDS + max(self._batches_seconds, hosts)

    @property
    def leases(self) -> float:
        """How often a batch takes places at a host."""
        return self.batches * self.passes * self._leased_hosts

    @property
    def batch_too_long(self) -> bool:
        """True if a batch needs more time than its rounds have: the remaining rows would fail with `out_of_time`."""
        round_seconds = DOWNLOAD_TIMEOUT_SECONDS - self.options.timeout - RESERVE_SECONDS
        return self.batch_seconds > MAX_ROUNDS * round_seconds

    @property
    def images_moved_to_glacier(self) -> int:
        """Number of objects that the bucket's lifecycle rule moves to Glacier Instant Retrieval."""
        return moved_objects(self.images, self.size_kb, self.options, self.glacier_from_bytes)

    @property
    def dollars(self) -> float:
        return sum(cost_components(self).values())


def cost_components(run: RunEstimate) -> Mapping[str, float]:
    """Dollars by service and kind of charge; those of 0 are left out."""
    workflow_gb_seconds = (RUN_SECONDS + run.images * ROW_SECONDS) * WORKFLOW_MEMORY_MB / 1024
    robots_look_ups = min(run.images, run.robots_files * run.concurrent_batches)  # each environment knows what it read
    charges: tuple[tuple[str, float, Price], ...] = (
        ("S3: PUT of the images", run.objects, prices.S3_PUT_INTO[run.options.storage_class]),
        ("S3: moving them to Glacier, a day later", run.images_moved_to_glacier, prices.S3_TO_GLACIER),
        ("S3: look-ups of shards", run.batches * (run.options.output == "shards"), prices.S3_GET),
        ("DynamoDB: writes", run.images * run.write_units * run.options.table, prices.TABLE_WRITE),
        ("DynamoDB: look-ups", run.images * run.options.table, prices.TABLE_READ),
        ("DynamoDB: places at hosts", run.leases * LEASE_WRITES, prices.TABLE_WRITE),
        ("DynamoDB: look-ups of hosts", min(run.images, run.batches * run.known_hosts), prices.TABLE_READ),
        ("DynamoDB: writes of robots.txt", run.robots_files * ROBOTS_WRITES, prices.TABLE_WRITE),
        ("DynamoDB: look-ups of robots.txt", robots_look_ups, prices.TABLE_READ),
        ("Lambda: time of DownloadBatch", run.billed_seconds * run.memory_mb / 1024, prices.LAMBDA_GB_SECOND),
        ("Lambda: time of the others", workflow_gb_seconds, prices.LAMBDA_GB_SECOND),
        ("Lambda: time of IndexRun", index_gb_seconds(run.images), prices.LAMBDA_GB_SECOND),
        ("Lambda: invocations", run.batches + RUN_INVOCATIONS, prices.LAMBDA_REQUEST),
        ("Step Functions: starts of batches", run.batches, prices.TRANSITION),
        ("Step Functions: states of the run", RUN_TRANSITIONS + index_states(run.images), prices.TRANSITION),
        ("Step Functions: Express executions", run.batches, prices.EXPRESS_REQUEST),
        ("Step Functions: Express time", run.billed_seconds + run.batches * ROUNDING_SECONDS, prices.EXPRESS_SECOND),
        ("S3: parts written", run.batches, prices.S3_PUT),
        ("S3: parts read", run.batches * (1 + PART_READS), prices.S3_GET),
        ("CloudWatch: logs", run.images * LOG_BYTES / 1e9, prices.LOG_GB),
    )
    return {name: amount * price.dollars for name, amount, price in charges if amount}


def write_units(url_bytes: float) -> int:
    """Write request units of the record of an image whose server does not redirect."""
    return math.ceil((RECORD_BYTES + url_bytes) / WRITE_UNIT_BYTES)
