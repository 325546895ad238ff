"""Time and cost of a run of a list of which a probe has measured a sample."""

from dataclasses import dataclass

from functions.core.cost import prices
from functions.core.cost.estimate import GLACIER_FROM_BYTES, LATENCY_MS, RunEstimate
from functions.core.cost.hosts import HostLoad
from functions.core.model.host_limits import option_limit
from functions.core.model.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredList:
    """A list of `rows`, of which the share `success` succeeds. The means are those of its images; None if there is
    none. `large` is the share of the images that are as large as those that S3 moves to Glacier.

    `largest_host` has `largest_rows` of the rows.
    """

    rows: int
    success: float
    mean_bytes: float | None
    mean_ms: float | None
    hosts: int
    largest_host: str
    largest_rows: float
    large: float = 0.0

    @property
    def images(self) -> int:
        return round(self.rows * self.success)

    def run(self, options: Options) -> RunEstimate:
        """Without the move to Glacier: the lifecycle rule of the bucket is not known."""
        largest = max(1.0, self.largest_rows)
        return RunEstimate(
            images=self.rows,
            size_kb=(self.mean_bytes or 0.0) / 1000,
            latency_ms=LATENCY_MS if self.mean_ms is None else self.mean_ms,
            hosts=max(1.0, self.rows / largest),
            known_hosts=self.hosts,
            slowest=HostLoad(largest, option_limit(options), self.largest_host),
            glacier_from_bytes=None,
            options=options,
        )

    def dollars(self, options: Options) -> float:
        """Rows that fail are neither stored nor recorded. They are taken to need as much time as the others."""
        failed = self.rows - self.images
        not_stored = prices.S3_PUT_INTO[options.storage_class].dollars + prices.TABLE_WRITE.dollars
        return max(0.0, self.run(options).dollars - failed * not_stored)

    def glacier_dollars(self, options: Options) -> float:
        """What the lifecycle rule of the stack's bucket costs a day later."""
        is_moved = options.storage_class != "GLACIER_IR"
        return self.images * self.large * prices.S3_TO_GLACIER.dollars if is_moved else 0.0


def is_large(count: int) -> bool:
    """Whether the lifecycle rule of the stack's bucket moves an image of so many bytes to Glacier, by default."""
    return count >= GLACIER_FROM_BYTES
