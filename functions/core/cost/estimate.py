"""What a run will cost and how long it will take: a model of a few figures, used before anything is fetched.

It takes every image to be new, good and of one size, every server to answer in the same time, and the hosts to be
mixed through the list. Left out: retries and what servers ask for by Retry-After, rows that the table knows already
(they cost a look-up), messages, storage by the month, the events of the input bucket (below a cent a million images),
what the deployment costs while nothing runs, and the time in which S3, the table and Lambda grow to a sudden load.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from functions.core.cost import prices
from functions.core.cost.prices import Price
from functions.core.model.options import MAX_CONCURRENT_UPLOADS, Options

SIZE_KB, LATENCY_MS = 100.0, 200.0
"""Where nobody knows better."""

GLACIER_FROM_BYTES = 128 * 1024
"""What is smaller S3 leaves where it is, unless the stack's setting says otherwise."""

MEMORY_MB = 1769
"""Of download_batch: one whole vCPU. With less it has a part of one; more does not make its Python faster."""

CPU_MS = 1.3
"""Of one vCPU for an image of up to 50 KB over plain HTTP, everything included: 1.2 to 1.4 by `make bench`, on an AMD
EPYC core. Lambda's own has not been measured."""

CPU_MS_PER_MB = 2.4
"""For what is larger than that (`bench.measures.batch_limits`)."""

TLS_MS = 0.2
"""Of one vCPU, for the ciphers of an image, in and out (`bench.measures.tls`)."""

CONNECT_MS = 1.4
"""Of one vCPU, for a new connection: mostly TLS's handshake (`bench.measures.tls`)."""

KEPT_HOSTS = 128
"""As many connections an environment keeps for later; with more hosts than that, each image has a new one."""

STORE_MS = 30.0
"""That S3 takes for a PUT. An assumption."""

MB_PER_SECOND = 78.0
"""625 Mbit/s of one Lambda, in each direction (Lambda's documentation)."""

START_MS = 40.0
"""Of a batch that is no image's: reading the event, looking up, writing parts. An assumption."""

DRAIN = 1.5
"""Times what one image waits: at the end of a batch fewer and fewer are under way. `make bench` comes to it."""

CHILD_STARTS_PER_SECOND = 1000.0
"""Express children that Step Functions starts in a second, at most (its documentation)."""

ROUNDING_SECONDS = 0.05
"""Express time is billed in steps of 100 ms: half of one a child."""

RUN_SECONDS = 6.0
"""Of a run of one image: three cold starts, the Map Run's own start and end. An assumption."""

ROW_SECONDS = 30e-6
"""To check a row before the run and to sum it up after: 16 µs on a whole core (`bench.measures.manifest_validation`, `bench.measures.summary`), and
these functions have 1,024 MB."""

RUN_TRANSITIONS = 6
"""PrepareRun, Route, the Map, SummarizeRun, Outcome, RunSucceeded."""

LOG_BYTES = 11.0
"""An image that goes well, in batches of 500 (`bench.measures.log_bytes`); in smaller ones it is more."""

ROUNDS = 3
"""That fit into a child's five minutes, each until a request's timeout and 10 s before download_batch's 90 are over."""

BATCH_TOO_LONG = "A batch would run out of time, and rows fail as out_of_time: take a smaller batch_size."


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEstimate:
    """`latency_ms` is what a server takes to answer, its bytes included. `hosts` are equally large ones: of a list, its
    rows by those of the largest host. Images of `glacier_from_bytes` and more are moved a day later, for money."""

    images: int
    size_kb: float = SIZE_KB
    latency_ms: float = LATENCY_MS
    hosts: float = math.inf
    memory_mb: int = MEMORY_MB
    glacier_from_bytes: int = GLACIER_FROM_BYTES
    options: Options = Options()  # noqa: RUF009 - frozen

    @property
    def batches(self) -> int:
        return math.ceil(self.images / self.options.batch_size)

    @property
    def in_flight(self) -> float:
        """Requests at a time in one batch."""
        return min(self.options.concurrency, self.options.per_host * self.hosts, self.options.batch_size)

    @property
    def wait_ms(self) -> float:
        """From asking for an image until it is stored."""
        return self.latency_ms + STORE_MS

    @property
    def cpu_ms(self) -> float:
        connect = CONNECT_MS if self.hosts > KEPT_HOSTS else 0.0
        whole = CPU_MS + TLS_MS + connect + CPU_MS_PER_MB * max(0.0, self.size_kb - 50) / 1000
        return whole * max(1.0, MEMORY_MB / self.memory_mb)

    @property
    def image_ms(self) -> float:
        """Of a batch that is in full swing: what takes longest of working, of carrying bytes, and of waiting."""
        asking, storing = self.latency_ms + self.cpu_ms, self.wait_ms + self.cpu_ms
        waiting = max(asking / self.in_flight, storing / (self.in_flight + MAX_CONCURRENT_UPLOADS))
        return max(self.cpu_ms, self.size_kb / MB_PER_SECOND, waiting)

    @property
    def billed_seconds(self) -> float:
        """Of download_batch, all batches together."""
        return (self.images * self.image_ms + self.batches * (START_MS + DRAIN * self.wait_ms)) / 1000

    @property
    def batch_seconds(self) -> float:
        images = min(self.images, self.options.batch_size)
        return (images * self.image_ms + START_MS + DRAIN * self.wait_ms) / 1000

    @property
    def at_a_time(self) -> int:
        """Batches."""
        return min(self.options.max_concurrency, self.batches)

    @property
    def seconds(self) -> float:
        """From the upload to the summary."""
        if not self.images:
            return RUN_SECONDS
        waves = math.ceil(self.batches / self.at_a_time)
        fetching = max(waves * self.batch_seconds, self.batches / CHILD_STARTS_PER_SECOND + self.batch_seconds)
        return RUN_SECONDS + self.images * ROW_SECONDS + fetching

    @property
    def overlong(self) -> bool:
        """Whether a batch has more to wait for than it has time: rows would fail as `out_of_time`."""
        return self.batch_seconds > ROUNDS * (90 - self.options.timeout - 10)

    @property
    def moved(self) -> int:
        """Images that the bucket's lifecycle rule moves to Glacier Instant Retrieval."""
        large = self.size_kb * 1000 >= self.glacier_from_bytes
        return self.images if large and self.options.storage_class != "GLACIER_IR" else 0

    @property
    def dollars(self) -> float:
        return sum(components(self).values())


def components(run: RunEstimate) -> Mapping[str, float]:
    """Dollars, by what they are paid for."""
    beside = RUN_SECONDS + run.images * ROW_SECONDS  # of functions that have one GB
    charged: tuple[tuple[str, float, Price], ...] = (
        ("S3: PUT of the images", run.images, prices.S3_PUT_INTO[run.options.storage_class]),
        ("S3: moving them to Glacier, a day later", run.moved, prices.S3_TO_GLACIER),
        ("DynamoDB: writes", run.images, prices.TABLE_WRITE),
        ("DynamoDB: look-ups", run.images, prices.TABLE_READ),
        ("Lambda: time of DownloadBatch", run.billed_seconds * run.memory_mb / 1024, prices.LAMBDA_GB_SECOND),
        ("Lambda: time of the others", beside, prices.LAMBDA_GB_SECOND),
        ("Lambda: invocations", run.batches + 2, prices.LAMBDA_REQUEST),
        ("Step Functions: starts of batches", run.batches, prices.TRANSITION),
        ("Step Functions: states of the run", RUN_TRANSITIONS, prices.TRANSITION),
        ("Step Functions: Express executions", run.batches, prices.EXPRESS_REQUEST),
        (
            "Step Functions: Express time",
            run.billed_seconds + run.batches * ROUNDING_SECONDS,
            prices.EXPRESS_SECOND,
        ),
        ("S3: parts written", run.batches, prices.S3_PUT),
        ("S3: parts read", run.batches, prices.S3_GET),
        ("CloudWatch: logs", run.images * LOG_BYTES / 1e9, prices.LOG_GB),
    )
    return {name: amount * price.dollars for name, amount, price in charged if amount}


def moves(run: RunEstimate) -> str:
    """A sentence on what images cost that are large enough to be moved; empty where none ever is."""
    if run.options.storage_class == "GLACIER_IR":
        return ""
    dear = prices.MILLION * prices.S3_TO_GLACIER.dollars
    said = "That is in the figure." if run.moved else "The figure is for smaller ones."
    return (
        f"Images of {run.glacier_from_bytes:,} bytes and more S3 moves to Glacier Instant Retrieval a day later, "
        f"for ${dear:.2f} a million. {said}"
    )


def floor(images: int) -> float:
    """One PUT into S3 Standard and one table write an image: nobody who keeps both gets below."""
    return images * (prices.S3_PUT.dollars + prices.TABLE_WRITE.dollars)
