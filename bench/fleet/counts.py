"""What the servers have counted: requests under way at once, requests in a second, and the use of the places."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from bench.rig.servers import ServedRequest

ROBOTS = "/robots.txt"


@dataclass(frozen=True, slots=True)
class HostCounts:
    """The requests to a host. `most_at_once` and `most_in_a_second` include those for robots.txt. `under_way` is the
    average number of requests under way from the first to the last of `requests`, which take `seconds`."""

    requests: int
    refused: int
    repeated: int
    robots: int
    most_at_once: int
    most_in_a_second: int
    under_way: float
    seconds: float

    @classmethod
    def of(cls, requests: Sequence[ServedRequest]) -> Self:
        """All requests must have ended."""
        images = [request for request in requests if request.path != ROBOTS]
        answered = [request.path for request in images if request.status == 200]
        start = min((request.received for request in images), default=0.0)
        seconds = max((request.sent for request in images), default=0.0) - start
        used = sum(request.sent - request.received for request in images)
        return cls(
            requests=len(images),
            refused=sum(request.status in (429, 503) for request in images),
            repeated=len(answered) - len(set(answered)),
            robots=len(requests) - len(images),
            most_at_once=most_at_once(requests),
            most_in_a_second=most_in_a_second([request.received for request in requests]),
            under_way=used / seconds if seconds else 0.0,
            seconds=seconds,
        )

    @property
    def rate(self) -> float:
        """Requests a second, on average."""
        return self.requests / self.seconds if self.seconds else 0.0


def by_host(requests: Iterable[ServedRequest]) -> Mapping[int, list[ServedRequest]]:
    """The requests of each port."""
    hosts: defaultdict[int, list[ServedRequest]] = defaultdict(list)
    for request in requests:
        hosts[request.port].append(request)
    return hosts


def most_at_once(requests: Iterable[ServedRequest]) -> int:
    """The largest number of requests under way at any moment. One that ends when another starts does not count."""
    changes = [change for request in requests for change in ((request.received, 1), (request.sent, -1))]
    most = under_way = 0
    for _, change in sorted(changes):
        under_way += change
        most = max(most, under_way)
    return most


def most_in_a_second(times: Iterable[float], seconds: float = 1.0) -> int:
    """The largest number of requests received in any interval of this length, its end excluded."""
    recent: deque[float] = deque()
    most = 0
    for time in sorted(times):
        recent.append(time)
        while time - recent[0] >= seconds:
            recent.popleft()
        most = max(most, len(recent))
    return most
