"""Nothing internal is reached: not by its address in any spelling, not by a name, not by a redirect."""

from collections.abc import Callable

import pytest

from tests.hostile.conftest import Serve
from tests.hostile.engine import Engine, loopback_names
from tests.support import images
from tests.support.connects import Recording
from tests.support.servers import answer, redirect

GOOD = answer(body=images.jpeg())

NON_PUBLIC = (
    # Lambda's own: runtime API, credentials, metadata
    "127.0.0.1:9001",
    "169.254.100.1:9001",
    "169.254.169.254",
    "169.254.170.2",
    "[fd00:ec2::254]",
    # IPv4 that is not public
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    # other spellings of them
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "127.0.0.%31",
    "%31%32%37.0.0.1",
    "127\u30020\u30020\u30021",  # ideographic full stops
    "127\uff0e0\uff0e0\uff0e1",  # fullwidth ones
    "\uff11\uff12\uff17.0.0.1",  # fullwidth digits
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",  # circled ones
    "0",
    "example.com@127.0.0.1",
    "user:pass@10.0.0.1",
    # IPv6 that is not public
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fec0::1]",
    "[fc00::1]",
    "[ff02::1]",
    "[ff0e::1]",
    "[100::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[4000::1]",
    # IPv4 in IPv6
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[::ffff:0:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::]",
    "[2002:808:808::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    # public, but on a port other than 80 and 443
    "93.184.215.14:22",
    "93.184.215.14:8080",
    "[2606:4700::1111]:6379",
)
"""Hosts in the forms that a URL may have."""


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", NON_PUBLIC)
def test_a_non_public_address_is_not_connected_to(
    scheme: str, host: str, make_engine: Callable[..., Engine], connects: Recording
) -> None:
    result = make_engine(allowed="").mirror(f"{scheme}://{host}/latest/meta-data/")
    (line,) = result.failures
    assert (line["reason"], line["retryable"]) in (("blocked_address", False), ("dns", True), ("invalid_url", False))
    if host.isascii() and "%" not in host and not host.endswith("."):
        assert line["reason"] == "blocked_address"
        assert line["message"].startswith("Connection blocked: ")
        assert line["message"].endswith(". Allow it with ALLOW= (allowed_networks).")
    assert connects.targets == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1\\@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http:\\\\127.0.0.1/",
        "http://127.0.0.1\r\nHost: example.com/",
        "http://exam\x00ple.com/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:1e3/",
        "http://[127.0.0.1/",
        "http://[::1/",
        "http:///etc/passwd",
        "http:127.0.0.1/",
        "//127.0.0.1/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/a.jpg",
        "gopher://127.0.0.1:9001/_x",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "unix:///var/run/docker.sock",
        "http+unix://%2Fvar%2Frun/x",
        "http://" + "a" * 16_400 + ".com/",
    ],
)
def test_text_that_is_not_a_web_url_is_not_connected_to(
    url: str, make_engine: Callable[..., Engine], connects: Recording
) -> None:
    result = make_engine(allowed="").mirror(url)
    assert [(line["reason"], line["retryable"]) for line in result.failures] == [("invalid_url", False)]
    assert connects.targets == []


@pytest.mark.parametrize(
    "host",
    ["exa_mple..com", "a" * 64 + ".com", ".com", "xn--zzzzzz.com", "*.example.com", "ex ample.com", "\u202e.com"],
)
def test_an_invalid_host_name_fails_only_its_row(host: str, engine: Engine, serve: Serve, connects: Recording) -> None:
    server = serve({"/a.jpg": GOOD})
    result = engine.mirror(f"http://{host}/a.jpg", server.url("/a.jpg"), rounds=1)
    assert result.failures[0]["reason"] in ("dns", "invalid_url")
    assert result.stored == [2]
    assert len(connects.targets) == 1


def test_a_name_with_a_public_and_a_non_public_address_is_not_connected_to(
    make_engine: Callable[..., Engine], connects: Recording
) -> None:
    engine = make_engine(allowed="", look_up=lambda name: ("93.184.215.14", "10.0.0.1"))
    (line,) = engine.mirror("http://two-addresses.example/").failures
    assert (line["reason"], line["message"]) == (
        "blocked_address",
        "Connection blocked: the host resolves to a non-public address. Allow it with ALLOW= (allowed_networks).",
    )
    assert connects.targets == []


@pytest.mark.parametrize("answers", [("127.1",), ("0x7f.1",), ("localhost",), ("",), ("fe80::1%eth0",), ("1.2.3.4.5",)])
def test_a_dns_answer_that_is_not_an_address_is_not_dialled(
    answers: tuple[str, ...], make_engine: Callable[..., Engine], connects: Recording
) -> None:
    engine = make_engine(allowed="", look_up=lambda name: answers)
    assert engine.mirror("http://odd.example/").failures[0]["reason"] == "blocked_address"
    assert connects.targets == []


def test_a_name_whose_dns_answer_changes_is_dialled_at_the_vetted_address(
    make_engine: Callable[..., Engine], connects: Recording
) -> None:
    """The name is resolved once for a connection: the vetted address is the one that is dialled."""
    lookups: list[str] = []

    def rebinding(name: str) -> tuple[str, ...]:
        lookups.append(name)
        return ("93.184.215.14",) if len(lookups) % 2 else ("127.0.0.1",)

    for _ in range(4):
        line = make_engine(allowed="", look_up=rebinding).mirror("http://rebind.example/", rounds=1).failures[0]
        assert line["reason"] == ("connect" if len(lookups) % 2 else "blocked_address")
    assert connects.targets == [("93.184.215.14", 80)] * 2
    assert len(lookups) == 4


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/b.jpg",
        "//127.0.0.2:{port}/b.jpg",
        "http://internal.test:{port}/b.jpg",
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://127.0.0.1:{port}\\@93.184.215.14/b.jpg",
        "http://2130706434:{port}/b.jpg",
        "http://[::1]:{port}/b.jpg",
        "http://[::ffff:127.0.0.1]:{port}/b.jpg",
        "http://93.184.215.14:8080/b.jpg",
        "https://93.184.215.14:80443/b.jpg",
        "file:///etc/passwd",
        "ftp://127.0.0.1/b.jpg",
        "data:image/png;base64,AAAA",
    ],
)
@pytest.mark.parametrize("hops", [1, 3])
def test_a_redirect_to_a_non_public_address_is_not_followed(
    location: str, hops: int, serve: Serve, make_engine: Callable[..., Engine], connects: Recording
) -> None:
    """`public.test` has the only allowed address; the server at the target gets no request."""
    internal, public = serve({"/b.jpg": GOOD}, host="127.0.0.2"), serve({"/ok.jpg": GOOD})
    for hop in range(hops):
        public.routes[f"/{hop}.jpg"] = redirect(f"/{hop + 1}.jpg")
    public.routes[f"/{hops - 1}.jpg"] = redirect(location.format(port=internal.port))
    engine = make_engine(
        allowed="127.0.0.1/32", look_up=lambda name: ("127.0.0.2",) if name == "internal.test" else loopback_names(name)
    )
    result = engine.mirror(public.url("/0.jpg", "public.test"), public.url("/ok.jpg", "public.test"))
    (line,) = result.failures
    assert (line["row"], line["reason"], line["retryable"]) == (1, "blocked_address", False)
    assert result.stored == [2]
    assert set(connects.targets) == {("127.0.0.1", public.port)}
    assert internal.connections == 0
    assert public.hits.total() == hops + 1


def test_an_allowed_network_is_reached_on_every_port_and_no_other_network_is(
    serve: Serve, make_engine: Callable[..., Engine], connects: Recording
) -> None:
    allowed, other = serve({"/a.jpg": GOOD}, host="127.0.0.2"), serve({"/a.jpg": GOOD}, host="127.0.0.3")
    result = make_engine(allowed="127.0.0.2/32").mirror(allowed.url("/a.jpg"), other.url("/a.jpg"))
    assert result.stored == [1]
    assert result.failures[0]["reason"] == "blocked_address"
    assert other.connections == 0
