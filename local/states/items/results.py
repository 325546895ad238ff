"""The results of a Map Run: written to S3 by a ResultWriter, or returned as the result of the state.

DG "ResultWriter (Map)":

    <prefix>/<UUID of the Map Run>/manifest.json
                                   SUCCEEDED_0.json   or .jsonl, by OutputType
                                   FAILED_0.json      failed, timed out and aborted executions, never transformed
                                   PENDING_0.json     not started, because the Map Run had failed

Entries are spooled to disk, so memory use does not grow with their number.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Protocol

from local.states.base import payloads, quotas
from local.states.base.clock import timestamp
from local.states.base.errors import DATA_LIMIT_EXCEEDED, RESULT_WRITER_FAILED, StatesError
from local.states.base.payloads import JsonObject, JsonValue
from local.states.records.executions import SUCCEEDED
from local.states.records.map_runs import MapRun

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PENDING = "PENDING"
MAX_FILE_BYTES = 64 * 1024 * 1024
"""Size at which a result file is closed and the next one is started. The service does not document its own."""
SPOOL_BYTES = 1024 * 1024
"""Bytes of a result file that stay in memory; the rest is spooled to disk."""
STATUSES = ("FAILED", PENDING, SUCCEEDED)


@dataclass(frozen=True)
class ChildResult:
    """How one child execution ended. `index` is its position among the batches, counted from 0."""

    index: int
    arn: str
    name: str
    machine_arn: str
    input_text: str
    status: str
    output_text: str | None = None
    error: str | None = None
    cause: str | None = None
    started: datetime | None = None
    stopped: datetime | None = None

    @property
    def file_status(self) -> str:
        """The status in the name of its result file: timed out and aborted executions are in FAILED."""
        return self.status if self.status in (SUCCEEDED, PENDING) else "FAILED"

    def entry(self) -> dict[str, JsonValue]:
        """The untransformed entry of a result file."""
        members: dict[str, JsonValue] = {
            "Cause": self.cause,
            "Error": self.error,
            "ExecutionArn": self.arn,
            "Input": self.input_text,
            "InputDetails": {"Included": True},
            "Name": self.name,
            "Output": self.output_text,
            "OutputDetails": None if self.output_text is None else {"Included": True},
            "StartDate": timestamp(self.started) if self.started else None,
            "StateMachineArn": self.machine_arn,
            "Status": self.status,
            "StopDate": timestamp(self.stopped) if self.stopped else None,
        }
        return {name: value for name, value in members.items() if value is not None}

    def transformed(self, transformation: str) -> Iterator[str]:
        """JSON texts: NONE yields the entry, COMPACT the output, FLATTEN the elements of an output that is an array.

        Only successful executions are transformed.
        """
        if self.status != SUCCEEDED or transformation == "NONE":
            yield payloads.to_text(self.entry())
        elif transformation == "COMPACT":
            yield self.output_text or "null"
        else:
            output = json.loads(self.output_text or "null")
            yield from map(payloads.to_text, output if isinstance(output, list) else [output])


class Results(Protocol):
    """Collects the results of a Map Run."""

    def add(self, result: ChildResult) -> None:
        """Can be called from any thread."""

    def finish(self, run: MapRun) -> JsonValue:
        """Writes what has to be written, and returns the result of the state. Raises StatesError."""

    def close(self) -> None:
        """Releases temporary files."""


class StateResults:
    """Without a ResultWriter: the outputs, in the order of the batches, are the result of the state."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[int, str] = {}
        self._bytes = 0

    def add(self, result: ChildResult) -> None:
        if result.status == PENDING:
            return
        (text,) = result.transformed("COMPACT")
        with self._lock:
            self._bytes += payloads.byte_length(text) + 1
            if self._bytes <= quotas.MAX_PAYLOAD_BYTES:
                self._texts[result.index] = text
            else:  # `finish` fails in any case
                self._texts.clear()

    def finish(self, run: MapRun) -> JsonValue:
        """Raises `States.DataLimitExceeded`."""
        if self._bytes > quotas.MAX_PAYLOAD_BYTES:
            raise StatesError(
                DATA_LIMIT_EXCEEDED,
                f"The outputs of the child executions are larger than {quotas.MAX_PAYLOAD_BYTES} bytes:"
                " use a ResultWriter",
            )
        run.results_written()
        return [json.loads(self._texts[index]) for index in sorted(self._texts)]

    def close(self) -> None:
        """There are no temporary files."""


class S3Results:
    """With a ResultWriter: result files and their manifest in S3. `config` is a WriterConfig."""

    def __init__(self, s3: S3Client, bucket: str, prefix: str, config: Mapping[str, str]) -> None:
        self._s3, self._bucket, self._prefix = s3, bucket, prefix
        self._transformation = config.get("Transformation", "NONE")
        json_lines = config.get("OutputType", "JSON") == "JSONL"
        self._files = {status: _ResultFiles(json_lines=json_lines) for status in STATUSES}
        self._lock = threading.Lock()
        self._is_closed = False

    def add(self, result: ChildResult) -> None:
        """A child of a stopped run may end after `close`: its result is dropped."""
        texts = list(result.transformed(self._transformation))
        with self._lock:
            for text in [] if self._is_closed else texts:
                self._files[result.file_status].add(text)

    def finish(self, run: MapRun) -> JsonObject:
        """Raises `States.ResultWriterFailed`."""
        folder = "/".join(part for part in (self._prefix.rstrip("/"), run.arn.rpartition(":")[2]) if part)
        try:
            manifest = {
                "DestinationBucket": self._bucket,
                "MapRunArn": run.arn,
                "ResultFiles": {status: self._upload(folder, status) for status in STATUSES},
            }
            key = f"{folder}/manifest.json"
            self._put(key, json.dumps(manifest).encode())
        except Exception as error:
            raise StatesError(RESULT_WRITER_FAILED, f"s3://{self._bucket}/{folder}: {error}") from error
        run.results_written()
        return {"MapRunArn": run.arn, "ResultWriterDetails": {"Bucket": self._bucket, "Key": key}}

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            for files in self._files.values():
                files.close()

    def _upload(self, folder: str, status: str) -> list[JsonObject]:
        files = self._files[status]
        return [
            {"Key": self._put(f"{folder}/{status}_{index}.{files.extension}", body), "Size": size}
            for index, (body, size) in enumerate(files.finished())
        ]

    def _put(self, key: str, body: bytes | IO[bytes]) -> str:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        return key


class _ResultFiles:
    """The result files of one status, on disk until they are uploaded."""

    def __init__(self, *, json_lines: bool) -> None:
        self.extension = "jsonl" if json_lines else "json"
        self._prefix, self._separator, self._suffix = ("", "\n", "\n") if json_lines else ("[", ",", "]")
        self._spools: list[tempfile.SpooledTemporaryFile[bytes]] = []

    def add(self, text: str) -> None:
        is_first = not self._spools or self._spools[-1].tell() + len(text) > MAX_FILE_BYTES
        if is_first:
            self._finish_last()
            self._spools.append(tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))  # noqa: SIM115 - see close
        before = self._prefix if is_first else self._separator
        self._spools[-1].write((before + text).encode("utf-8", "surrogatepass"))

    def finished(self) -> Iterator[tuple[IO[bytes], int]]:
        """Every file, at its beginning, with its size in bytes."""
        self._finish_last()
        for spool in self._spools:
            size = spool.tell()
            spool.seek(0)
            yield spool, size

    def close(self) -> None:
        for spool in self._spools:
            spool.close()

    def _finish_last(self) -> None:
        if self._spools:
            self._spools[-1].write(self._suffix.encode())
