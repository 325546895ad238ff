"""Manifests."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from functions.core.model.runs import ManifestObject


class Manifests(Protocol):
    """Manifest objects in the input bucket."""

    def read(self, bucket: str, key: str, etag: str, start: int = 0, version_id: str = "") -> Iterator[bytes]:
        """The bytes of a version from offset `start`, in chunks, or of the current object without a `version_id`.

        Raises ManifestGoneError if there is no such version, or if its ETag is not `etag`.
        """

    def describe(self, manifest: ManifestObject) -> tuple[ManifestObject, Mapping[str, str]]:
        """The object with its version ID, ETag and size, and its user-defined metadata.

        Without a version ID, the current object is described if it has the ETag. Raises ManifestGoneError.
        """


class ManifestCopies(Protocol):
    """Copies of the rows of manifests that Step Functions cannot read, in the folders of their runs."""

    def write(self, bucket: str, run_id: str, lines: Iterable[str]) -> ManifestObject:
        """Writes JSON lines as `runs/ID/rows.jsonl.gz`; an existing copy is replaced. Raises StorageFault."""


class SubmittedManifests(Protocol):
    """Manifests that the API writes or finds in the input bucket."""

    bucket: str

    def put(self, key: str, content: bytes) -> ManifestObject:
        """Uploads a manifest, and returns the version that was written."""

    def find(self, key: str, version_id: str = "") -> ManifestObject | None:
        """This version of the object, by default the current one; None if it does not exist."""


class PresignedLinks(Protocol):
    """Presigned links to the objects of one bucket."""

    def for_download(self, key: str) -> str:
        """A link for GET."""

    def for_upload(self, key: str, metadata: Mapping[str, str]) -> str:
        """A link for PUT with this user-defined metadata."""
