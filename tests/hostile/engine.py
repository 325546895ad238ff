"""The download engine with everything real but the cloud, and the rounds that the workflow would give it."""

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from functions.core.download.batch import BatchMirror
from functions.core.download.mirror import RowMirror
from functions.core.download.rounds import Batch, RoundRunner
from functions.core.model.options import Options
from functions.core.model.ports import ImageStore
from functions.core.web.addresses import AddressPolicy
from functions.core.web.deadlines import Watchdog
from functions.core.web.fetch import Fetcher
from functions.core.web.guard import Guard
from functions.core.web.resolver import LookUp, Resolver
from functions.core.web.session import make_session
from tests.support.fakes import FakeImageStore, FakeImageTable, FakeNotices, FakeRunFiles

CHILD_SECONDS = 300.0
WATCHDOG = Watchdog()
"""One for all tests, as an environment has one: its thread never ends."""


def loopback_names(name: str) -> Sequence[str]:
    """`.test` is this machine; texts of addresses are read as the system reads them; nothing else is known."""
    if name.lower().rstrip(".").endswith(".test"):
        return ("127.0.0.1",)
    answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


@dataclass(slots=True)
class Mirrored:
    """What a batch came to. `waits` and `seconds` are by round; `lines` what was written down, by row."""

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
    """Loopback is allowed unless `allowed` says otherwise."""

    def __init__(
        self,
        *,
        allowed: str = "127.0.0.0/8",
        look_up: LookUp = loopback_names,
        ca_file: str | None = None,
        store: ImageStore | None = None,
    ) -> None:
        self.guard = Guard(AddressPolicy.parse(allowed), Resolver(look_up))
        self.session = make_session(self.guard, contact="test@example.com", ca_file=ca_file)
        self.fetcher = Fetcher(self.session, WATCHDOG)
        self.store = store

    def close(self) -> None:
        self.session.close()

    def mirror(
        self,
        *items: Any,
        known: Sequence[Mapping[str, Any]] = (),
        begin_for: float = 60,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> Mirrored:
        """The rows through all their rounds, without the waits; asserts that each has one line in the books.

        No row is begun later than `begin_for` seconds into its round. `clock` is what the child's time is told by.
        """
        chosen = Options(**{"rounds": 2, "timeout": 10.0, **options})
        made = Mirrored(FakeImageStore(), FakeImageTable(known), FakeNotices(), FakeRunFiles())
        runner = self._runner(chosen, made, clock)
        payload: dict[str, Any] = {
            "BatchInput": {"run": {"id": "run-1"}},
            "Items": [{"row": row, "item": item} for row, item in enumerate(items)],
        }
        while payload["Items"]:
            started = time.monotonic()
            report = runner.run(
                Batch.from_payload(payload),
                start_deadline=started + begin_for,
                child_seconds_left=CHILD_SECONDS - sum(made.waits),
            )
            payload = report.payload
            made.seconds.append(time.monotonic() - started)
            made.waits += [payload["wait_seconds"]] if payload["Items"] else []
        assert [line["row"] for line in made.lines] == list(range(1, len(items) + 1)), "the books do not balance"
        assert set(made.table.rows) == {self._url(items[row - 1]) for row in made.stored} | {r["url"] for r in known}
        return made

    def _runner(self, options: Options, made: Mirrored, clock: Callable[[], float]) -> RoundRunner:
        mirror = RowMirror(fetcher=self.fetcher, store=self.store or made.store, options=options, run_id="run-1")
        batch = BatchMirror(mirror=mirror, table=made.table, options=options, run_id="run-1", monotonic=clock)
        return RoundRunner(mirror=batch, files=made.files, notices=made.notices, options=options, monotonic=clock)

    def _url(self, item: Any) -> str:
        return item if isinstance(item, str) else item["url"]
