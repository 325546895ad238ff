"""Interfaces that `core` needs. `functions.adapters` implements them with AWS services, tests with fakes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Protocol

from functions.core.model.runs import ManifestObject
from functions.core.model.types import (
    ExecutionInput,
    ImageRecord,
    KeptItem,
    ResultLine,
    RobotsRecord,
    RunFields,
    RunRecord,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUpload:
    """An image to upload. `file` is positioned at 0; `sha256` is the digest of its `size` bytes in hex.

    The metadata of the object has `run_id` and `row`, `sha256`, `width` and `height` in pixels, and `url_sha256`, the
    SHA-256 of the URL in hex. `truncated` is true if the end of the image is missing. `is_copy` is true for a further
    object of an image whose record names another key.
    """

    key: str
    file: IO[bytes]
    size: int
    sha256: str
    content_type: str
    url_sha256: str
    run_id: str
    row: int
    width: int | None = None
    height: int | None = None
    truncated: bool = False
    is_copy: bool = False
    storage_class: str = "STANDARD"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageObject:
    """An object of the images bucket. The fields are those of ImageUpload; `url_sha256` is empty if the object is not
    an image of this program.

    `run_id` is empty if release 0.1.0 stored the image: then `row` is 0 and `sha256` is empty.
    """

    etag: str
    size: int
    content_type: str
    stored_at: datetime
    url_sha256: str = ""
    sha256: str = ""
    run_id: str = ""
    row: int = 0
    width: int | None = None
    height: int | None = None
    truncated: bool = False
    is_copy: bool = False


class ImageStore(Protocol):
    """The images bucket."""

    def put(self, upload: ImageUpload, if_match: str | None) -> str | None:
        """Uploads an image if the object of its key has the ETag `if_match`, or if there is no object and it is None.

        Returns the ETag of the object, or None if the condition does not hold. Raises RowError(STORAGE), StorageFault.
        """

    def head(self, key: str) -> ImageObject | None:
        """The object of a key. None if there is none, or if the function may not know whether there is one.

        Raises RowError(STORAGE), StorageFault.
        """

    def read(self, key: str, write: Callable[[bytes], None]) -> bool:
        """Calls `write` with the bytes of an object, piece by piece. False if the object cannot be read.

        Raises RowError(STORAGE), StorageFault, and what `write` raises.
        """


class ImageTable(Protocol):
    """The images table. A record is only ever written from what the images bucket has."""

    def look_up(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        """The records that exist, by URL. Raises TableFault."""

    def record(self, rows: Sequence[ImageRecord]) -> None:
        """Writes records. Raises TableFault unless all were written."""

    def read(self, url: str) -> ImageRecord | None:
        """The record of a URL, by a strongly consistent read. Raises TableFault."""

    def replace(self, record: ImageRecord, former: ImageRecord | None) -> bool:
        """Writes a record unless another one than `former` was written since. Returns False if there was one.

        `former` is None if the URL had no record. Raises TableFault.
        """


class HostsTable(Protocol):
    """The hosts table: what the batches of all runs share about hosts. It is a cache: its items may be lost."""

    def robots(self, origins: Sequence[str]) -> Mapping[str, RobotsRecord]:
        """The records that exist, by origin. Raises TableFault."""

    def claim_robots(self, origin: str, claim: RobotsRecord, now: int) -> RobotsRecord | None:
        """Writes a claim if there is no record that holds at `now`, else returns that record. Raises TableFault."""

    def put_robots(self, origin: str, record: RobotsRecord) -> None:
        """Writes a record. Raises TableFault."""


class RunFiles(Protocol):
    """The folder `runs/ID/` of a run in the input bucket. Names are relative to it."""

    def write(self, name: str, lines: Iterable[Mapping[str, object]]) -> None:
        """Writes a file of JSON lines; an existing one is replaced. Raises StorageFault."""

    def start_round(self, part_name: str) -> bool:
        """Records that a round of a batch starts, which ends when it has written `results/PART_NAME`.

        False if the run was closed: then the round must not store anything. Raises StorageFault.
        """


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


class RunRecords(Protocol):
    """The runs table, as the state machine's functions use it."""

    def claim(self, record: RunRecord) -> bool:
        """Writes a new record; False if the run belongs to another execution. Raises TableFault."""

    def update(self, run_id: str, values: RunFields) -> None:
        """Sets attributes; the record is created if it does not exist. Raises TableFault."""

    def get(self, run_id: str) -> RunRecord | None:
        """The record, by a strongly consistent read. Raises TableFault."""


class RunResults(RunFiles, Protocol):
    """The files that SummarizeRun reads and writes."""

    def close_run(self) -> None:
        """From now on, no round can start. Raises StorageFault."""

    def unfinished_rounds(self) -> list[datetime]:
        """The start times of the rounds that have not written their results. Raises StorageFault."""

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
"""Lifetime of a presigned link, in seconds."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of an active run: number of rows in finished batches, and of rows in running ones."""

    done: int
    running: int
    max_concurrency: int


@dataclass(frozen=True, slots=True)
class AccountConcurrency:
    """Concurrent Lambda executions of the account: its `limit`, and those that are not reserved for one function."""

    limit: int
    unreserved: int


class LambdaAccount(Protocol):
    """The settings of the account in Lambda."""

    def concurrency(self) -> AccountConcurrency:
        """Raises AccountFault."""


class RunRegistry(Protocol):
    """The runs table, with the index of the newest runs."""

    def create(self, record: RunRecord) -> bool:
        """Returns False if there is a record with this `run_id` already."""

    def get(self, run_id: str) -> RunRecord | None:
        """The record, by a strongly consistent read. Raises TableFault."""

    def update_unless_over(self, run_id: str, values: RunFields) -> bool:
        """Returns False if the run is over or unknown."""

    def newest(
        self, status: str | None, limit: int, after: Mapping[str, str] | None
    ) -> tuple[list[RunRecord], Mapping[str, str] | None]:
        """Reads at most `limit` records. Returns those with `status`, and the start key of the next page, or None."""


class MapRuns(Protocol):
    """The Map Runs of the executions of the state machine."""

    def set_concurrency(self, arn: str, children: int) -> bool:
        """Sets the concurrency of the running Map of an execution. Returns False if none is running."""


class Executions(MapRuns, Protocol):
    """Executions of the state machine. All calls are idempotent."""

    def arn_of(self, run_id: str) -> str:
        """The ARN of the execution of a run, which need not have started."""

    def start(self, run_id: str, event: ExecutionInput) -> None:
        """Starts the execution of a run, at most once."""

    def stop(self, arn: str, error: str, cause: str) -> bool:
        """Stops an execution. Returns False if it does not exist."""

    def progress(self, arn: str) -> Progress | None:
        """The progress, or None if Step Functions does not report one."""


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
