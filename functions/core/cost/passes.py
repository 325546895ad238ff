"""What a later pass over rows that wait costs."""

import math

from functions.core.cost import prices
from functions.core.cost.estimate import BATCH_OVERHEAD_MS, ROUNDING_SECONDS
from functions.core.cost.prices import Price
from functions.core.model.limits import DOWNLOAD_MEMORY_MB, WORKFLOW_MEMORY_MB
from functions.core.model.options import Options

PASS_TRANSITIONS = 4
"""State transitions of a pass: WaitForPass, Map Pass, PlanPass, PassPlanned."""

PASS_SECONDS_OF_PLAN = 0.5
"""Duration of PlanPass, in seconds: it lists the files of a pass, and reads the metadata of each. An assumption."""


def pass_dollars(rows: int, options: Options = Options()) -> float:  # noqa: B008 - frozen
    """Cost of a pass over so many rows, without that of their images: a small invocation, and a batch for each
    `batch_size` rows, whose file is written, described and read."""
    batches = math.ceil(rows / options.batch_size)
    seconds = batches * BATCH_OVERHEAD_MS / 1000
    plan_gb_seconds = PASS_SECONDS_OF_PLAN * WORKFLOW_MEMORY_MB / 1024
    charges: tuple[tuple[float, Price], ...] = (
        (PASS_TRANSITIONS + batches, prices.TRANSITION),
        (batches, prices.EXPRESS_REQUEST),
        (seconds + batches * ROUNDING_SECONDS, prices.EXPRESS_SECOND),
        (batches + 1, prices.LAMBDA_REQUEST),
        (seconds * DOWNLOAD_MEMORY_MB / 1024 + plan_gb_seconds, prices.LAMBDA_GB_SECOND),
        (3 * batches + 1, prices.S3_PUT),
        (3 * batches, prices.S3_GET),
        (rows, prices.TABLE_READ),
    )
    return sum(amount * price.dollars for amount, price in charges)
