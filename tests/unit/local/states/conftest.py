from collections.abc import Iterator

import pytest

from tests.unit.local.states.harness import Harness


@pytest.fixture
def harness() -> Iterator[Harness]:
    harness = Harness()
    yield harness
    harness.engine.close()
