"""S3: the settings of the buckets. Their objects are in `local.aws.store`."""

from __future__ import annotations

from moto.s3.exceptions import MissingBucket
from moto.s3.models import FakeBucket, s3_backends

from local.aws.backend.application import ACCOUNT, PARTITION


def bucket_exists(name: str) -> bool:
    return _bucket(name) is not None


def bucket_versioning(name: str) -> str:
    """`Enabled`, `Suspended`, or an empty string if versioning was never enabled."""
    bucket = _bucket(name)
    return (bucket.versioning_status or "") if bucket else ""


def sends_events(name: str) -> bool:
    """Whether the bucket sends its events to EventBridge."""
    bucket = _bucket(name)
    configuration = bucket.notification_configuration if bucket else None
    return configuration is not None and configuration.event_bridge is not None


def _bucket(name: str) -> FakeBucket | None:
    try:
        return s3_backends[ACCOUNT][PARTITION].get_bucket(name)
    except MissingBucket:
        return None
