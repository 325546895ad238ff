"""`athena.sql`: the statement that makes the index a table of Amazon Athena."""

from functions.core.model.types import RunRecord
from functions.core.summary.index.columns import COLUMNS, Kind, is_plain, own_names

_TYPES = {
    Kind.INTEGER: "bigint",
    Kind.FLAG: "boolean",
    Kind.TEXT: "string",
    Kind.TIME: "timestamp",
    Kind.LISTS: "map<string, array<string>>",
    Kind.JSON: "string",
}


def athena_sql(record: RunRecord, run_id: str) -> str:
    """Own columns whose names Athena does not allow are in `columns` only: json_extract_scalar reads them there."""
    own = [name for name in own_names(record.get("columns") or []).values() if is_plain(name)]
    columns = [*((column.name, _TYPES[column.kind]) for column in COLUMNS), *((name, "string") for name in own)]
    table = "run_" + "".join(character if is_plain(character) or character.isdigit() else "_" for character in run_id)
    lines = ",\n".join(f"  `{name.lower()}` {kind}" for name, kind in columns)
    location = f"s3://{record['bucket']}/runs/{run_id}/index/"
    return f"CREATE EXTERNAL TABLE `{table}` (\n{lines}\n)\nSTORED AS PARQUET\nLOCATION '{location}';\n"
