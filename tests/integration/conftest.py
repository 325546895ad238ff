"""One embedded AWS for all tests of the pipeline, deployed from the template that CDK synthesized.

It ends with this package, for a process can hold but one, and the unit tests have clouds of their own.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws.cloud import Cloud
from tests.support.site import Site

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def assembly() -> Path:
    """`make test` has synthesized it; pytest on its own does it here."""
    folder = ROOT / "cdk.out"
    if not (folder / "ImageMirror.template.json").exists():
        subprocess.run([sys.executable, "-m", "cdk.app"], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="package")
def cloud(assembly: Path) -> Iterator[Cloud]:
    with Cloud(assembly=assembly, parameters={"AllowedNetworks": "127.0.0.0/8"}) as cloud:
        yield cloud


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site
