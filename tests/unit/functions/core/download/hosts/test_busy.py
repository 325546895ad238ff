"""The busy hosts of a run: inline, or in its file."""

from typing import Any

import pytest

from functions.core.download.hosts.busy import BusyHosts, RunLimits
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
    assert BusyHosts().of(run("r1", **fields), HostLimit(16), unread) == RunLimits()


def test_a_few_are_in_the_input_of_the_batch() -> None:
    assert BusyHosts().of(run("r1", busy_hosts=LIMITS), HostLimit(16), unread) == RunLimits(EXPECTED)


def test_the_file_of_a_run_is_read_once() -> None:
    hosts, reads = BusyHosts(), []

    def read(name: str) -> Any:
        reads.append(name)
        return LIMITS

    for run_id in ("r1", "r1", "r2", "r1"):
        assert hosts.of(run(run_id, busy_hosts_file=True), HostLimit(16), read) == RunLimits(EXPECTED)
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

    assert hosts.of(run("r1", busy_hosts_file=True), HostLimit(16), broken) == RunLimits()
    assert "runs/r1/hosts.json cannot be read" in caplog.text
    assert hosts.of(run("r1", busy_hosts_file=True), HostLimit(16), limits) == RunLimits(EXPECTED)


def limits(name: str) -> Any:
    return LIMITS


def test_a_batch_counts_its_rows_where_nobody_has_read_the_manifest() -> None:
    by_suffix = {"example.org": [2, 0.0], "slow.example": [0, 3.0], "mine.example": [0, 0.0]}
    found = BusyHosts().of(run("r1", busy_hosts=by_suffix, busy_hosts_unknown=True), HostLimit(16), unread)
    rows = {
        "a.example": 16,
        "b.example": 17,
        "www.example.org:8080": 3,
        "example.org": 2,
        "slow.example": 7,
        "x.slow.example": 6,
        "mine.example": 500,
    }

    assert found.of_batch(rows) == {
        "b.example": HostLimit(16),
        "www.example.org:8080": HostLimit(2),
        "slow.example": HostLimit(0, 3.0),
    }


def test_without_a_limit_no_host_is_busy_in_such_a_run() -> None:
    assert BusyHosts().of(run("r1", busy_hosts_unknown=True), HostLimit(0), unread).of_batch({"a": 500}) == {}
