"""The race over TLS, as in Lambda: how much CPU time TLS adds to an image, for download_batch and for the pool.

`python -m bench.measures.tls [--hosts 8]`

Over kept connections TLS adds encryption; with a new connection for each image, a handshake as well.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from bench.rig.origin import HOSTS, origin
from bench.rig.race import OURS, POOL, Contender, Run, TlsFiles, image_urls, race
from bench.rig.results import Statistic

IMAGES, ROUNDS, DISTINCT = 1000, 3, 500
VARIANTS: Mapping[str, tuple[bool, str]] = {
    "plain": (False, ""),
    "plain, one connection per image": (False, "once/"),
    "TLS": (True, ""),
    "TLS, one connection per image": (True, "once/"),
}
"""Whether TLS is used, and the folder of the origin."""


@dataclass(frozen=True)
class TlsRuns:
    """The runs by contender and variant."""

    runs: Mapping[tuple[str, str], Sequence[Run]]

    def cpu(self, contender: Contender, variant: str) -> Statistic:
        """CPU milliseconds per image."""
        return Statistic.of([run.cpu_ms_per_image for run in self.runs[contender.name, variant]])


def measure(hosts: int) -> TlsRuns:
    runs: dict[tuple[str, str], list[Run]] = {}
    with (
        tls_files() as tls,
        origin(DISTINCT, hosts=hosts) as plain,
        origin(DISTINCT, hosts=hosts, certificate=tls.certificate) as secure,
    ):
        for _ in range(ROUNDS):
            for variant, (encrypted, folder) in VARIANTS.items():
                sites = secure if encrypted else plain
                for contender in (OURS, POOL):
                    run = race(contender, sites, image_urls(sites, IMAGES, folder), tls=tls if encrypted else None)
                    runs.setdefault((contender.name, variant), []).append(run)
    return TlsRuns(runs)


@contextmanager
def tls_files() -> Iterator[TlsFiles]:
    """Create a certificate for 127.0.0.1, issued by a new authority."""
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        tls = TlsFiles(Path(folder, "server.pem"), Path(folder, "authority.pem"))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tls.certificate))
        authority.cert_pem.write_to_path(str(tls.authority))
        yield tls


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=HOSTS)
    tls_runs = measure(parser.parse_args().hosts)
    for variant in VARIANTS:
        ours, pool = tls_runs.cpu(OURS, variant), tls_runs.cpu(POOL, variant)
        print(f"{variant:33} {OURS.name} {ours}, {POOL.name} {pool} ms of CPU per image")
