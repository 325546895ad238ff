"""What the API asks of the world; `functions.adapters` has it over AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from functions.core.runs import ManifestObject

LINK_SECONDS = 900
"""How long a link can be used."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows of a run that is under way: those whose batch has ended, and those in a batch that runs."""

    done: int
    running: int
    max_concurrency: int


class Runs(Protocol):
    """The runs table."""

    def create(self, record: Mapping[str, Any]) -> bool:
        """False where there is one of that `run_id` already."""

    def get(self, run_id: str) -> Mapping[str, Any] | None:
        """The record, strongly consistent."""

    def update_unless_over(self, run_id: str, values: Mapping[str, Any]) -> bool:
        """False where the run is over, or unknown."""

    def newest(
        self, status: str | None, limit: int, after: Mapping[str, str] | None
    ) -> tuple[list[Mapping[str, Any]], Mapping[str, str] | None]:
        """At most `limit` records are looked at; where to go on, or None at the end."""


class Executions(Protocol):
    """The state machine's executions. Every call may be made again."""

    def arn_of(self, run_id: str) -> str:
        """Also of an execution that is yet to start."""

    def start(self, run_id: str, event: Mapping[str, Any]) -> None:
        """Once for a run, however often it is called."""

    def stop(self, arn: str, error: str, cause: str) -> bool:
        """False where there is none."""

    def progress(self, arn: str) -> Progress | None:
        """None where there is none to tell."""

    def set_concurrency(self, arn: str, children: int) -> bool:
        """False where nothing is under way that could be set."""


class Lists(Protocol):
    """Manifests in the input bucket."""

    bucket: str

    def put(self, key: str, content: bytes) -> ManifestObject:
        """The same content again is the same object."""

    def find(self, key: str) -> ManifestObject | None: ...


class Links(Protocol):
    """Presigned links into one bucket."""

    def to(self, key: str) -> str: ...

    def for_upload(self, key: str, metadata: Mapping[str, str]) -> str: ...
