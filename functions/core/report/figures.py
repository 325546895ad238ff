"""What the page shows beside the summary, folded from the outcomes in memory that does not grow with the run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from functions.core.model.outcomes import OutcomeKind
from functions.core.model.urls import display_host
from functions.core.report.hosts import HostTimes
from functions.core.report.timeline import Timeline

IMAGES = 6
FAILURES = 8


@dataclass(slots=True)
class Figures:
    """`images` and `failures` are the first lines of their kind. Lines of an earlier version have no time."""

    timeline: Timeline
    hosts: HostTimes = field(default_factory=HostTimes)
    images: list[Mapping[str, Any]] = field(default_factory=list)
    failures: list[Mapping[str, Any]] = field(default_factory=list)

    @classmethod
    def since(cls, started_at: str) -> "Figures":
        return cls(Timeline(datetime.fromisoformat(started_at)))

    def add(self, line: Mapping[str, Any]) -> None:
        """A row's line, as a batch wrote it."""
        if line["outcome"] == OutcomeKind.STORED:
            self._add_stored(line)
        elif line["outcome"] == OutcomeKind.FAILED and len(self.failures) < FAILURES:
            self.failures.append(line)

    def _add_stored(self, line: Mapping[str, Any]) -> None:
        if len(self.images) < IMAGES and line.get("object_key"):
            self.images.append(line)
        if line.get("downloaded_at"):
            self.timeline.add(datetime.fromisoformat(line["downloaded_at"]))
        if line.get("ms") is not None:
            self.hosts.add(display_host(line["url"]), line["ms"])
