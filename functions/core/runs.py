"""A run: what started it, and the name that follows from that alone."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ManifestObject:
    """The manifest as the event names it. `key` is raw, as EventBridge has it, never percent-encoded."""

    bucket: str
    key: str
    etag: str = ""
    size: int = 0
    sequencer: str = ""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "ManifestObject":
        """From an "Object Created" event. Raises KeyError where it is none."""
        detail = event["detail"]
        found = detail["object"]
        return cls(
            bucket=detail["bucket"]["name"],
            key=found["key"],
            etag=str(found.get("etag", "")).strip('"'),
            size=int(found.get("size", 0)),
            sequencer=str(found.get("version-id") or found.get("sequencer", "")),
        )

    def as_event(self) -> dict[str, Any]:
        """The part of the event that names it."""
        found = {"key": self.key, "etag": self.etag, "size": self.size}
        return {"detail": {"bucket": {"name": self.bucket}, "object": found}}


def run_id(manifest: ManifestObject) -> str:
    """The same for a repeated event, another for every upload: `demo-0f3a…`, 12 hex of what was uploaded where."""
    identity = "\n".join((manifest.bucket, manifest.key, manifest.etag, manifest.sequencer))
    stem = manifest.key.rpartition("/")[2].split(".", 1)[0].lower()
    slug = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40] or "run"
    return f"{slug}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def run_id_of(event: Mapping[str, Any]) -> str:
    """The API has chosen one, or it follows from the event."""
    chosen = (event.get("run") or {}).get("id")
    return str(chosen) if chosen else run_id(ManifestObject.from_event(event))
