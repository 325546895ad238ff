"""Files of a run, under `runs/ID/` in the input bucket."""

import json
import tempfile
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar, cast

from functions.adapters.errors import AWS_ERRORS, NOT_FOUND_CODES, error_code, failure_message
from functions.adapters.s3.reading import READ_ERRORS, read_object
from functions.core.model.errors import StorageFault
from functions.core.model.runs import PLAN_FILES, pass_folder
from functions.core.model.types import DeferredItem, JsonObject, JsonValue, KeptItem, PassFile, PassPlan, ResultLine

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

MAX_IN_MEMORY_BYTES = 4 * 1024 * 1024
"""Size in bytes above which a file is buffered on disk before it is uploaded."""

READ_AHEAD = 16
"""Number of parts that are requested ahead of their use: S3 takes about 20 ms for each, however small."""

STARTED = "started"
"""Folder of an empty file for each round of a batch, with the name of the part that the round writes."""

CLOSED = "closed"
"""Name of an empty file: no round may start."""


DASHES_OF_LATER_PASSES = 4
"""In a name such as `results/part-0001-0000000101-0000000600-00.jsonl`; see `part_name`."""


class S3RunFiles:
    """Names are relative to the folder of the run."""

    def __init__(self, s3: "S3Client", bucket: str, run_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._folder = f"runs/{run_id}/"

    def write(
        self, name: str, lines: Iterable[Mapping[str, object]], metadata: Mapping[str, str] | None = None
    ) -> None:
        """Writes JSON lines; an existing file is replaced. Raises StorageFault."""
        text = (json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
        self.write_text(name, text, "application/x-ndjson", metadata)

    def write_text(
        self, name: str, pieces: Iterable[str], content_type: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Writes text; an existing file is replaced. Raises StorageFault.

        An unpaired surrogate, which JSON allows and UTF-8 does not, is written as a JSON escape sequence.
        """
        with tempfile.SpooledTemporaryFile(max_size=MAX_IN_MEMORY_BYTES) as file:
            for piece in pieces:
                file.write(piece.encode("utf-8", "backslashreplace"))
            file.seek(0)
            self._put(name, file, content_type, metadata or {})

    def start_round(self, part_name: str) -> bool:
        """False if the run was closed. Raises StorageFault.

        S3 is consistent: either this sees that the run was closed, or `unfinished_rounds` sees the round.
        """
        self.write(f"{STARTED}/{part_name}", ())
        try:
            self._s3.head_object(Bucket=self._bucket, Key=self._folder + CLOSED)
        except AWS_ERRORS as error:
            if error_code(error) in NOT_FOUND_CODES:
                return True
            raise self._fault("HeadObject", CLOSED, error) from error
        return False

    def close_run(self) -> None:
        """From now on, no round can start. Raises StorageFault."""
        self.write(CLOSED, ())

    def unfinished_rounds(self) -> list[datetime]:
        """The start times of the rounds that have not written their results. Raises StorageFault."""
        started = {name.rpartition("/")[2]: start for name, start in self._listed(f"{STARTED}/part-")}
        for name in self.part_names("results"):
            started.pop(name.rpartition("/")[2], None)
        return list(started.values())

    def result_parts(self, pass_number: int = 0) -> Iterator[tuple[str, list[ResultLine]]]:
        """The parts of `results` of a pass, in the order of their names, each with its lines. Raises StorageFault."""
        names = self._names(f"results/part-{pass_number:04d}-" if pass_number else "results/part-")
        own = (name for name in names if pass_number or name.count("-") != DASHES_OF_LATER_PASSES)
        return cast(Iterator[tuple[str, list[ResultLine]]], self._read_all(own))

    def kept_item_parts(self) -> Iterator[tuple[str, list[KeptItem]]]:
        """The parts of `retries` in the order of their names, each with its items. Raises StorageFault."""
        return cast(Iterator[tuple[str, list[KeptItem]]], self._read_all(self.part_names("retries")))

    def pass_files(self, number: int) -> Iterator[PassFile]:
        """What the metadata of the files of a pass say, in the order of their names. Raises StorageFault."""
        return self._ahead(self._names(f"{pass_folder(number)}/part-"), self._pass_file)

    def deferred_items(self, pass_number: int) -> Iterator[DeferredItem]:
        """The rows in the files of a pass. Raises StorageFault."""
        for _, lines in self._read_all(self._names(f"{pass_folder(pass_number)}/part-")):
            yield from (item for item in cast(list[DeferredItem], lines) if item["row"] >= 0)

    def pass_plans(self) -> list[PassPlan]:
        """The passes that were planned, in their order. Raises StorageFault."""
        plans = self._read_all(self._names(PLAN_FILES))
        return [cast(PassPlan, line) for _, lines in plans for line in lines]

    def uncompleted_children(self) -> Iterator[Iterator[bytes]]:
        """The ResultWriter's files of children that failed or did not start, in chunks. Raises StorageFault."""
        for name in self._names("map/"):
            if name.rpartition("/")[2].startswith(("FAILED_", "PENDING_")):
                yield self._chunks(name)

    def part_names(self, folder: str) -> Iterator[str]:
        """Names of the parts of `folder`, in S3's order, which is that of their bytes. Raises StorageFault."""
        return self._names(f"{folder}/part-")

    def read_lines(self, name: str) -> list[JsonObject]:
        """The lines of a part. Raises StorageFault."""
        return [json.loads(line) for line in b"".join(self._chunks(name)).splitlines()]

    def read_json(self, name: str) -> JsonValue:
        """The content of a JSON file. Raises StorageFault, ValueError."""
        return cast(JsonValue, json.loads(b"".join(self._chunks(name))))

    def read_parts(self, names: Iterable[str]) -> Iterator[tuple[str, list[ResultLine]]]:
        """The results parts of these names, in this order. Raises StorageFault."""
        return cast(Iterator[tuple[str, list[ResultLine]]], self._read_all(names))

    def upload(self, name: str, path: Path, content_type: str, metadata: Mapping[str, str] | None = None) -> None:
        """Writes a file from the disk; an existing one is replaced. Raises StorageFault."""
        with path.open("rb") as file:
            self._put(name, file, content_type, metadata or {})

    def keep_only(self, folder: str, names: Container[str]) -> None:
        """Deletes the other files of a folder. Raises StorageFault."""
        for name in list(self._names(f"{folder}/")):
            if name not in names:
                try:
                    self._s3.delete_object(Bucket=self._bucket, Key=self._folder + name)
                except AWS_ERRORS as error:
                    raise self._fault("DeleteObject", name, error) from error

    def _read_all(self, names: Iterable[str]) -> Iterator[tuple[str, list[JsonObject]]]:
        return self._ahead(names, lambda name: (name, self.read_lines(name)))

    def _ahead(self, names: Iterable[str], read: Callable[[str], T]) -> Iterator[T]:
        pending: deque[Future[T]] = deque()
        with ThreadPoolExecutor(READ_AHEAD, thread_name_prefix="parts") as pool:
            for name in names:
                pending.append(pool.submit(read, name))
                if len(pending) == READ_AHEAD:
                    yield pending.popleft().result()
            for future in pending:
                yield future.result()

    def _pass_file(self, name: str) -> PassFile:
        try:
            metadata = self._s3.head_object(Bucket=self._bucket, Key=self._folder + name)["Metadata"]
        except AWS_ERRORS as error:
            raise self._fault("HeadObject", name, error) from error
        return PassFile(int(metadata["rows"]), float(metadata["not-before"]))

    def _put(self, name: str, body: IO[bytes], content_type: str, metadata: Mapping[str, str]) -> None:
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=self._folder + name,
                Body=body,
                ContentType=content_type,
                Metadata=dict(metadata),
            )
        except AWS_ERRORS as error:
            raise self._fault("PutObject", name, error) from error

    def _names(self, prefix: str) -> Iterator[str]:
        return (name for name, _ in self._listed(prefix))

    def _listed(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """The names with the prefix and the times when they were written."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._folder + prefix)
        try:
            for page in pages:
                for listed in page.get("Contents", []):
                    yield listed["Key"].removeprefix(self._folder), listed["LastModified"]
        except AWS_ERRORS as error:
            raise self._fault("ListObjectsV2", prefix, error) from error

    def _chunks(self, name: str) -> Iterator[bytes]:
        try:
            yield from read_object(self._s3, {"Bucket": self._bucket, "Key": self._folder + name})
        except READ_ERRORS as error:
            raise self._fault("GetObject", name, error) from error

    def _fault(self, operation: str, name: str, error: Exception) -> StorageFault:
        return StorageFault(failure_message(f"S3 {operation}", error, self._folder + name))
