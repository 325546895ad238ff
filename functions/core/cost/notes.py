"""Sentences about an estimate."""

from functions.core.cost import prices
from functions.core.cost.estimate import RunEstimate

BATCH_TOO_LONG = (
    "A batch would run out of time, and its remaining rows would fail with out_of_time. Use a smaller batch_size."
)


def glacier_note(run: RunEstimate) -> str:
    """A sentence about the cost of moving large images to Glacier; empty if the run stores all images there."""
    if run.glacier_from_bytes is None:
        return "The images go to an existing bucket: the estimate does not include the lifecycle rules of its owner."
    if run.options.storage_class == "GLACIER_IR":
        return ""
    dollars_per_million = prices.MILLION * prices.S3_TO_GLACIER.dollars
    moved, kind = run.images_moved_to_glacier, "images" if run.options.output == "objects" else "shards"
    included = "The estimate includes it." if moved else f"The estimate is for smaller {kind}."
    return (
        f"S3 moves {kind} of {run.glacier_from_bytes:,} bytes or more to Glacier Instant Retrieval after a day, "
        f"for ${dollars_per_million:.2f} per million. {included}"
    )
