"""What a run leaves under `runs/ID/` in the input bucket."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from functions.adapters.faults import AWS_ERRORS, code_of
from functions.core.faults import StorageFault

IN_MEMORY_BYTES = 4 * 1024 * 1024


class RunFiles:
    """Names are relative to the run's folder."""

    def __init__(self, s3: Any, bucket: str, run_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._folder = f"runs/{run_id}/"

    def write(self, name: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """JSON lines, replacing what was there. Raises StorageFault."""
        text = (json.dumps(line, ensure_ascii=False, default=_plain, separators=(",", ":")) + "\n" for line in lines)
        self.write_text(name, text, "application/x-ndjson")

    def write_text(self, name: str, pieces: Iterable[str], content_type: str) -> None:
        """Past a few megabytes by way of a temporary file. Raises StorageFault."""
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
            for piece in pieces:
                file.write(piece.encode("utf-8", "surrogatepass"))
            file.seek(0)
            try:
                self._s3.put_object(Bucket=self._bucket, Key=self._folder + name, Body=file, ContentType=content_type)
            except AWS_ERRORS as error:
                raise StorageFault(f"S3 did not take {self._folder}{name} ({code_of(error)}): {error}") from error

    def parts(self, folder: str) -> Iterator[str]:
        """Names of the parts of `folder`, in their order, which is S3's own. Raises StorageFault."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._folder}{folder}/part-"
        )
        try:
            for page in pages:
                for found in page.get("Contents", []):
                    yield found["Key"].removeprefix(self._folder)
        except AWS_ERRORS as error:
            raise StorageFault(f"S3 did not list {self._folder}{folder} ({code_of(error)}): {error}") from error

    def lines(self, name: str) -> list[dict[str, Any]]:
        """A part's lines. Raises StorageFault."""
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=self._folder + name)["Body"].read()
        except AWS_ERRORS as error:
            raise StorageFault(f"S3 did not give {self._folder}{name} ({code_of(error)}): {error}") from error
        return [json.loads(line) for line in body.splitlines()]


def _plain(value: Any) -> int | float:
    """DynamoDB's numbers are decimals."""
    return int(value) if value == int(value) else float(value)
