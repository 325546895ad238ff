"""The objects that hold the images of a run, by the option `output`: their number, and the time of their PUTs."""

import math

from functions.core.model.options import Options

STORE_MS = 30.0
"""Duration of an S3 PutObject, in milliseconds. An assumption."""

MB_PER_SECOND = 78.0
"""Bandwidth of one Lambda environment in each direction: 625 Mbit/s (Lambda's documentation)."""

SHARD_KB = 256_000
"""Maximum size of a shard in KB (`functions.core.download.shards.output`)."""

MEMBER_KB = 2.0
"""What a shard has for each image beside its bytes, in KB: two headers, a description of up to 512 bytes, padding."""


def stored_objects(images: int, size_kb: float, options: Options) -> int:
    """Number of objects. The batches of a run have equally many images, and each at least one shard."""
    if options.output == "objects" or not images:
        return images
    batches = math.ceil(images / options.batch_size)
    return batches * _shards_of_a_batch(images / batches, size_kb)


def moved_objects(images: int, size_kb: float, options: Options, from_bytes: int | None) -> int:
    """Number of objects that a lifecycle rule moves to Glacier Instant Retrieval, if they have `from_bytes` or more."""
    objects = stored_objects(images, size_kb, options)
    is_large = from_bytes is not None and size_kb * 1000 * images >= from_bytes * objects
    return objects if is_large and options.storage_class != "GLACIER_IR" else 0


def put_wait_ms(options: Options) -> float:
    """Time that an image waits for its PUT, in milliseconds. In a shard, it waits for none."""
    return STORE_MS if options.output == "objects" else 0.0


def last_put_ms(images: int, size_kb: float, options: Options) -> float:
    """Time of the upload that each batch of a run does when its images are downloaded: of its last shard, in ms."""
    if options.output == "objects" or not images:
        return 0.0
    batch = min(images, options.batch_size)
    return STORE_MS + batch * (size_kb + MEMBER_KB) / _shards_of_a_batch(batch, size_kb) / MB_PER_SECOND


def _shards_of_a_batch(images: float, size_kb: float) -> int:
    return max(1, math.ceil(images * (size_kb + MEMBER_KB) / SHARD_KB))
