"""What an environment knows about origins: the key, the look-ups in the table, and the limit of its memory."""

import random

import pytest

from functions.core.model.errors import RowError, TableFault
from functions.core.model.reasons import Reason
from functions.core.model.types import RobotsRecord, RobotsState
from functions.core.web.robots import cache
from functions.core.web.robots.cache import RobotsCache, robots_origin
from functions.core.web.robots.fleet import CLAIM_SECONDS, POLL_SECONDS, FleetRobots, RobotsRequest
from functions.core.web.robots.known import MAX_STORED_BYTES
from functions.core.web.robots.rules import RobotsRules, Rule
from tests.support.hosts import FakeHostsTable

REQUEST = RobotsRequest(30.0)
RULES = RobotsRules.parse(b"User-agent: *\nDisallow: /x", "image-mirror")


class FakeReader:
    """`answer` is what each origin says; `read_origins` are the requests."""

    def __init__(self, answer: RobotsRules | RowError = RULES) -> None:
        self.answer = answer
        self.read_origins: list[str] = []

    def read(self, origin: str, *, seconds: float, user_agent: str = "", verify_tls: bool = True) -> RobotsRules:
        self.read_origins.append(origin)
        if isinstance(self.answer, RowError):
            raise self.answer
        return self.answer


class World:
    def __init__(self, answer: RobotsRules | RowError = RULES, hosts: FakeHostsTable | None = None) -> None:
        self.now = 1000.0
        self.reader = FakeReader(answer)
        self.hosts = hosts or FakeHostsTable()
        self.cache = RobotsCache(
            FleetRobots(self.reader, self.hosts, lambda: self.now, self._pass), clock=lambda: self.now
        )

    def _pass(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://a.example/b.png", "http://a.example"),
        ("http://a.example:80/b.png", "http://a.example"),
        ("https://a.example:443?q", "https://a.example"),
        ("https://a.example:80/", "https://a.example:80"),
        ("HTTP://A.Example#f", "http://a.example"),
        ("http://user:word@a.example:8080/b@c", "http://a.example:8080"),
        ("http://[2001:db8::1]:8080/b", "http://[2001:db8::1]:8080"),
        ("http://bücher.example/b", "http://xn--bcher-kva.example"),
    ],
)
def test_the_scope_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert robots_origin(url) == origin


def test_one_look_up_in_the_table_for_the_unknown_origins_of_a_round() -> None:
    world = World()
    world.hosts.records["http://b.example"] = RobotsRecord(RobotsState.RULES, 2000, RULES.encoded())
    urls = ["http://a.example/1", "http://b.example/1", "http://a.example/2"]

    world.cache.look_up(urls)
    world.cache.rules(urls[0], REQUEST)
    world.cache.rules(urls[1], REQUEST)
    world.cache.look_up(urls)

    assert world.hosts.reads == [["http://a.example", "http://b.example"]]
    assert world.reader.read_origins == ["http://a.example"]


def test_a_table_that_fails_is_left_alone_for_a_minute() -> None:
    world = World()
    world.hosts.faults.append(TableFault("throttled"))

    world.cache.look_up(["http://a.example/"])
    world.cache.rules("http://a.example/", REQUEST)
    assert (world.hosts.claims, world.reader.read_origins) == ([], ["http://a.example"])

    world.now += 60
    world.cache.rules("http://b.example/", REQUEST)
    assert world.hosts.claims == ["http://b.example"]


@pytest.mark.parametrize("reason", [Reason.DNS, Reason.CONNECT, Reason.TLS])
def test_a_host_without_a_connection_is_tried_again_by_the_next_row(reason: Reason) -> None:
    world = World(RowError(reason, "no connection"))

    for _ in range(2):
        with pytest.raises(RowError, match="no connection") as raised:
            world.cache.rules("http://a.example/", REQUEST)
        assert raised.value.reason is reason

    assert len(world.reader.read_origins) == 2


def test_errors_of_rows_are_objects_of_their_own() -> None:
    world = World(RowError(Reason.ROBOTS, "503", wait=20.0))
    errors = []
    for _ in range(2):
        with pytest.raises(RowError) as raised:
            world.cache.rules("http://a.example/", REQUEST)
        errors.append(raised.value)
        world.now += 5

    assert errors[0] is not errors[1]
    assert [error.wait for error in errors] == [20, 15]
    assert len(world.reader.read_origins) == 1


def test_a_claim_whose_holder_has_crashed_is_taken_over() -> None:
    world = World()
    world.hosts.records["http://a.example"] = RobotsRecord(RobotsState.READING, 1000 + CLAIM_SECONDS, b"crashed")

    with pytest.raises(RowError, match="being read for another row") as raised:
        world.cache.rules("http://a.example/", REQUEST)
    assert raised.value.wait == pytest.approx(CLAIM_SECONDS - sum(POLL_SECONDS))
    world.now = 1000.0 + CLAIM_SECONDS

    assert world.cache.rules("http://a.example/", REQUEST) == RULES


def test_a_claim_whose_answer_was_lost_is_the_own_one() -> None:
    world = World()
    fleet = world.cache._fleet
    world.hosts.records["http://a.example"] = RobotsRecord(RobotsState.READING, 1010, fleet._owner)

    assert world.cache.rules("http://a.example/", REQUEST) == RULES


def test_rules_that_do_not_fit_into_an_item_are_read_by_each_environment() -> None:
    digits = random.Random(1)
    large = RobotsRules.of(Rule(line, False, f"/{digits.getrandbits(128):x}") for line in range(28_000))
    assert len(large.encoded()) > MAX_STORED_BYTES
    first = World(large)
    second = World(large, first.hosts)

    for world in (first, second):
        assert world.cache.rules("http://a.example/", REQUEST) is large
        assert world.cache.rules("http://a.example/", REQUEST) is large

    assert first.hosts.records["http://a.example"].state is RobotsState.TOO_LARGE
    assert (len(first.reader.read_origins), len(second.reader.read_origins)) == (1, 1)
    assert len(first.hosts.puts) == 1


def test_rules_of_another_version_are_read_again() -> None:
    world = World()
    world.hosts.records["http://a.example"] = RobotsRecord(RobotsState.RULES, 2000, b"another form")

    assert world.cache.rules("http://a.example/", REQUEST) == RULES


def test_the_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_RULES", 20)
    world = World()

    for number in range(30):
        world.cache.rules(f"http://{number}.example/", REQUEST)

    assert len(world.cache._known) == 10
    assert world.cache._size == 20
