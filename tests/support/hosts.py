"""An in-memory hosts table."""

import threading
from collections.abc import Mapping, Sequence

from functions.core.model.types import RobotsRecord
from tests.support.image_fakes import Faulty


class FakeHostsTable(Faulty):
    """The records by origin. `claims` and `puts` are the origins of the writes, `reads` those of each look-up."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, RobotsRecord] = {}
        self.reads: list[list[str]] = []
        self.claims: list[str] = []
        self.puts: list[str] = []
        self._lock = threading.Lock()

    def robots(self, origins: Sequence[str]) -> Mapping[str, RobotsRecord]:
        self.reads.append(list(origins))
        self._fail()
        return {origin: self.records[origin] for origin in origins if origin in self.records}

    def claim_robots(self, origin: str, claim: RobotsRecord, now: int) -> RobotsRecord | None:
        with self._lock:
            self.claims.append(origin)
            self._fail()
            record = self.records.get(origin)
            if record is not None and record.expires_at > now:
                return record
            self.records[origin] = claim
            return None

    def put_robots(self, origin: str, record: RobotsRecord) -> None:
        self.puts.append(origin)
        self._fail()
        self.records[origin] = record
