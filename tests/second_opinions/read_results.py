"""Reads the results of a run with the programs that people have: DuckDB, pandas and mlcroissant.

They are 500 MB, so they are no requirements of the project:

    uv run --no-project --with duckdb --with pandas --with pyarrow --with mlcroissant \\
        python tests/second_opinions/read_results.py out/runs/ID
"""

import json
import sys
from pathlib import Path

import duckdb
import mlcroissant
import pandas

OUTCOMES = ("stored", "unchanged", "skipped", "duplicate", "failed")


def main(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    expected = {name: summary[name] for name in OUTCOMES if summary[name]}
    index, results = folder / "index", folder / "results.csv"

    queries = {
        "DuckDB, index": f"FROM '{index}/*.parquet'",
        "DuckDB, results.csv": f"FROM read_csv('{results}', all_varchar = true)",
    }
    for name, source in queries.items():
        found = dict(duckdb.sql(f"SELECT outcome, count(*) {source} GROUP BY outcome").fetchall())
        _check(name, found, expected)
    rows = duckdb.sql(f"SELECT count(DISTINCT row), min(row), max(row) FROM '{index}/*.parquet'").fetchall()
    _check("DuckDB, numbers of rows", rows, [(summary["rows"], 1, summary["rows"])])
    _check("pandas, index", pandas.read_parquet(index)["outcome"].value_counts().to_dict(), expected)

    data_set = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    records = list(data_set.records("rows"))
    _check("mlcroissant, records", len(records), summary["rows"])
    _check("mlcroissant, errors", list(data_set.metadata.issues.errors), [])


def _check(name: str, found: object, expected: object) -> None:
    if found != expected:
        sys.exit(f"{name}: {found}, expected {expected}")
    sys.stdout.write(f"{name}: {found}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
