"""What `core` asks of the world, as small interfaces; `functions.adapters` has them over AWS, tests have fakes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Protocol

from functions.core.model.runs import ManifestObject
from functions.core.model.types import ExecutionInput, ImageRecord, KeptItem, ResultLine, RunFields, RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUpload:
    """An image on its way into the bucket. `file` stands at 0; `sha256` is hex of its `size` bytes.

    `owner` is the SHA-256 of the URL, kept with the object; `exclusive` forbids to replace another URL's object.
    """

    key: str
    file: IO[bytes]
    size: int
    sha256: str
    content_type: str
    owner: str
    storage_class: str = "STANDARD"
    exclusive: bool = False


class ImageStore(Protocol):
    """The images bucket."""

    def put(self, upload: ImageUpload) -> None:
        """Raises RowError(STORAGE | KEY_CONFLICT), StorageFault."""


class ImageTable(Protocol):
    """The images table: a row exists if and only if its image is in the bucket."""

    def look_up(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        """The rows that exist, by URL. Raises TableFault."""

    def record(self, rows: Sequence[ImageRecord]) -> None:
        """Writes rows, each with its `url`. Raises TableFault unless all were written."""


class RunFiles(Protocol):
    """The folder `runs/ID/` of a run in the input bucket. Names are relative to it."""

    def write(self, name: str, lines: Iterable[Mapping[str, object]]) -> None:
        """Writes a file of JSON lines; an existing one is replaced. Raises StorageFault."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A message for the topic. `kind` is a message attribute, by which subscriptions filter."""

    kind: str
    subject: str
    body: Mapping[str, object] = field(default_factory=dict)


class Notifications(Protocol):
    """The SNS topic."""

    def publish(self, notice: Notification) -> bool:
        """False where it could not be published: nobody's images are lost for that."""


class Manifests(Protocol):
    """The manifest's object in the input bucket."""

    def read(self, bucket: str, key: str, etag: str, start: int = 0) -> Iterator[bytes]:
        """Its bytes from `start`, in pieces. Raises ManifestGoneError where it is not the one of `etag` any more."""

    def metadata(self, bucket: str, key: str) -> Mapping[str, str]:
        """The user's metadata on the object. Raises ManifestGoneError."""


class ManifestGoneError(Exception):
    """The manifest was deleted or replaced since it was announced."""


class RunRecords(Protocol):
    """The runs table, as the state machine's functions use it."""

    def claim(self, record: RunRecord) -> bool:
        """Writes a new record. Returns False if the run belongs to another execution already."""

    def update(self, run_id: str, values: RunFields) -> None:
        """Sets attributes of a record, which is created if it does not exist."""

    def get(self, run_id: str) -> RunRecord | None:
        """The record, by a strongly consistent read."""


class RunResults(RunFiles, Protocol):
    """The files that SummarizeRun reads and writes."""

    def result_parts(self) -> Iterator[tuple[str, list[ResultLine]]]:
        """The parts of `results/` by name, in the order of their names. Raises StorageFault."""

    def kept_item_parts(self) -> Iterator[tuple[str, list[KeptItem]]]:
        """The parts of `retries/` by name, in the order of their names. Raises StorageFault."""

    def uncompleted_children(self) -> Iterator[Iterator[bytes]]:
        """The ResultWriter files of child executions that failed or did not start, each in chunks.

        Raises StorageFault.
        """

    def write_text(
        self, name: str, pieces: Iterable[str], content_type: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Writes a report; `metadata` is the user metadata of the object. Raises StorageFault."""


LINK_SECONDS = 900
"""How long a link can be used."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows of a run that is under way: those whose batch has ended, and those in a batch that runs."""

    done: int
    running: int
    max_concurrency: int


class RunRegistry(Protocol):
    """The runs table."""

    def create(self, record: RunRecord) -> bool:
        """False where there is one of that `run_id` already."""

    def get(self, run_id: str) -> RunRecord | None:
        """The record, strongly consistent."""

    def update_unless_over(self, run_id: str, values: RunFields) -> bool:
        """False where the run is over, or unknown."""

    def newest(
        self, status: str | None, limit: int, after: Mapping[str, str] | None
    ) -> tuple[list[RunRecord], Mapping[str, str] | None]:
        """At most `limit` records are looked at; where to go on, or None at the end."""


class Executions(Protocol):
    """The state machine's executions. Every call may be made again."""

    def arn_of(self, run_id: str) -> str:
        """Also of an execution that is yet to start."""

    def start(self, run_id: str, event: ExecutionInput) -> None:
        """Once for a run, however often it is called."""

    def stop(self, arn: str, error: str, cause: str) -> bool:
        """False where there is none."""

    def progress(self, arn: str) -> Progress | None:
        """None where there is none to tell."""

    def set_concurrency(self, arn: str, children: int) -> bool:
        """False where nothing is under way that could be set."""


class SubmittedManifests(Protocol):
    """Manifests in the input bucket."""

    bucket: str

    def put(self, key: str, content: bytes) -> ManifestObject:
        """The same content again is the same object."""

    def find(self, key: str) -> ManifestObject | None: ...


class PresignedLinks(Protocol):
    """Presigned links into one bucket."""

    def to(self, key: str) -> str: ...

    def for_upload(self, key: str, metadata: Mapping[str, str]) -> str: ...
