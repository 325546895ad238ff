from __future__ import annotations

import queue
from collections.abc import Callable, Iterator

import pytest

from local.aws_settings import without_aws_settings
from local.lambdas.function import FunctionConfig, Target
from local.lambdas.host import FunctionHost

HANDLERS = "tests.unit.local.handlers"


@pytest.fixture(scope="session", autouse=True)
def _no_aws_settings() -> Iterator[None]:
    """moto runs in this process without a Cloud in many of these tests."""
    with without_aws_settings():
        yield


class Lines:
    """A log sink that keeps its lines."""

    def __init__(self) -> None:
        self.batches: queue.SimpleQueue[tuple[str, str, list[str]]] = queue.SimpleQueue()
        self.lines: list[str] = []

    def __call__(self, group: str, stream: str, lines: list[str]) -> None:
        self.batches.put((group, stream, lines))

    def until(self, text: str) -> list[str]:
        """All lines up to the one that contains the text."""
        while not any(text in line for line in self.lines):
            self.lines += self.batches.get(timeout=5)[2]
        return self.lines


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def host(lines: Lines) -> Iterator[FunctionHost]:
    host = FunctionHost(Target("us-east-1", "123456789012", "http://127.0.0.1:1"), lines, max_sandboxes=2)
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
