"""The busy hosts of a run: inline, or in its file."""

from typing import Any

import pytest

from functions.core.download.hosts.busy import BusyHosts
from functions.core.model.errors import StorageFault
from functions.core.model.types import BatchRun, HostLimit

LIMITS = {"a.example": [16, 0.0], "b.example:8080": [2, 0.5]}
EXPECTED = {"a.example": HostLimit(16), "b.example:8080": HostLimit(2, 0.5)}


def run(run_id: str, **fields: Any) -> BatchRun:
    return {"id": run_id, "options": {}, **fields}  # type: ignore[typeddict-item]


def unread(name: str) -> Any:
    raise AssertionError(name)


@pytest.mark.parametrize("fields", [{}, {"busy_hosts": {}}, {"busy_hosts_file": False}])
def test_a_run_without_busy_hosts_reads_nothing(fields: dict[str, Any]) -> None:
    assert BusyHosts().of(run("r1", **fields), unread) == {}


def test_a_few_are_in_the_input_of_the_batch() -> None:
    assert BusyHosts().of(run("r1", busy_hosts=LIMITS), unread) == EXPECTED


def test_the_file_of_a_run_is_read_once() -> None:
    hosts, reads = BusyHosts(), []

    def read(name: str) -> Any:
        reads.append(name)
        return LIMITS

    for run_id in ("r1", "r1", "r2", "r1"):
        assert hosts.of(run(run_id, busy_hosts_file=True), read) == EXPECTED
    assert reads == ["hosts.json"] * 3


@pytest.mark.parametrize(
    "content", [StorageFault("down"), ValueError("no JSON"), [1], {"a": 1}, {"a": [1]}, {"a": ["x", 1]}]
)
def test_a_file_that_cannot_be_read_is_read_again_later(content: Any, caplog: pytest.LogCaptureFixture) -> None:
    hosts = BusyHosts()

    def broken(name: str) -> Any:
        if isinstance(content, Exception):
            raise content
        return content

    assert hosts.of(run("r1", busy_hosts_file=True), broken) == {}
    assert "runs/r1/hosts.json cannot be read" in caplog.text
    assert hosts.of(run("r1", busy_hosts_file=True), lambda name: LIMITS) == EXPECTED  # type: ignore[arg-type,return-value]
