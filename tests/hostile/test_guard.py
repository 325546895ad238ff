"""The guard with thousands of URLs and DNS answers, compared with another implementation; nothing bypasses it."""

import random
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests_hardened.ip_filter as oracle

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web.addresses import AddressPolicy
from functions.core.web.fetch import FetchRequest
from functions.core.web.guard import Guard, GuardedHTTPConnection
from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine, loopback_names
from tests.support import images
from tests.support.connects import Recording, Target, recorded
from tests.support.servers import Authority, answer

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


PUBLIC = networks(
    *("1.1.1.0/24", "8.8.8.0/24", "9.255.255.255", "11.0.0.0/16", "52.0.0.0/10", "93.184.0.0/16", "100.63.255.255"),
    *("100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0"),
    *("192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "192.0.1.1", "192.0.3.1"),
    *("2606:4700::/32", "2a00:1450::/32", "2600:1f00::/24", "2001:4860::/32", "2003::/16", "240e::/20"),
    *("::ffff:8.8.8.0/120", "::ffff:93.184.0.0/112", "64:ff9b::808:800/120"),
)
INSIDE = networks(
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "240.0.0.0/4", "::/96", "::ffff:0:0:0/96", "100::/64", "64:ff9b:1::/48", "2001::/23"),
    *("2001:db8::/32", "2002::/16", "3fff::/20", "4000::/3", "5f00::/16", "8000::/1", "fc00::/7", "fe80::/10"),
    *("fec0::/10", "ff00::/8", "::ffff:10.0.0.0/104", "::ffff:127.0.0.0/104", "::ffff:169.254.0.0/112"),
    *("::ffff:192.168.0.0/112", "64:ff9b::a00:0/104", "64:ff9b::7f00:0/104", "64:ff9b::a9fe:0/112"),
)
CASE_COUNT = 5000
SEED = 20_251_123


@dataclass(frozen=True)
class Case:
    """A URL, the addresses of its host name, if it has one, and the expected attempts to connect."""

    url: str
    answers: tuple[str, ...]
    connects: list[tuple[Address, int]]


def test_of_thousands_of_urls_and_answers_only_the_public_ones_are_dialled(make_engine: Callable[..., Engine]) -> None:
    """A good host is dialled at up to three of its addresses, a bad one at none."""
    answers: dict[str, tuple[str, ...]] = {}
    engine = make_engine(allowed="", look_up=lambda name: answers.pop(name, None) or loopback_names(name))
    good = 0
    for case in cases(random.Random(SEED)):
        if (name := str(urlsplit(case.url).hostname)).endswith(".example"):
            answers[name] = case.answers
        with recorded() as recording, pytest.raises(RowError) as raised:
            engine.fetcher.fetch(FetchRequest(url=case.url, timeout=10, max_bytes=1))
        assert [(ip_address(text), port) for text, port in recording.targets] == case.connects, (SEED, case)
        assert raised.value.reason is (Reason.CONNECT if case.connects else Reason.BLOCKED_ADDRESS), (SEED, case)
        good += bool(case.connects)
    assert CASE_COUNT / 4 < good < CASE_COUNT * 3 / 4


def cases(chance: random.Random) -> Iterator[Case]:
    for number in range(CASE_COUNT):
        pools = chance.choice([(PUBLIC,), (PUBLIC,), (INSIDE,), (PUBLIC, INSIDE)])
        scheme, port = chance.choice(
            [("http", 80), ("https", 443), ("http", 443), ("http", 80), ("http", 22), ("http", 9001)]
        )
        at = f":{port}" if (scheme, port) not in (("http", 80), ("https", 443)) else chance.choice(["", f":{port}"])
        user = chance.choice(["", "", "user@", "8.8.8.8@", "a:b@"])
        if chance.random() < 0.5:
            address = random_address(chance, chance.choice(pools))
            host, resolved = random_spelling(chance, address), [address]
        else:
            host = f"h{number}.example"
            resolved = list({random_address(chance, pool) for pool in pools for _ in range(chance.choice([1, 1, 2]))})
            chance.shuffle(resolved)
        bad = any(any(inside(a, network) for network in INSIDE) for a in resolved) or port not in (80, 443)
        connects = [] if bad else [(address, port) for address in resolved[:3]]
        yield Case(f"{scheme}://{user}{host}{at}/a.jpg", tuple(map(str, resolved)), connects)


def inside(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network


def random_address(chance: random.Random, pool: Sequence[Network]) -> Address:
    """The first, the last, or another address of a network of the pool."""
    network = chance.choice(pool)
    first, last = int(network[0]), int(network[-1])
    return type(network[0])(chance.choice([first, last, chance.randint(first, last), chance.randint(first, last)]))


def random_spelling(chance: random.Random, address: Address) -> str:
    """The address in one of the forms that a URL may have."""
    if isinstance(address, IPv6Address):
        return f"[{chance.choice([str(address), address.exploded, str(address).upper()])}]"
    a, b, c, d = address.packed
    rest = b << 16 | c << 8 | d
    return chance.choice(
        [
            str(address),
            str(int(address)),
            hex(int(address)),
            f"0{int(address):o}",
            f"{a}.{rest}",
            f"{a:#x}.{b}.{c:#o}.{d}".replace("0o", "0"),
        ]
    )


STRICTER = networks("::/3", "4000::/2", "8000::/1", "2001::/23", "192.88.99.0/24")
"""Networks that only we block: unallocated IPv6, and deprecated translation mechanisms."""

LOOSER = networks("64:ff9b::/96")
"""Networks that only the oracle blocks: all of NAT64, of which we check the embedded address."""


def test_our_policy_and_that_of_the_oracle_differ_only_in_known_networks() -> None:
    chance = random.Random(SEED)
    policy = AddressPolicy()
    pools: list[Sequence[Network]] = [PUBLIC, INSIDE, networks("0.0.0.0/0"), networks("2000::/3"), networks("::/0")]
    for _ in range(12_000):
        address = random_address(chance, chance.choice(pools))
        ours = policy.blocked_because(str(address), 80) is None
        if ours != allowed_by_oracle(address):
            expected = LOOSER if ours else STRICTER
            assert any(inside(address, network) for network in expected), (SEED, address, ours)


def allowed_by_oracle(address: Address) -> bool:
    try:
        oracle.get_ip_address(str(address), 80, allow_loopback=False)
    except oracle.InvalidIPAddress:
        return False
    return True


@pytest.mark.parametrize("network", PUBLIC + INSIDE, ids=str)
def test_both_ends_of_each_network_are_allowed_or_blocked_as_listed(network: Network) -> None:
    policy = AddressPolicy()
    for address in (network[0], network[-1]):
        assert (policy.blocked_because(str(address), 443) is None) is (network in PUBLIC)


@pytest.mark.parametrize("text", ["10.0.0.0/8", " 10.0.0.0/8 , 2001:db8::/32 ", "10.0.0.5/32,::1/128", ""])
def test_allowed_networks_are_read_from_a_setting(text: str) -> None:
    policy = AddressPolicy.parse(text)
    assert (policy.blocked_because("10.0.0.5", 9001) is None) is ("10." in text)
    assert (
        policy.blocked_because("10.0.0.5", 80) is None
        or policy.blocked_because("10.0.0.5", 80) == "the host resolves to a non-public address"
    )
    assert policy.blocked_because("11.0.0.5", 9001) is not None


# The canary: these tests fail if an upgrade connects in another way.


@contextmanager
def unguarded_connects(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Target]]:
    """Record the connects that the guard did not make."""
    dialling: set[int] = set()
    unguarded: list[Target] = []
    dial = guard._dial

    def marked(addresses: tuple[str, ...], port: int, options: Any) -> socket.socket:
        dialling.add(1)
        try:
            return dial(addresses, port, options)
        finally:
            dialling.clear()

    monkeypatch.setattr(guard, "_dial", marked)
    with recorded(lambda target: unguarded.append(target) if not dialling else None):
        yield unguarded


@pytest.mark.parametrize("secure", [False, True])
def test_the_guard_makes_every_connect_of_a_download(
    secure: bool, serve: Serve, engine: Engine, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve({"/a.jpg": answer(body=images.jpeg())}, tls=authority.context("good.test") if secure else None)
    with unguarded_connects(engine.guard, monkeypatch) as unguarded:
        assert engine.mirror(server.url("/a.jpg", "good.test"), concurrency=1).stored == [1]
    assert unguarded == []
    assert server.connections == 1


def test_the_canary_detects_a_connect_by_urllib3(serve: Serve, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve({"/a.jpg": answer(body=images.jpeg())})

    def connect_directly(connection: GuardedHTTPConnection) -> None:
        connection.sock = socket.create_connection((connection.host, connection.port))

    monkeypatch.setattr(GuardedHTTPConnection, "connect", connect_directly)
    with unguarded_connects(engine.guard, monkeypatch) as unguarded:
        engine.mirror(server.url("/a.jpg"), concurrency=1)
    assert unguarded == [("127.0.0.1", server.port)]


def test_no_download_goes_through_a_proxy_even_if_one_is_configured(
    serve: Serve, engine: Engine, connects: Recording
) -> None:
    server = serve({"/a.jpg": answer(body=images.jpeg())})

    engine.session.get(server.url("/a.jpg"), proxies={"http": "http://127.0.0.1:1"})

    assert connects.targets == [("127.0.0.1", server.port)]


@pytest.mark.parametrize("scheme", ["ftp", "file", "socks5", "data"])
def test_no_other_scheme_has_an_adapter(scheme: str, engine: Engine, connects: Recording) -> None:
    with pytest.raises(ValueError, match=r"No connection adapters|Invalid URL"):
        engine.session.get(f"{scheme}://127.0.0.1/etc/passwd")
    assert connects.targets == []
