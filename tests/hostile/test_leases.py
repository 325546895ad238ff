"""Several batches at once at the same hosts, over real connections: what the servers count."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.config import Config

from functions.adapters.dynamodb_host_records import DynamoHostRecords
from functions.adapters.dynamodb_hosts_table import DynamoHostsTable
from functions.core.download.hosts import places
from functions.core.model.errors import StorageFault, TableFault
from functions.core.model.types import CoolDown, HostLimit, HostRecord
from functions.core.model.urls import host_of
from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine, EngineResult
from tests.support.fakes import FakeImageStore
from tests.support.hosts import FakeHostRecords
from tests.support.images import png
from tests.support.rate_limits import Counted
from tests.support.servers import Behaviour, Server, answer, holding, redirect

IMAGE = answer(200, {"Content-Type": "image/png"}, png())
MakeEngine = Callable[..., Engine]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MIN_WAIT_SECONDS", 0.1)


def serve_images(serve: Serve, behaviour: Behaviour, count: int = 400) -> Server:
    return serve({f"/{number}.png": behaviour for number in range(count)})


def together(
    make_engine: MakeEngine,
    records: Any,
    lists: Sequence[Sequence[str]],
    busy: Mapping[str, HostLimit],
    patience: float = 0.2,
    **options: Any,
) -> list[EngineResult]:
    """A batch for each of the lists, all at once, each in an environment of its own."""
    engines = [make_engine(records=records) for _ in lists]
    results: dict[int, EngineResult] = {}
    gate = threading.Barrier(len(lists))

    def batch(number: int) -> None:
        gate.wait()
        results[number] = engines[number].mirror(
            *lists[number], busy=busy, patience=patience, **{"rounds": 4, **options}
        )

    threads = [threading.Thread(target=batch, args=(number,)) for number in range(len(lists))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[number] for number in range(len(lists))]


def urls(server: Server, first: int, count: int) -> list[str]:
    return [server.url(f"/{number}.png") for number in range(first, first + count)]


def limit_of(server: Server, concurrency: int, rate: float = 0.0) -> dict[str, HostLimit]:
    return {host_of(server.url("/")): HostLimit(concurrency, rate)}


def free(records: FakeHostRecords) -> bool:
    return not any(record.leases for record in records.hosts.values())


@pytest.mark.parametrize(("is_limited", "most"), [(False, 40), (True, 6)])
def test_all_batches_together_send_no_more_requests_at_once_than_the_host_has_places(
    is_limited: bool, most: int, serve: Serve, make_engine: MakeEngine
) -> None:
    counted = Counted(IMAGE, 0.05)
    server = serve_images(serve, counted)
    records = FakeHostRecords()
    busy = limit_of(server, 6) if is_limited else {}

    results = together(make_engine, records, [urls(server, 40 * n, 40) for n in range(5)], busy)

    assert [len(result.stored) for result in results] == [40] * 5
    assert free(records)
    assert counted.peak <= most
    assert counted.peak > (4 if is_limited else 6), "without a limit, the test would fail"


def test_requests_keep_to_the_rate_of_the_host(serve: Serve, make_engine: MakeEngine) -> None:
    counted = Counted(IMAGE, 0.02)
    server = serve_images(serve, counted)
    records = FakeHostRecords()

    results = together(
        make_engine, records, [urls(server, 25 * n, 25) for n in range(3)], limit_of(server, 16, rate=20.0)
    )

    assert [len(result.stored) for result in results] == [25] * 3
    assert counted.most_in_a_second() <= 21
    assert free(records)


def test_hosts_that_are_not_busy_take_no_lease(serve: Serve, make_engine: MakeEngine) -> None:
    server = serve_images(serve, IMAGE)
    records = FakeHostRecords()
    (result,) = together(make_engine, records, [urls(server, 0, 40)], {"other.example": HostLimit(2)})

    assert len(result.stored) == 40
    assert (records.writes, len(records.reads)) == ({}, 1)


def test_a_busy_host_takes_two_writes_in_a_round(serve: Serve, make_engine: MakeEngine) -> None:
    server = serve_images(serve, IMAGE)
    records = FakeHostRecords()
    together(make_engine, records, [urls(server, 0, 100)], limit_of(server, 3))

    assert records.writes == {host_of(server.url("/")): 2}


def test_places_are_given_back_when_the_round_needs_the_host_no_more(serve: Serve, make_engine: MakeEngine) -> None:
    quick, slow = serve_images(serve, IMAGE), serve_images(serve, Counted(IMAGE, 0.3))
    records = FakeHostRecords()
    returned: list[float] = []
    change = records.change

    def noted(host: str, wanted: Any) -> HostRecord | None:
        if wanted.returned:
            returned.append(time.monotonic())
        return change(host, wanted)

    records.change = noted  # type: ignore[method-assign]
    together(
        make_engine, records, [urls(quick, 0, 4) + urls(slow, 0, 8)], limit_of(quick, 2) | limit_of(slow, 2), per_host=2
    )

    first, last = returned
    assert last - first > 0.5


def test_a_deadline_ends_the_request_before_its_place_is_used_again(serve: Serve, make_engine: MakeEngine) -> None:
    counted = Counted(IMAGE, 5.0)
    server = serve_images(serve, counted)
    records = FakeHostRecords()

    results = together(
        make_engine,
        records,
        [urls(server, 8 * n, 8) for n in range(3)],
        limit_of(server, 3),
        timeout=0.2,
        rounds=1,
        start_within=1.0,
    )

    assert {failure["reason"] for result in results for failure in result.failures} <= {"timeout", "out_of_time"}
    assert counted.peak <= 3
    assert free(records)


def test_an_infrastructure_error_gives_the_places_back(serve: Serve, make_engine: MakeEngine) -> None:
    server = serve_images(serve, IMAGE)
    records, store = FakeHostRecords(), FakeImageStore()
    store.faults.append(StorageFault("down"))
    engine = make_engine(records=records, store=store)

    with pytest.raises(StorageFault):
        engine.mirror(*urls(server, 0, 20), busy=limit_of(server, 4))

    assert records.writes.total() == 2
    assert free(records)


@pytest.mark.parametrize("good_calls", range(4))
def test_a_table_that_fails_makes_a_batch_slower(good_calls: int, serve: Serve, make_engine: MakeEngine) -> None:
    """At the read, when places are taken, or when they are returned."""
    counted = Counted(IMAGE, 0.01)
    server = serve_images(serve, counted)
    records = FakeHostRecords()
    calls = iter(range(10))

    def fail() -> None:
        if next(calls) >= good_calls:
            raise TableFault("throttled")

    records._fail = fail  # type: ignore[method-assign]
    (result,) = together(make_engine, records, [urls(server, 0, 30)], limit_of(server, 4))

    assert len(result.stored) == 30
    assert counted.peak <= (1 if good_calls < 2 else 4)


def hanging(server: Server, make: type[Any]) -> Any:
    """A table whose endpoint accepts requests and never answers, with the times of the function's client, shorter."""
    config = Config(connect_timeout=0.5, read_timeout=0.3, retries={"total_max_attempts": 2, "mode": "standard"})
    client = boto3.client(
        "dynamodb",
        "us-east-1",
        endpoint_url=server.url(""),
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=config,
    )
    return client, make(client, "hosts")


def test_a_table_that_hangs_costs_seconds_and_no_row(serve: Serve, make_engine: MakeEngine) -> None:
    server = serve_images(serve, IMAGE, 20)
    table = serve({"/": holding()})
    first, records = hanging(table, DynamoHostRecords)
    second, hosts = hanging(table, DynamoHostsTable)
    engine = make_engine(records=records, hosts=hosts)
    started = time.monotonic()

    result = engine.mirror(*urls(server, 0, 20), busy=limit_of(server, 4), robots="obey", rounds=1)
    first.close()
    second.close()

    assert len(result.stored) == 20
    assert time.monotonic() - started < 10
    assert len(table.requests) <= 4, "after it failed, the table is not used"


def test_a_record_that_is_lost_is_made_again(serve: Serve, make_engine: MakeEngine) -> None:
    server = serve_images(serve, Counted(IMAGE, 0.02))
    records = FakeHostRecords()
    stop = threading.Event()

    def lose() -> None:
        while not stop.wait(0.05):
            records.hosts.clear()

    thread = threading.Thread(target=lose)
    thread.start()
    results = together(make_engine, records, [urls(server, 30 * n, 30) for n in range(3)], limit_of(server, 2))
    stop.set()
    thread.join()

    assert [len(result.stored) for result in results] == [30] * 3


@pytest.mark.parametrize("is_busy", [True, False])
def test_a_host_that_asks_for_an_hour_gets_no_request_of_another_batch(
    is_busy: bool, serve: Serve, make_engine: MakeEngine
) -> None:
    server = serve_images(serve, answer(429, {"Retry-After": "3600"}))
    records = FakeHostRecords()
    busy = limit_of(server, 4) if is_busy else {}
    together(make_engine, records, [urls(server, 0, 10)], busy)
    asked = server.hits.total()

    (result,) = together(make_engine, records, [urls(server, 10, 10)], busy)

    assert server.hits.total() == asked
    assert {failure["reason"] for failure in result.failures} == {"http_busy"}
    assert "gets none for" in result.failures[0]["message"]
    (record,) = records.hosts.values()
    assert 3500 < record.cool_down.not_before - time.time() <= 3602
    assert record.cool_down.refusals == 1


@pytest.mark.parametrize("is_busy", [True, False])
def test_after_a_cool_down_one_request_of_all_batches_asks_the_host(
    is_busy: bool, serve: Serve, make_engine: MakeEngine
) -> None:
    counted = Counted(IMAGE, 0.4)
    server = serve_images(serve, counted)
    host = host_of(server.url("/"))
    records = FakeHostRecords()
    records.hosts[host] = HostRecord({}, CoolDown(time.time() - 1, 2, 0.0))
    busy = limit_of(server, 4) if is_busy else {}

    results = together(make_engine, records, [urls(server, 10 * n, 5) for n in range(4)], busy)

    assert [len(result.stored) for result in results] == [5] * 4
    first, second = sorted(counted.starts)[:2]
    assert second - first >= 0.4, "the others wait for the answer to the first request"
    assert records.hosts[host].cool_down.refusals == 0


def test_a_failed_probe_makes_all_batches_wait_again(serve: Serve, make_engine: MakeEngine) -> None:
    server = serve_images(serve, answer(503, {"Retry-After": "60"}))
    host = host_of(server.url("/"))
    records = FakeHostRecords()
    records.hosts[host] = HostRecord({}, CoolDown(time.time() - 1, 2, 0.0))

    together(make_engine, records, [urls(server, 10 * n, 5) for n in range(4)], {}, rounds=2, patience=0.01)

    assert server.hits.total() == 1
    assert records.hosts[host].cool_down.refusals == 3


def test_redirect_targets_have_the_same_limit(serve: Serve, make_engine: MakeEngine) -> None:
    counted = Counted(IMAGE, 0.05)
    target = serve_images(serve, counted)
    sources = [
        serve({f"/{number}.png": redirect(target.url(f"/{number}.png")) for number in range(200)}) for _ in range(4)
    ]
    records = FakeHostRecords()
    lists = [urls(source, 20 * n, 20) for n, source in enumerate(sources)]

    results = together(make_engine, records, lists, limit_of(target, 3))

    assert [len(result.stored) for result in results] == [20] * 4
    assert counted.peak <= 3
    assert free(records)


def test_a_target_that_no_row_names_takes_a_lease_with_the_second_redirect(
    serve: Serve, make_engine: MakeEngine
) -> None:
    counted = Counted(IMAGE, 0.05)
    target = serve_images(serve, counted)
    source = serve({f"/{number}.png": redirect(target.url(f"/{number}.png")) for number in range(200)})
    records = FakeHostRecords()
    lists = [urls(source, 20 * n, 20) for n in range(4)]

    results = together(make_engine, records, lists, {}, host_concurrency=2)

    assert [len(result.stored) for result in results] == [20] * 4
    assert counted.peak <= 2 + len(lists)
    assert set(records.writes) == {host_of(target.url("/"))}
    assert free(records)


def test_hosts_that_redirect_to_each_other_end(serve: Serve, make_engine: MakeEngine) -> None:
    first, second = serve_images(serve, IMAGE), serve_images(serve, IMAGE)
    for number in range(100, 140):
        first.routes[f"/{number}.png"] = redirect(second.url(f"/{number - 100}.png"))
        second.routes[f"/{number}.png"] = redirect(first.url(f"/{number - 100}.png"))
    records = FakeHostRecords()
    lists = [urls(first, 100, 20) + urls(second, 120, 20), urls(second, 100, 20) + urls(first, 120, 20)]

    results = together(make_engine, records, lists, limit_of(first, 2) | limit_of(second, 2))

    assert [len(result.stored) for result in results] == [40] * 2
    assert free(records)


@pytest.mark.parametrize("is_busy", [True, False])
def test_crawl_delay_is_the_time_between_two_requests(is_busy: bool, serve: Serve, make_engine: MakeEngine) -> None:
    counted = Counted(IMAGE, 0.01)
    rules = answer(200, {"Content-Type": "text/plain"}, b"User-agent: *\nCrawl-delay: 0.5\n")
    server = serve({"/robots.txt": rules, **{f"/{number}.png": counted for number in range(10)}})
    busy = limit_of(server, 4) if is_busy else {}

    (result,) = together(
        make_engine, FakeHostRecords(), [urls(server, 0, 5)], busy, patience=9.0, robots="obey", timeout=9.0
    )

    assert len(result.stored) == 5
    gaps = [later - earlier for earlier, later in pairwise(sorted(counted.starts))]
    assert min(gaps) > 0.45, gaps


def test_record_and_ignore_have_no_crawl_delay(serve: Serve, make_engine: MakeEngine) -> None:
    rules = answer(200, {"Content-Type": "text/plain"}, b"User-agent: *\nCrawl-delay: 60\n")
    server = serve({"/robots.txt": rules, **{f"/{number}.png": IMAGE for number in range(10)}})

    for robots in ("record", "ignore"):
        result = make_engine().mirror(*urls(server, 0, 5), robots=robots)
        assert (len(result.stored), len(result.waits)) == (5, 0)


def test_rows_wait_for_a_place_also_if_nothing_is_tried_twice(serve: Serve, make_engine: MakeEngine) -> None:
    server = serve_images(serve, IMAGE)
    records = FakeHostRecords()
    records.hosts[host_of(server.url("/"))] = HostRecord({0: time.time() + 0.8})

    (result,) = together(make_engine, records, [urls(server, 0, 5)], limit_of(server, 1), rounds=1)

    assert len(result.stored) == 5
    assert result.waits


def test_rows_that_find_no_place_in_time_say_why(serve: Serve, make_engine: MakeEngine) -> None:
    server = serve_images(serve, IMAGE)
    host = host_of(server.url("/"))
    records = FakeHostRecords()
    records.hosts[host] = HostRecord({0: time.time() + 3600})

    result = make_engine(records=records).mirror(*urls(server, 0, 5), busy=limit_of(server, 1))

    assert {(failure["reason"], failure["retryable"]) for failure in result.failures} == {("out_of_time", True)}
    assert f"no place at {host} was free, of 1." in result.failures[0]["message"]
    assert server.hits.total() == records.writes.total() == 0
