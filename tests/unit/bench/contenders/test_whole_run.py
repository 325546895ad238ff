"""The contender that runs all three handlers."""

import types

import pytest

from bench.contenders.whole_run import InMemoryRunsTable, replace_runs_table
from functions import prepare_run, summarize_run
from functions.adapters.dynamodb_runs_table import DynamoRunsTable

NAME = DynamoRunsTable.__name__


@pytest.mark.parametrize("module", [prepare_run, summarize_run])
def test_a_handler_uses_the_table_in_memory(monkeypatch: pytest.MonkeyPatch, module: types.ModuleType) -> None:
    monkeypatch.setattr(module, NAME, DynamoRunsTable)  # restored after the test
    table = InMemoryRunsTable()

    replace_runs_table(module, table)

    assert getattr(module, NAME)("client", "runs") is table


def test_a_module_without_a_runs_table_is_an_error() -> None:
    with pytest.raises(AttributeError, match=f"other does not import {NAME}"):
        replace_runs_table(types.ModuleType("other"), InMemoryRunsTable())


def test_the_table_in_memory_keeps_the_record_of_the_run() -> None:
    table = InMemoryRunsTable()

    assert table.claim({"run_id": "r", "rows": 2}) is True
    table.update("r", {"rows": 3, "status": "succeeded"})

    assert table.get("r") == {"run_id": "r", "rows": 3, "status": "succeeded"}
