"""One local AWS for all tests of the pipeline, deployed from the synthesized template.

It is closed at the end of this package: a process can have only one, and the unit tests create their own.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws.cloud import Cloud
from local.limits import Limits
from tests.support.assembly import folder
from tests.support.browser import Browser, browser
from tests.support.debian import NotInstalledError
from tests.support.site import Site

ROOT = Path(__file__).parents[2]

PASS_SECONDS = 0.5
"""Minimum wait before a pass: the waits are rounded up to whole seconds."""


@pytest.fixture(scope="session")
def assembly() -> Path:
    """The cloud assembly. `make test` synthesizes it; pytest alone does so here."""
    if not (folder() / "ImageMirror.template.json").exists():
        subprocess.run([sys.executable, "-m", "cdk.app"], cwd=ROOT, check=True)
    return folder()


@pytest.fixture(scope="package")
def cloud(assembly: Path) -> Iterator[Cloud]:
    with Cloud(assembly=assembly, allow="127.0.0.0/8", limits=Limits(pass_seconds=PASS_SECONDS)) as cloud:
        yield cloud


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Skips the test where Chromium is not installed and cannot be installed."""
    try:
        with browser() as opened:
            yield opened
    except NotInstalledError as error:
        pytest.skip(f"Not tested in a browser: {error}")
