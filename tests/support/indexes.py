"""Reads the index of a run."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.pipeline import TIMEOUT_SECONDS, FinishedRun


def index_arn(run: FinishedRun, name: str = "") -> str:
    machine = run.cloud.outputs["IndexMachineArn"].replace(":stateMachine:", ":execution:")
    return f"{machine}:{name or run.run_id}"


def wait_for_index(run: FinishedRun, name: str = "") -> Any:
    """The execution that made the index, by default the one that the run has started."""
    return run.cloud.engine.wait_for(index_arn(run, name), TIMEOUT_SECONDS)


def index_again(run: FinishedRun, name: str) -> Any:
    run.cloud.engine.start_execution(run.cloud.outputs["IndexMachineArn"], {"run_id": run.run_id}, name)
    return wait_for_index(run, name)


def table(run: FinishedRun) -> pa.Table:
    """All files of the index as one table."""
    files = [io.BytesIO(run.file(name)) for name in run.names("index/")]
    tables = [pq.ParquetFile(file).read() for file in files]
    assert len({each.schema for each in tables}) == 1
    return pa.concat_tables(tables).sort_by("row")


def rows(run: FinishedRun) -> list[dict[str, Any]]:
    return [
        {**row, "columns": row["columns"] and json.loads(row["columns"]), "signals": dict(row["signals"] or [])}
        for row in table(run).to_pylist()
    ]
