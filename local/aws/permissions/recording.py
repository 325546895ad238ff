"""Records which grants the calls of a test needed, for `tests/permissions`.

Recording is on where the environment variable IMAGE_MIRROR_RECORD_PERMISSIONS names a folder. Each process appends to a
file of its own there, so that tests can run in parallel: a line of JSON for each test, principal, action and set of
grants, with the number of calls.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from local.aws.permissions.documents import Grant
from local.aws.permissions.identities import Principal

VARIABLE = "IMAGE_MIRROR_RECORD_PERMISSIONS"
TEST_VARIABLE = "PYTEST_CURRENT_TEST"
"""Set by pytest: `path::test (setup)`, also for the programs that a test starts."""


class Recorder:
    """Counts calls until `close`, which writes them."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"{uuid.uuid4().hex}.jsonl"
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str, str, tuple[str, ...]]] = Counter()

    def __call__(self, principal: Principal, action: str, grants: Iterable[Grant]) -> None:
        test = os.environ.get(TEST_VARIABLE, "").rpartition(" (")[0]
        caller = principal.role.rpartition("/")[2] or principal.name
        with self._lock:
            self._counts[test, caller, action, tuple(grant.key for grant in grants)] += 1

    def close(self) -> None:
        with self._lock, self._file.open("a") as file:
            for (test, caller, action, grants), count in self._counts.items():
                line = {"test": test, "caller": caller, "action": action, "grants": grants, "count": count}
                file.write(json.dumps(line) + "\n")
            self._counts.clear()


def recorder() -> Recorder | None:
    folder = os.environ.get(VARIABLE)
    return Recorder(Path(folder)) if folder else None
