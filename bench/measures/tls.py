"""The race once more over TLS, as it is in Lambda: what it adds to the CPU of an image, ours and the plain pool's.

`python -m bench.measures.tls [--hosts 8]`

Over kept connections it is the ciphers; where each image comes over a connection of its own, a handshake, too.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from bench.rig.origin import HOSTS, origin
from bench.rig.race import OURS, POOL, Contender, Figure, Run, Tls, race, raw, urls

IMAGES, ROUNDS, DISTINCT = 1000, 3, 500
WAYS: Mapping[str, tuple[bool, str]] = {
    "plain": (False, ""),
    "plain, a connection an image": (False, "once/"),
    "TLS": (True, ""),
    "TLS, a connection an image": (True, "once/"),
}
"""Whether over TLS, and the origin's folder."""


@dataclass(frozen=True)
class OverTls:
    """By contender and way."""

    runs: Mapping[tuple[str, str], Sequence[Run]]

    def cpu(self, contender: Contender, way: str) -> Figure:
        """Milliseconds an image."""
        return Figure.of([run.cpu_ms_per_image for run in self.runs[contender.name, way]])

    def raw(self) -> dict[str, Any]:
        return {f"{name}, {way}": raw(runs) for (name, way), runs in self.runs.items()}


def measure(hosts: int) -> OverTls:
    runs: dict[tuple[str, str], list[Run]] = {}
    with (
        vouched() as tls,
        origin(DISTINCT, hosts=hosts) as plain,
        origin(DISTINCT, hosts=hosts, certificate=tls.certificate) as secure,
    ):
        for _ in range(ROUNDS):
            for way, (encrypted, folder) in WAYS.items():
                sites = secure if encrypted else plain
                for contender in (OURS, POOL):
                    run = race(contender, sites, urls(sites, IMAGES, folder), tls=tls if encrypted else None)
                    runs.setdefault((contender.name, way), []).append(run)
    return OverTls(runs)


@contextmanager
def vouched() -> Iterator[Tls]:
    """For loopback, by an authority of our own."""
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        tls = Tls(Path(folder, "server.pem"), Path(folder, "authority.pem"))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tls.certificate))
        authority.cert_pem.write_to_path(str(tls.authority))
        yield tls


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=HOSTS)
    found = measure(parser.parse_args().hosts)
    for way in WAYS:
        print(f"{way:30} {OURS.name} {found.cpu(OURS, way)}, {POOL.name} {found.cpu(POOL, way)} ms of CPU an image")
