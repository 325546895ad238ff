"""A local AWS of its own, which the tests compare as a whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws.cloud import Cloud
from tests.integration.conftest import assembly, chromium

__all__ = ["assembly", "chromium"]


@pytest.fixture(scope="module")
def cloud(assembly: Path) -> Iterator[Cloud]:
    with Cloud(assembly=assembly, allow="127.0.0.0/8") as cloud:
        yield cloud
