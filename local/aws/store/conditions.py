"""The conditions of a write."""

from __future__ import annotations

from dataclasses import dataclass

from local.aws.store.errors import S3Error
from local.aws.store.index import StoredObject


@dataclass(frozen=True, slots=True)
class Condition:
    """The conditions of a write: `if_none_match` is true for `*`; `if_match` is an ETag, `*`, or empty."""

    if_none_match: bool = False
    if_match: str = ""

    def check(self, existing: StoredObject | None) -> None:
        """Raises S3Error(PreconditionFailed | NoSuchKey)."""
        current = None if existing is None or existing.marker else existing
        if self.if_none_match and current is not None:
            raise S3Error("PreconditionFailed", Condition="If-None-Match")
        if self.if_match and current is None:
            raise S3Error("NoSuchKey")
        if self.if_match and current is not None and self.if_match not in ("*", current.etag):
            raise S3Error("PreconditionFailed", Condition="If-Match")


NO_CONDITION = Condition()
