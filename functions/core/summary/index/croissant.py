"""`croissant.json`: the description of the index as a data set, in MLCommons Croissant 1.1 with its vocabulary for
responsible AI (docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html, croissant-rai-spec.html).

It has what the run knows. `FOR_THE_AUTHOR` is what only the author of the data set knows.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping

from functions.core.model.options import Options
from functions.core.model.ports import IndexFiles
from functions.core.model.types import JsonValue, ResultLine, RunRecord
from functions.core.summary.index.columns import COLUMNS, Column, Kind, own_names

FILE = "croissant.json"
FOR_THE_AUTHOR = (
    "license",
    "creator",
    "url",
    "version",
    "citeAs",
    "rai:dataLimitations",
    "rai:dataBiases",
    "rai:personalSensitiveInformation",
    "rai:dataUseCases",
    "rai:dataSocialImpact",
)

_TERMS = (
    *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format"),
    *("includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
    *("repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
_CONTEXT: Mapping[str, JsonValue] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_TYPES = {
    Kind.INTEGER: "sc:Integer",
    Kind.FLAG: "sc:Boolean",
    Kind.TEXT: "sc:Text",
    Kind.TIME: "sc:DateTime",
    Kind.JSON: "sc:Text",
}
"""Croissant has no type for a map: the column `signals` is in the files and not in the description."""


class Croissant:
    """Counts the signals and the outcomes of the rows."""

    def __init__(self, record: RunRecord) -> None:
        self._record = record
        self._signals: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()

    def add(self, item: object, line: ResultLine) -> None:
        self._outcomes[line["outcome"]] += 1
        self._signals.update(list(line.get("signals") or {}))

    def write(self, files: IndexFiles) -> None:
        text = json.dumps(self._description(), indent=2, ensure_ascii=False) + "\n"
        files.write_text(FILE, [text], "application/ld+json")

    def _description(self) -> Mapping[str, JsonValue]:
        record = self._record
        return {
            "@context": _CONTEXT,
            "@type": "sc:Dataset",
            "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
            "name": record["run_id"],
            "description": (
                f"Images of the list {record['manifest_key']}, a line for each of its {self._outcomes.total():,} rows. "
                f"To be added by the author of the data set: {', '.join(FOR_THE_AUTHOR)}."
            ),
            "datePublished": record["ended_at"][:10],
            **self._collection(),
            "distribution": [
                {
                    "@type": "cr:FileSet",
                    "@id": "index",
                    "name": "index",
                    "encodingFormat": "application/x-parquet",
                    "includes": "index/*.parquet",
                }
            ],
            "recordSet": [
                {
                    "@type": "cr:RecordSet",
                    "@id": "rows",
                    "name": "rows",
                    "key": {"@id": "rows/row"},
                    "field": list(self._fields()),
                }
            ],
        }

    def _collection(self) -> Mapping[str, JsonValue]:
        """How and when the images were collected."""
        record = self._record
        options = Options.from_payload(record.get("options") or {})
        counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(self._outcomes.items()))
        signals = ", ".join(f"{name} ({count:,} rows)" for name, count in sorted(self._signals.items()))
        respected = ", ".join(sorted(options.respected_signals())) or "none"
        return {
            "rai:dataCollection": (
                f"Each URL of the list was requested over HTTP, and its image was stored as it was served. "
                f"robots.txt: {options.robots}. Signals of the owners that were respected: {respected}. "
                f"Signals that were recorded: {signals or 'none'}."
            ),
            "rai:dataCollectionType": ["Web Scraping"],
            "rai:dataCollectionTimeframe": [record["started_at"], record["ended_at"]],
            "rai:dataCollectionMissingData": f"Rows by outcome: {counts}. Failed rows have a reason and a message.",
            "rai:dataCollectionRawData": (
                f"s3://{record['bucket']}/{record['manifest_key']}, version {record.get('version_id', 'unknown')}"
            ),
        }

    def _fields(self) -> Iterator[JsonValue]:
        own = [
            Column(name, Kind.TEXT, "column of the list")
            for name in own_names(self._record.get("columns") or []).values()
        ]
        for column in (*COLUMNS, *own):
            if column.kind in _TYPES:
                yield {
                    "@type": "cr:Field",
                    "@id": f"rows/{column.name}",
                    "name": column.name,
                    "description": column.meaning,
                    "dataType": _TYPES[column.kind],
                    "source": {"fileSet": {"@id": "index"}, "extract": {"column": column.name}},
                }
