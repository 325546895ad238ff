from __future__ import annotations

import queue
from collections.abc import Callable, Iterator

import pytest

from local.lambdas.function import FunctionConfig, Target
from local.lambdas.host import FunctionHost

HANDLERS = "tests.unit.local.handlers"


class Lines:
    """A log sink that keeps what it was told."""

    def __init__(self) -> None:
        self.told: queue.SimpleQueue[tuple[str, str, list[str]]] = queue.SimpleQueue()
        self.lines: list[str] = []

    def __call__(self, group: str, stream: str, lines: list[str]) -> None:
        self.told.put((group, stream, lines))

    def until(self, text: str) -> list[str]:
        """All lines up to the one that holds the text."""
        while not any(text in line for line in self.lines):
            self.lines += self.told.get(timeout=5)[2]
        return self.lines


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def host(lines: Lines) -> Iterator[FunctionHost]:
    host = FunctionHost(Target("us-east-1", "123456789012", "http://127.0.0.1:1"), lines, environments=2)
    yield host
    host.close()


@pytest.fixture
def function(host: FunctionHost) -> Callable[..., str]:
    def register(
        handler: str, *, timeout: float = 20, memory: int = 256, variables: dict[str, str] | None = None
    ) -> str:
        host.register(FunctionConfig(handler, f"{HANDLERS}.{handler}", timeout, memory, variables or {}))
        return handler

    return register
