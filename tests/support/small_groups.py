"""Imported by the workers of the functions before their handler: a run of few batches is folded, as a long one is, and
a manifest of some kilobytes is checked by ranges, as a large one is."""

import os

from functions.core.manifests.ranges import check
from functions.core.summary.fold import plan

GROUP_PARTS = 20

FIRST_BYTES = 30_000
RANGE_BYTES = 20_000

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    plan.GROUP_PARTS = GROUP_PARTS
    check.FIRST_BYTES = FIRST_BYTES
    os.environ["CHECK_BYTES"] = str(RANGE_BYTES)
