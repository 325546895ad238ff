"""The files, messages and records of a run."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from functions.core.model.types import (
    DeferredItem,
    JsonObject,
    JsonValue,
    KeptItem,
    PassFile,
    PassPlan,
    ResultLine,
    RunFields,
    RunRecord,
)


class RunFiles(Protocol):
    """The folder `runs/ID/` of a run in the input bucket. Names are relative to it."""

    def write(
        self, name: str, lines: Iterable[Mapping[str, object]], metadata: Mapping[str, str] | None = None
    ) -> None:
        """Writes a file of JSON lines; an existing one is replaced. `metadata` is user metadata of the object. Raises
        StorageFault."""

    def start_round(self, part_name: str) -> bool:
        """Records that a round of a batch starts, which ends when it has written `results/PART_NAME`.

        False if the run was closed: then the round must not store anything. Raises StorageFault.
        """


class CheckFiles(RunFiles, Protocol):
    """The files of PrepareRun."""

    def read_lines(self, name: str) -> list[JsonObject]:
        """The values of a file of JSON lines. Raises StorageFault."""


class PassFiles(RunFiles, Protocol):
    """The files of the rows that wait for a pass."""

    def pass_files(self, number: int) -> Iterator[PassFile]:
        """What is known about the files of a pass, without reading them. Raises StorageFault."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A message for the SNS topic. `kind` is a message attribute that subscription filters can use."""

    kind: str
    subject: str
    body: Mapping[str, object] = field(default_factory=dict)


NOTICE_SECONDS = 8.0
"""Maximum time for publishing a message, in seconds."""


class Notifications(Protocol):
    """The SNS topic."""

    def publish(self, notice: Notification, seconds: float = NOTICE_SECONDS) -> bool:
        """Returns after `seconds` at the latest, and False if the message is not published by then.

        No exception is raised, since images must not depend on it.
        """


class RunRecords(Protocol):
    """The runs table, as the state machine's functions use it."""

    def claim(self, record: RunRecord) -> bool:
        """Writes a new record; False if the run belongs to another execution. Raises TableFault."""

    def update(self, run_id: str, values: RunFields) -> None:
        """Sets attributes; the record is created if it does not exist. Raises TableFault."""

    def get(self, run_id: str) -> RunRecord | None:
        """The record, by a strongly consistent read. Raises TableFault."""


class ResultParts(Protocol):
    """The outcomes that the batches have recorded."""

    def result_parts(self, pass_number: int = 0) -> Iterator[tuple[str, list[ResultLine]]]:
        """The parts of `results/` of a pass by name, in the order of their names. Raises StorageFault."""


class RunOutcomes(ResultParts, Protocol):
    """What the batches and the state machine have recorded about the rows of a run, or of a group of them."""

    def deferred_items(self, pass_number: int) -> Iterator[DeferredItem]:
        """The rows that were deferred to a pass, in no order. Raises StorageFault."""

    def pass_plans(self) -> list[PassPlan]:
        """The passes that were planned, in their order. Raises StorageFault."""

    def kept_item_parts(self) -> Iterator[tuple[str, list[KeptItem]]]:
        """The parts of `retries/` by name, in the order of their names. Raises StorageFault."""

    def uncompleted_children(self) -> Iterator[Iterator[bytes]]:
        """The ResultWriter files of child executions that failed or did not start, each in chunks.

        Raises StorageFault.
        """


@dataclass(frozen=True, slots=True)
class RunFolder:
    """What is in the folder of a run: the sizes of its files by name, and the names of the folders in it."""

    files: Mapping[str, int]
    folders: Container[str] = ()


class RunFolders(Protocol):
    """The folders of all runs, as the API reads them."""

    def find(self, run_id: str) -> RunFolder:
        """An empty one if there is none. Raises StorageFault."""

    def read(self, run_id: str, name: str) -> str:
        """The text of a file. Raises StorageFault."""


@dataclass(frozen=True, slots=True)
class StoredPiece:
    """A file of the run that is a piece of another one."""

    name: str


class RunResults(RunFiles, RunOutcomes, Protocol):
    """The files that SummarizeRun reads and writes."""

    def close_run(self) -> None:
        """From now on, no round can start. Raises StorageFault."""

    def unfinished_rounds(self) -> list[datetime]:
        """The start times of the rounds that have not written their results. Raises StorageFault."""

    def part_names(self, folder: str) -> Iterator[str]:
        """Names of the parts of a folder, in their order. Raises StorageFault."""

    def read_parts(self, names: Iterable[str]) -> Iterator[tuple[str, list[ResultLine]]]:
        """The results parts of these names, in this order. Raises StorageFault."""

    def read_lines(self, name: str) -> list[JsonObject]:
        """The values of a file of JSON lines. Raises StorageFault."""

    def stream_lines(self, name: str) -> Iterator[JsonValue]:
        """The same for a file that is larger than memory. Raises StorageFault."""

    def keep_only(self, folder: str, names: Container[str]) -> None:
        """Deletes the other files of a folder. Raises StorageFault."""

    def join(
        self,
        name: str,
        pieces: Iterable[str | StoredPiece],
        content_type: str,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Writes a report from text and other files of the run, in this order. Raises StorageFault."""

    def write_text(
        self, name: str, pieces: Iterable[str], content_type: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Writes a report; `metadata` is the user metadata of the object. Raises StorageFault."""


class IndexFiles(RunResults, Protocol):
    """The files that IndexRun reads and writes."""

    def upload(self, name: str, path: Path, content_type: str, metadata: Mapping[str, str] | None = None) -> None:
        """Writes a file from the disk; an existing one is replaced. Raises StorageFault."""
