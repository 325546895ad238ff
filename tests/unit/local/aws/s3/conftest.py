from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.object_store import Running, running_store


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with running_store(tmp_path / "out") as running:
        yield running


@pytest.fixture
def s3(running: Running) -> Iterator[Any]:
    client = running.client()
    yield client
    client.close()
