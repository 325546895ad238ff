"""Manifests in a folder, as the bucket gives them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

CHUNK_BYTES = 256 * 1024


class ManifestFiles:
    """What `core.ports.Manifests` asks for; a bucket is a folder."""

    def read(self, bucket: str, key: str, etag: str, start: int = 0) -> Iterator[bytes]:
        with Path(bucket, key).open("rb") as file:
            file.seek(start)
            yield from iter(lambda: file.read(CHUNK_BYTES), b"")

    def metadata(self, bucket: str, key: str) -> Mapping[str, str]:
        return {}
