"""The real download code with fakes for AWS, run through the rounds of the workflow."""

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from functions.core.download.batch import BatchMirror
from functions.core.download.hosts.busy import RunLimits
from functions.core.download.hosts.fleet import FleetHosts
from functions.core.download.mirror import RowMirror
from functions.core.download.rounds import Batch, RoundRunner
from functions.core.model.limits import CHILD_SECONDS
from functions.core.model.options import Options
from functions.core.model.ports import HostRecords, HostsTable, ImageStore
from functions.core.model.types import HostLimit
from functions.core.web.addresses import AddressPolicy
from functions.core.web.deadlines import Watchdog
from functions.core.web.fetch import Fetcher
from functions.core.web.guard import Guard
from functions.core.web.resolver import LookUp, Resolver
from functions.core.web.robots.cache import RobotsCache
from functions.core.web.robots.check import RunRobots
from functions.core.web.robots.fleet import FleetRobots
from functions.core.web.robots.reader import RobotsReader
from functions.core.web.session import make_session
from tests.support.fakes import FakeImageStore, FakeImageTable, FakeNotices, FakeRunFiles
from tests.support.hosts import FakeHostRecords, FakeHostsTable

WATCHDOG = Watchdog()
"""One for all tests, as in an execution environment: its thread never ends."""


def loopback_names(name: str) -> Sequence[str]:
    """Resolve `.test` to this machine and addresses as the system parses them; no other name exists."""
    if name.lower().rstrip(".").endswith(".test"):
        return ("127.0.0.1",)
    answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


@dataclass(slots=True)
class EngineResult:
    """The result of a batch. `waits` and `seconds` are by round, `lines` are the result lines by row."""

    store: FakeImageStore
    table: FakeImageTable
    notices: FakeNotices
    files: FakeRunFiles
    waits: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def lines(self) -> list[dict[str, Any]]:
        parts = [lines for name, lines in self.files.files.items() if name.startswith("results/")]
        return sorted((line for part in parts for line in part), key=lambda line: line["row"])

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["outcome"] == "failed"]

    @property
    def stored(self) -> list[int]:
        return [line["row"] for line in self.lines if line["outcome"] == "stored"]


class Engine:
    """The download code over real connections. Loopback addresses are allowed unless `allowed` is given.

    Unless a test says `robots`, robots.txt is ignored: most tests count the requests. Engines with the same `hosts`
    table are environments of one fleet.
    """

    def __init__(
        self,
        *,
        allowed: str = "127.0.0.0/8",
        look_up: LookUp = loopback_names,
        ca_file: str | None = None,
        store: ImageStore | None = None,
        hosts: HostsTable | None = None,
        records: HostRecords | None = None,
    ) -> None:
        self.guard = Guard(AddressPolicy.parse(allowed), Resolver(look_up))
        self.session = make_session(self.guard, contact="test@example.com", ca_file=ca_file)
        self.fetcher = Fetcher(self.session, WATCHDOG)
        self.hosts = hosts or FakeHostsTable()
        self.robots = RobotsCache(FleetRobots(RobotsReader(self.session, WATCHDOG), self.hosts))
        self.records = records or FakeHostRecords()
        self.skipped = 0.0
        self.fleet = FleetHosts(self.records, lambda: time.time() + self.skipped)
        self.store = store

    def close(self) -> None:
        self.session.close()

    def mirror(
        self,
        *items: Any,
        records: Sequence[Mapping[str, Any]] = (),
        start_within: float = 60,
        clock: Callable[[], float] = time.monotonic,
        busy: Mapping[str, HostLimit] = MappingProxyType({}),
        patience: float | None = None,
        **options: Any,
    ) -> EngineResult:
        """Run all rounds without their waits, by which the clock of the hosts table is ahead, and check that each row
        has exactly one result line.

        No row is started later than `start_within` seconds into its round.
        `clock` measures the time of the child execution. `busy` are the limits of busy hosts. With `patience`, it waits
        between rounds, but no longer than so many seconds, which are the time that a wait takes of the child's.
        """
        run_options = Options(**{"rounds": 2, "timeout": 10.0, "robots": "ignore", "passes": 0, **options})
        result = EngineResult(FakeImageStore(), FakeImageTable(records), FakeNotices(), FakeRunFiles())
        runner = self._runner(run_options, result, clock, busy)
        waited = 0.0
        payload: dict[str, Any] = {
            "BatchInput": {"run": {"id": "run-1"}},
            "Items": [{"row": row, "item": item} for row, item in enumerate(items)],
        }
        while payload["Items"]:
            started = time.monotonic()
            report = runner.run(
                Batch.from_payload(payload),
                start_deadline=started + start_within,
                child_seconds_left=CHILD_SECONDS - waited,
            )
            payload = report.payload
            result.seconds.append(time.monotonic() - started)
            result.waits += [payload["wait_seconds"]] if payload["Items"] else []
            if payload["Items"]:
                wait = payload["wait_seconds"] if patience is None else min(patience, payload["wait_seconds"])
                waited += wait
                self.skipped += payload["wait_seconds"] if patience is None else 0.0
                time.sleep(0.0 if patience is None else wait)
        assert [line["row"] for line in result.lines] == list(range(1, len(items) + 1)), "each row has one result line"
        assert set(result.table.rows) == {self._url(items[row - 1]) for row in result.stored} | {
            record["url"] for record in records
        }
        return result

    def _runner(
        self, options: Options, result: EngineResult, clock: Callable[[], float], busy: Mapping[str, HostLimit]
    ) -> RoundRunner:
        store = self.store or result.store
        mirror = RowMirror(
            fetcher=self.fetcher,
            store=store,
            table=result.table,
            options=options,
            run_id="run-1",
            robots=RunRobots(self.robots, options) if options.robots != "ignore" else None,
        )
        batch = BatchMirror(
            mirror=mirror,
            table=result.table,
            options=options,
            run_id="run-1",
            monotonic=clock,
            open_hosts=lambda: self.fleet.round(options, RunLimits(busy)),
        )
        return RoundRunner(mirror=batch, files=result.files, notices=result.notices, options=options, monotonic=clock)

    def _url(self, item: Any) -> str:
        return item if isinstance(item, str) else item["url"]
