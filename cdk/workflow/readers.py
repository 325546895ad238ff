"""The item readers: how Step Functions reads each manifest format. Each is a Map state of its own.

A state per reader is needed because the ItemReader's type cannot be chosen at run time. `name` is the `reader` that
PrepareRun returns. Gzip needs no reader of its own: Step Functions recognizes it by the name of the object.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.core.manifests.csv_rows import HEADERLESS_COLUMNS, URL_LINES, URL_LIST

INDEX = "$$.Map.Item.Index"

MANIFEST = {"Bucket.$": "$.manifest.bucket", "Key.$": "$.manifest.key"}
"""The current object. Step Functions reads no version of Parquet
(docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html)."""

MANIFEST_VERSION = {**MANIFEST, "VersionId.$": "$.manifest.version_id"}


@dataclass(frozen=True)
class Reader:
    """`config` is the ReaderConfig of the ItemReader, whose `action` reads what `parameters` name.

    `row` is the expression for the row number of an item; empty if the items have one. `batch_input` is what each batch
    gets beside its run.
    """

    name: str
    config: Mapping[str, object]
    row: str = INDEX
    action: str = "s3:getObject"
    parameters: Mapping[str, str] = field(default_factory=lambda: MANIFEST_VERSION)
    batch_input: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.name.upper().replace("-", " ")


def _csv(delimiter: str, *, headers: tuple[str, ...] = ()) -> dict[str, object]:
    location = (
        {"CSVHeaderLocation": "GIVEN", "CSVHeaders": list(headers)} if headers else {"CSVHeaderLocation": "FIRST_ROW"}
    )
    return {"InputType": "CSV", "CSVDelimiter": delimiter, **location}


READERS = (
    Reader("csv", _csv("COMMA")),
    Reader("csv-semicolon", _csv("SEMICOLON")),
    Reader("csv-pipe", _csv("PIPE")),
    Reader("tsv", _csv("TAB")),
    Reader("csv-bare", _csv("COMMA", headers=HEADERLESS_COLUMNS)),  # CSV without a header row
    Reader("csv-semicolon-bare", _csv("SEMICOLON", headers=HEADERLESS_COLUMNS)),
    Reader("csv-pipe-bare", _csv("PIPE", headers=HEADERLESS_COLUMNS)),
    Reader("tsv-bare", _csv("TAB", headers=HEADERLESS_COLUMNS)),
    # The first line, TsvHttpData-1.0, is read as an item; its row number -1 marks it as not a row.
    Reader("tsv-list", _csv("TAB", headers=URL_LIST.column_names), row=f"States.MathAdd({INDEX}, -1)"),
    Reader("txt", _csv("TAB", headers=URL_LINES.column_names)),
    Reader("json", {"InputType": "JSON"}),
    Reader("jsonl", {"InputType": "JSONL"}),
    Reader("parquet", {"InputType": "PARQUET"}, parameters=MANIFEST),
)

PASS_READER = Reader(
    "pass",
    {"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN"},
    row="",
    action="s3:listObjectsV2",
    parameters={"Bucket.$": "$.manifest.bucket", "Prefix.$": "$.planned_pass.prefix"},
    batch_input={"pass_number.$": "$.planned_pass.number"},
)
"""Reads the lines of all files of a pass. Step Functions says nothing about their order."""
