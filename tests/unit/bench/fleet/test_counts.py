"""What is counted from the requests that servers list, beside a count of every moment."""

import math
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fleet.counted_hosts import counted_hosts
from bench.fleet.counts import HostCounts, by_host, most_at_once, most_in_a_second
from bench.rig.servers import ServedRequest, listed_requests


def served(received: float, sent: float, path: str = "/1.jpg", status: int = 200) -> ServedRequest:
    return ServedRequest(80, 5000, path, received, status, sent)


times = st.integers(0, 40).map(lambda quarter: quarter / 4)


@given(st.lists(st.tuples(times, times)))
def test_requests_at_once_are_those_of_the_fullest_moment(pairs: list[tuple[float, float]]) -> None:
    requests = [served(min(pair), max(pair) + 0.25) for pair in pairs]
    moments = [quarter / 4 for quarter in range(45)]

    assert most_at_once(requests) == max(
        (sum(request.received <= moment < request.sent for request in requests) for moment in moments), default=0
    )


@given(st.lists(times))
def test_requests_in_a_second_are_those_of_the_fullest_interval(received: list[float]) -> None:
    expected = max((sum(start <= time < start + 1 for time in received) for start in received), default=0)

    assert most_in_a_second(received) == expected


def test_places_that_are_always_used_are_used_completely() -> None:
    requests = [served(n // 4, n // 4 + 1, f"/{n}.jpg") for n in range(40)]
    requests += [served(0.5, 0.75, "/robots.txt", 404), served(10.0, 10.0, "/1.jpg", 429)]
    counts = HostCounts.of(requests)

    assert (counts.requests, counts.refused, counts.repeated, counts.robots) == (41, 1, 0, 1)
    assert (counts.most_at_once, counts.under_way, counts.seconds) == (5, 4.0, 10.0)
    assert counts.rate == 4.1


@pytest.mark.parametrize("clients", [1, 7])
def test_a_server_lists_each_request_with_its_host_and_times(clients: int) -> None:
    with counted_hosts(2, 50) as (first, second):
        threads = [
            threading.Thread(target=lambda n=n: urllib.request.urlopen(f"{first}/{n}.jpg").read())
            for n in range(clients)
        ]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ended = time.monotonic()
        urllib.request.urlopen(f"{second}/0.jpg").read()
        hosts = by_host(listed_requests(first))

    requests, (other,) = hosts[int(first.rpartition(":")[2])], hosts[int(second.rpartition(":")[2])]
    assert (other.path, other.status) == ("/0.jpg", 200)
    assert {request.path for request in requests} == {f"/{n}.jpg" for n in range(clients)}
    assert all(started <= request.received <= request.sent - 0.05 <= ended for request in requests)
    assert most_at_once(requests) <= clients


def test_a_request_ends_when_its_client_is_gone() -> None:
    with counted_hosts(1, 60_000) as (address,):
        client = socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])))
        client.sendall(b"GET /1.jpg HTTP/1.1\r\nHost: x\r\n\r\n")
        while not (requests := listed_requests(address)):
            pass
        under_way = requests[0].sent
        client.close()
        while math.isinf((gone := listed_requests(address)[0]).sent):
            pass

    assert math.isinf(under_way)
    assert (gone.status, gone.sent > gone.received) == (0, True)


def test_hosts_with_a_limit_refuse_what_is_above_it() -> None:
    def get(url: str) -> None:
        try:
            urllib.request.urlopen(url).read()
        except urllib.error.HTTPError as error:
            error.close()

    with counted_hosts(2, 0, "token-bucket") as (first, second):
        for number in range(20):
            get(f"{first}/{number}.jpg")
        get(f"{second}/0.jpg")
        hosts = by_host(listed_requests(first))

    counts = [HostCounts.of(requests) for requests in hosts.values()]
    assert sorted((each.requests, each.refused > 0) for each in counts) == [(1, False), (20, True)]
