from collections.abc import Iterator

import pytest

from tests.unit.local.states.harness import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.engine.close()
