"""Manifests in files of this machine."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from functions.core.model.runs import ManifestObject

CHUNK_BYTES = 256 * 1024


class ManifestFiles:
    """Reads manifests from folders: an adapter for the port `Manifests`, in which a bucket is a folder."""

    def read(self, bucket: str, key: str, etag: str, start: int = 0, version_id: str = "") -> Iterator[bytes]:
        with Path(bucket, key).open("rb") as file:
            file.seek(start)
            yield from iter(lambda: file.read(CHUNK_BYTES), b"")

    def describe(self, manifest: ManifestObject) -> tuple[ManifestObject, Mapping[str, str]]:
        return manifest, {}
