"""What a run leaves under `runs/ID/` in the input bucket."""

import json
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from functions.adapters.errors import AWS_ERRORS, code_of
from functions.core.model.errors import StorageFault

IN_MEMORY_BYTES = 4 * 1024 * 1024
AHEAD = 16
"""Parts that are asked for before they are wanted: S3 takes some 20 ms for each, however small."""

CHUNK_BYTES = 256 * 1024


class S3RunFiles:
    """Names are relative to the run's folder."""

    def __init__(self, s3: Any, bucket: str, run_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._folder = f"runs/{run_id}/"

    def write(self, name: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """JSON lines, replacing what was there. Raises StorageFault."""
        text = (json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
        self.write_text(name, text, "application/x-ndjson")

    def write_text(
        self, name: str, pieces: Iterable[str], content_type: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Past a few megabytes by way of a temporary file. Raises StorageFault.

        Half of a surrogate pair, which JSON allows and UTF-8 does not, is written as JSON's own escape of it.
        """
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
            for piece in pieces:
                file.write(piece.encode("utf-8", "backslashreplace"))
            file.seek(0)
            try:
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=self._folder + name,
                    Body=file,
                    ContentType=content_type,
                    Metadata=dict(metadata or {}),
                )
            except AWS_ERRORS as error:
                raise StorageFault(f"S3 did not take {self._folder}{name} ({code_of(error)}): {error}") from error

    def result_parts(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        return self._read_parts("results")

    def kept_item_parts(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        return self._read_parts("retries")

    def _read_parts(self, folder: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The parts of `folder` in the order of their names, each with its lines. Raises StorageFault."""
        coming: deque[tuple[str, Future[list[dict[str, Any]]]]] = deque()
        with ThreadPoolExecutor(AHEAD, thread_name_prefix="parts") as pool:
            for name in self.parts(folder):
                coming.append((name, pool.submit(self.lines, name)))
                if len(coming) == AHEAD:
                    first, lines = coming.popleft()
                    yield first, lines.result()
            for name, lines in coming:
                yield name, lines.result()

    def parts(self, folder: str) -> Iterator[str]:
        """Names of the parts of `folder`, in their order, which is S3's own. Raises StorageFault."""
        return self._names(f"{folder}/part-")

    def uncompleted_children(self) -> Iterator[Iterator[bytes]]:
        """The ResultWriter's files of batches that failed or never began, in pieces. Raises StorageFault."""
        for name in self._names("map/"):
            if name.rpartition("/")[2].startswith(("FAILED_", "PENDING_")):
                yield self._pieces(name)

    def _names(self, prefix: str) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._folder + prefix)
        try:
            for page in pages:
                for found in page.get("Contents", []):
                    yield found["Key"].removeprefix(self._folder)
        except AWS_ERRORS as error:
            raise StorageFault(f"S3 did not list {self._folder}{prefix} ({code_of(error)}): {error}") from error

    def lines(self, name: str) -> list[dict[str, Any]]:
        """A part's lines. Raises StorageFault."""
        return [json.loads(line) for line in b"".join(self._pieces(name)).splitlines()]

    def _pieces(self, name: str) -> Iterator[bytes]:
        try:
            yield from self._s3.get_object(Bucket=self._bucket, Key=self._folder + name)["Body"].iter_chunks(
                CHUNK_BYTES
            )
        except AWS_ERRORS as error:
            raise StorageFault(f"S3 did not give {self._folder}{name} ({code_of(error)}): {error}") from error
