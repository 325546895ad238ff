"""In-memory hosts tables."""

import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from functions.core.model.types import HostChange, HostRecord, RobotsRecord
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


class FakeHostRecords(Faulty):
    """The records of hosts, changed on the conditions of the real table. `writes` counts the changes by host, those
    included that did not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts: dict[str, HostRecord] = {}
        self.reads: list[list[str]] = []
        self.writes: Counter[str] = Counter()
        self._lock = threading.Lock()

    def records(self, hosts: Sequence[str]) -> Mapping[str, HostRecord]:
        self.reads.append(list(hosts))
        self._fail()
        with self._lock:
            return {host: self.hosts[host] for host in hosts if host in self.hosts}

    def change(self, host: str, change: HostChange) -> HostRecord | None:
        with self._lock:
            self.writes[host] += 1
            self._fail()
            record = self.hosts.get(host, HostRecord())
            leases = dict(record.leases)
            free = all(leases.get(place, -math.inf) < change.now for place in change.taken)
            mine = all(leases.get(place) == end for place, end in change.returned.items())
            if not (free and mine) or (change.cool_down and record.cool_down.not_before != change.seen.not_before):
                return record
            leases = {place: end for place, end in leases.items() if place not in change.returned} | dict(change.taken)
            self.hosts[host] = HostRecord(leases, change.cool_down or record.cool_down)
            return None


class DirectExecutor(Executor):
    """Runs each call at once, in the thread of the caller."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(call(*args, **kwargs))
        return future
