"""Reads the results of a run with the programs that people have: DuckDB, pandas, pyarrow and mlcroissant.

They are 500 MB, so they are no requirements of the project. LIST.csv is the manifest of the run, whose rows are joined
with those of the index:

    uv run --no-project --with duckdb --with pandas --with pyarrow --with mlcroissant \\
        python tests/second_opinions/read_results.py out/runs/ID [LIST.csv]
"""

import json
import sys
from collections import Counter
from pathlib import Path

import duckdb
import mlcroissant
import pandas
import pyarrow.dataset

OUTCOMES = ("stored", "unchanged", "skipped", "duplicate", "failed")


def main(folder: Path, manifest: Path | None) -> None:
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
    _check("pyarrow, index", dict(Counter(pyarrow.dataset.dataset(index).to_table()["outcome"].to_pylist())), expected)
    if manifest:
        _check_join(index, manifest, summary["rows"])

    data_set = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    records = list(data_set.records("rows"))
    _check("mlcroissant, records", len(records), summary["rows"])
    _check("mlcroissant, errors", list(data_set.metadata.issues.errors), [])


def _check_join(index: Path, manifest: Path, rows: int) -> None:
    """Each row of the user's list has exactly one line, by its number and with its URL."""
    own = (
        f"(SELECT row_number() OVER () AS number, * FROM read_csv('{manifest}', all_varchar = true, parallel = false))"
    )
    joined = duckdb.sql(
        f"SELECT count(*), count(DISTINCT number), count(*) FILTER (own.url = found.url) "
        f"FROM {own} AS own LEFT JOIN '{index}/*.parquet' AS found ON own.number = found.row"
    ).fetchall()
    _check("DuckDB, join with the list", joined, [(rows, rows, rows)])
    numbered = pandas.read_csv(manifest, dtype=str).reset_index(names="row")
    numbered["row"] += 1
    merged = numbered.merge(pandas.read_parquet(index), on="row", validate="one_to_one")
    _check("pandas, join with the list", (len(merged), int((merged["url_x"] == merged["url_y"]).sum())), (rows, rows))


def _check(name: str, found: object, expected: object) -> None:
    if found != expected:
        sys.exit(f"{name}: {found}, expected {expected}")
    sys.stdout.write(f"{name}: {found}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
