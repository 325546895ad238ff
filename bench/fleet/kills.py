"""Kills environments that hold places at hosts: the limits hold, and the places are free within the lease time."""

import json
import math
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.fleet import short_timeout
from bench.fleet.counted_hosts import counted_hosts
from bench.fleet.counts import HostCounts, by_host
from bench.fleet.crowd import ENVIRONMENTS, Crowd, all_counts, fleet, start_crowd
from bench.rig.servers import listed_requests
from functions.core.model.types.hosts import PLACE_ATTRIBUTE
from local.aws.cloud import Cloud
from local.lambdas.function import WORKER_IMPORTS

KILLS = 20
HOSTS = 3
LATENCY_MS = 500.0
PLACES = 16

LEASE_SECONDS = short_timeout.TIMEOUT_SECONDS + 15.0
"""A place is free again after this time at the latest."""

OPTIONS: Mapping[str, str] = {"timeout": "5"}
LOOK_SECONDS = 0.2
"""Time between two looks at the servers and at the hosts table."""

DOWNLOAD_BATCH = "Download"
"""In the name of the function, whose environments are killed."""

Places = Mapping[tuple[str, str], float]
"""The time until which each place is leased, in seconds since the epoch, by host and name of the place."""


@dataclass(slots=True)
class Killed:
    """`kills` is the number of kills, `longest_lease` the most seconds that a place was seen to be leased for,
    `most_held` the most places leased at once.

    `suspects` are the leases of the moment of a kill, with its time: a lease of a killed environment is not given back.
    """

    kills: int = 0
    longest_lease: float = 0.0
    most_held: int = 0
    suspects: dict[tuple[str, str, float], float] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    hosts: Sequence[HostCounts] = ()

    def look(self, places: Places) -> None:
        """Leases that were given back before their end are not those of killed environments."""
        now = time.time()
        held = {(*place, until) for place, until in places.items() if until > now}
        self.most_held = max(self.most_held, len(held))
        self.longest_lease = max([self.longest_lease, *(until - now for *_, until in held)])
        for lease in [lease for lease in self.suspects if lease[2] > now and lease not in held]:
            del self.suspects[lease]

    def killed(self, places: Places) -> None:
        now = time.time()
        self.kills += 1
        for place, until in places.items():
            if until > now:
                self.suspects.setdefault((*place, until), now)

    @property
    def lost(self) -> int:
        """Number of places whose environment was killed."""
        return len(self.suspects)

    @property
    def places_back_after(self) -> float:
        """The most seconds from a kill until a place of the killed environment was free."""
        return max((until - killed_at for (_, _, until), killed_at in self.suspects.items()), default=0.0)


@contextmanager
def short_leases(assembly: Path = Path("cdk.out")) -> Iterator[Path]:
    """An assembly whose DownloadBatch has the timeout of these runs, and its functions the leases; all other files are
    those of `assembly`."""
    before = os.environ.get(WORKER_IMPORTS)
    os.environ[WORKER_IMPORTS] = short_timeout.__name__
    try:
        with tempfile.TemporaryDirectory() as folder:
            for path in assembly.absolute().iterdir():
                Path(folder, path.name).symlink_to(path)
            (template,) = Path(folder).glob("*.template.json")
            content = json.loads(template.read_text())
            for resource in content["Resources"].values():
                if "download_batch" in str(resource["Properties"].get("Handler", "")):
                    resource["Properties"]["Timeout"] = short_timeout.TIMEOUT_SECONDS
            template.unlink()
            template.write_text(json.dumps(content))
            yield Path(folder)
    finally:
        os.environ.pop(WORKER_IMPORTS)
        os.environ.update({WORKER_IMPORTS: before} if before else {})


def leased_places(cloud: Cloud) -> Places:
    """What the hosts table says of places, those that are free again included."""
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=cloud.outputs["HostsTable"])
    items = (item for page in pages for item in page["Items"])
    return {
        (item["host"]["S"], name): float(value["N"])
        for item in items
        for name, value in item.items()
        if PLACE_ATTRIBUTE.fullmatch(name)
    }


def kill_holder(address: str) -> bool:
    """Kill -9 an environment that has a request under way at the hosts. True if there was one."""
    ports = {request.client_port for request in listed_requests(address) if math.isinf(request.sent)}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            is_download = DOWNLOAD_BATCH in process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "")
            if is_download and any(each.laddr.port in ports for each in process.net_connections("tcp") if each.laddr):
                process.kill()
                return True
    return False


def measure(cloud: Cloud, crowd: Crowd, kills: int = KILLS) -> Killed:
    """Mirror the lists, and kill an environment at each look until there were enough kills or all runs have ended."""
    killed = Killed()
    with counted_hosts(HOSTS, LATENCY_MS) as sites:
        arns = start_crowd(cloud, crowd, sites, OPTIONS)
        while _is_running(cloud, arns):
            killed.look(leased_places(cloud))
            if killed.kills < kills and kill_holder(sites[0]):
                killed.killed(leased_places(cloud))
            time.sleep(LOOK_SECONDS)
        killed.outcomes = all_counts(cloud, arns)
        killed.look(leased_places(cloud))
        killed.hosts = [HostCounts.of(requests) for requests in by_host(listed_requests(sites[0])).values()]
    return killed


def _is_running(cloud: Cloud, arns: Sequence[str]) -> bool:
    states = cloud.client("stepfunctions")
    return any(states.describe_execution(executionArn=arn)["status"] == "RUNNING" for arn in arns)


def print_kills(environments: int = ENVIRONMENTS) -> None:
    with short_leases() as assembly, fleet(environments, assembly) as cloud:
        killed = measure(cloud, Crowd(rows=200))
    most = max(counts.most_at_once for counts in killed.hosts)
    print(
        f"{killed.kills} environments killed: limit {'held' if most <= PLACES else 'NOT HELD'}, at most {most} "
        f"requests at once at a host; at most {killed.most_held} places held, the longest lease "
        f"{killed.longest_lease:.1f} s of {LEASE_SECONDS:.0f}; {killed.lost} places not given back, free at the latest "
        f"{killed.places_back_after:.1f} s after the kill; rows {dict(killed.outcomes)}",
        flush=True,
    )
