"""The ResultWriter: the ends of child executions, kept in S3 or handed on as the state's result.

    <prefix>/<uuid of the Map Run>/manifest.json
                                   SUCCEEDED_0.json   or .jsonl, by OutputType
                                   FAILED_0.json      failed, timed out and aborted ones, always whole
                                   PENDING_0.json     never started, because the Map Run had failed

What comes in is spooled to disk, so memory stays flat; a file is full at CHUNK_BYTES.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from local.states.base import payloads
from local.states.base.clock import timestamp
from local.states.base.errors import StatesError
from local.states.records.executions import SUCCEEDED
from local.states.records.map_runs import MapRun

PENDING = "PENDING"
CHUNK_BYTES = 64 * 1024 * 1024
IN_MEMORY = 1024 * 1024
STATUSES = ("FAILED", PENDING, SUCCEEDED)


@dataclass(frozen=True)
class ChildResult:
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
    def group(self) -> str:
        return self.status if self.status in (SUCCEEDED, PENDING) else "FAILED"

    def whole(self) -> dict[str, Any]:
        entry = {
            "Cause": self.cause,
            "Error": self.error,
            "ExecutionArn": self.arn,
            "Input": self.input_text,
            "InputDetails": {"Included": True},
            "Name": self.name,
            "Output": self.output_text,
            "OutputDetails": None if self.output_text is None else {"Included": True},
            "StartDate": self.started and timestamp(self.started),
            "StateMachineArn": self.machine_arn,
            "Status": self.status,
            "StopDate": self.stopped and timestamp(self.stopped),
        }
        return {name: value for name, value in entry.items() if value is not None}

    def lines(self, transformation: str) -> Iterator[str]:
        """JSON texts: the whole entry, the output, or the elements of an output that is an array."""
        if self.status != SUCCEEDED or transformation == "NONE":
            yield payloads.text(self.whole())
        elif transformation == "COMPACT":
            yield self.output_text or "null"
        else:
            output = json.loads(self.output_text or "null")
            yield from map(payloads.text, output if isinstance(output, list) else [output])


class Results(Protocol):
    def add(self, result: ChildResult) -> None:
        """Safe from any thread."""

    def finish(self, run: MapRun) -> Any:
        """Writes what is to be written; the state's result."""

    def close(self) -> None: ...


class ListedResults:
    """No ResultWriter: the outputs in the order of the items, as far as a payload can hold them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[int, str] = {}
        self._bytes = 0

    def add(self, result: ChildResult) -> None:
        if result.status == PENDING:
            return
        (text,) = result.lines("COMPACT")
        with self._lock:
            self._bytes += len(text.encode("utf-8", "surrogatepass")) + 1
            if self._bytes <= payloads.LIMIT:
                self._texts[result.index] = text
            else:
                self._texts.clear()

    def finish(self, run: MapRun) -> Any:
        if self._bytes > payloads.LIMIT:
            raise StatesError(
                "States.DataLimitExceeded",
                "The outputs of the child executions are too large for a state's result: use a ResultWriter",
            )
        return [json.loads(self._texts[index]) for index in sorted(self._texts)]

    def close(self) -> None:
        pass


class WrittenResults:
    def __init__(self, s3: Any, bucket: str, prefix: str, config: Mapping[str, str], chunk: int) -> None:
        self._s3, self._bucket, self._prefix = s3, bucket, prefix
        self._transformation = config.get("Transformation", "NONE")
        lines = config.get("OutputType", "JSON") == "JSONL"
        self._files = {status: _Files(lines=lines, chunk=chunk) for status in STATUSES}
        self._lock = threading.Lock()

    def add(self, result: ChildResult) -> None:
        texts = list(result.lines(self._transformation))
        with self._lock:
            for text in texts:
                self._files[result.group].add(text)

    def finish(self, run: MapRun) -> Any:
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
            raise StatesError("States.ResultWriterFailed", f"s3://{self._bucket}/{folder}: {error}") from error
        run.results_written()
        return {"MapRunArn": run.arn, "ResultWriterDetails": {"Bucket": self._bucket, "Key": key}}

    def close(self) -> None:
        for files in self._files.values():
            files.close()

    def _upload(self, folder: str, status: str) -> list[dict[str, Any]]:
        return [
            {"Key": self._put(f"{folder}/{status}_{index}.{files.extension}", body), "Size": size}
            for files in [self._files[status]]
            for index, (body, size) in enumerate(files.finished())
        ]

    def _put(self, key: str, body: Any) -> str:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        return key


class _Files:
    """The files of one status, on disk until they are uploaded."""

    def __init__(self, *, lines: bool, chunk: int) -> None:
        self.extension = "jsonl" if lines else "json"
        self._before, self._between, self._after = ("", "\n", "\n") if lines else ("[", ",", "]")
        self._chunk = chunk
        self._spools: list[tempfile.SpooledTemporaryFile[bytes]] = []

    def add(self, text: str) -> None:
        full = not self._spools or self._spools[-1].tell() + len(text) > self._chunk
        if full:
            self._finish_last()
            self._spools.append(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 - see close
        sign = self._before if full else self._between
        self._spools[-1].write((sign + text).encode("utf-8", "surrogatepass"))

    def finished(self) -> Iterator[tuple[Any, int]]:
        """Each file, at its beginning, with its size in bytes."""
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
            self._spools[-1].write(self._after.encode())
