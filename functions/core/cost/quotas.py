"""Request rates of S3 that limit a run, however many batches it has."""

S3_PUTS_PER_SECOND = 3500
"""PUTs per second and partition of a bucket, at least (S3 user guide, "Optimizing performance")."""

S3_PARTITIONS = 256
"""Maximum number of partitions: the number of prefixes of the object keys."""

S3_SPLIT_SECONDS = 1800
"""Time in which a bucket under load doubles its partitions, in seconds. AWS staff state 30 to 60 minutes; it is not
documented."""


def s3_puts_per_second(second: float) -> float:
    """PUTs per second that a new bucket takes after so many seconds under load."""
    doublings: int = int(second // S3_SPLIT_SECONDS)
    return S3_PUTS_PER_SECOND * min(S3_PARTITIONS, 1 << doublings)


def s3_seconds(images: float) -> float:
    """The time that a new bucket needs for so many PUTs, in seconds."""
    second, remaining = 0.0, images
    while remaining > s3_puts_per_second(second) * S3_SPLIT_SECONDS:
        remaining -= s3_puts_per_second(second) * S3_SPLIT_SECONDS
        second += S3_SPLIT_SECONDS
    return second + remaining / s3_puts_per_second(second)
