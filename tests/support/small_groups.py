"""Imported by the workers of the functions before their handler: a run of few batches is folded, as a long one is."""

import os

from functions.core.summary.fold import plan

GROUP_PARTS = 20

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    plan.GROUP_PARTS = GROUP_PARTS
