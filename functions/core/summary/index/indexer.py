"""Index a run that has ended: its results as a table, and the documents that follow from them.

Three steps, each of which can be repeated: `plan` divides the rows into groups, `write_group` writes the rows of a
group that have an outcome, `publish` reads the manifest and all outcomes, and writes the other rows and the documents.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Protocol

from functions.core.manifests.formats import PARQUET
from functions.core.model.errors import BooksFault, ManifestGoneError
from functions.core.model.options import Options
from functions.core.model.outcomes import OutcomeKind
from functions.core.model.ports import IndexFiles, Manifests, RunRecords
from functions.core.model.rows import RowRules
from functions.core.model.runs import NULL_VERSION, ManifestObject
from functions.core.model.types import ResultLine, RunRecord
from functions.core.summary.execution import missing_outcome_of
from functions.core.summary.index import parquet
from functions.core.summary.index.athena import athena_sql
from functions.core.summary.index.croissant import Croissant
from functions.core.summary.index.domains import Domains
from functions.core.summary.index.groups import GROUPS_FILE, Group, groups_of, read_group
from functions.core.summary.index.lock import LockManifest
from functions.core.summary.index.results_csv import ResultsCsv
from functions.core.summary.manifest_items import ManifestItems, read_manifest_items
from functions.core.summary.passes import RunLines
from functions.core.summary.reconciliation import pair_with_items
from functions.core.summary.run_summary import TOO_MANY_FAILURES

PARQUET_TYPE = "application/vnd.apache.parquet"
WITHOUT_OUTCOME = "index/part-without-outcome.parquet"
"""The rows that no batch has recorded. The first file of a run without any part."""


class RunNotEndedError(Exception):
    """The run is not known, or has no summary yet."""


class Document(Protocol):
    """What is derived from all rows of a run."""

    def add(self, item: object, line: ResultLine) -> None:
        """Adds a row: its item in the manifest, and its outcome."""

    def write(self, files: IndexFiles) -> None:
        """Raises StorageFault."""


class Indexer:
    """IndexRun's logic, for one run. `with_parquet` is false where pyarrow is not installed: then only the documents
    are written."""

    def __init__(
        self,
        *,
        manifests: Manifests,
        files: IndexFiles,
        records: RunRecords,
        run_id: str,
        with_parquet: bool = True,
    ) -> None:
        self._manifests = manifests
        self._files = files
        self._records = records
        self._run_id = run_id
        self._with_parquet = with_parquet

    def plan(self) -> list[int]:
        """The numbers of the groups to write. Files of an earlier index are deleted. Raises RunNotEndedError."""
        self._record()
        groups = groups_of(self._files.part_names("results")) if self._with_parquet else []
        self._files.write(GROUPS_FILE, (group.as_json() for group in groups))
        self._files.keep_only("index", {group.file for group in groups})
        return list(range(len(groups)))

    def write_group(self, number: int) -> int:
        """The number of rows in the file. Raises StorageFault."""
        group = Group.from_json(self._files.read_lines(GROUPS_FILE)[number])
        with parquet.IndexFile(self._record().get("columns") or []) as file:
            for line in read_group(self._files, group):
                file.add(line)
            self._files.upload(group.file, file.finish(), PARQUET_TYPE)
            return file.rows

    def publish(self, indexed: int | None) -> int:
        """The number of rows of the run. `indexed` is the sum of `write_group`, None if that has failed.

        Raises BooksFault if the rows are not those of the summary.
        """
        record = self._record()
        outcomes: Counter[str] = Counter()
        with ExitStack() as stack:
            items, documents = self._items_and_documents(record, stack)
            missing = (
                stack.enter_context(parquet.IndexFile(record.get("columns") or [])) if self._with_parquet else None
            )
            rules = RowRules.of(Options.from_payload(record.get("options") or {}))
            stopped = record.get("error") not in (None, TOO_MANY_FAILURES)
            recorded = _Recorded(stack.enter_context(RunLines(self._files, rules, stopped=stopped)))
            for item, line in pair_with_items(recorded, items.items, rules, missing_outcome_of(record)):
                outcomes[line["outcome"]] += 1
                if missing and (line is not recorded.last or line.get("lost")):
                    missing.add(line)
                for document in documents:
                    document.add(item, line)
            _check(record, outcomes, None if missing is None or indexed is None else indexed + missing.rows)
            if missing and (missing.rows or not indexed):
                self._files.upload(WITHOUT_OUTCOME, missing.finish(), PARQUET_TYPE)
            for document in documents:
                document.write(self._files)
        self._files.write_text("athena.sql", [athena_sql(record, self._run_id)], "text/plain; charset=utf-8")
        return outcomes.total()

    def _record(self) -> RunRecord:
        record = self._records.get(self._run_id)
        if record is None or "ended_at" not in record:
            raise RunNotEndedError(f"There is no run {self._run_id} that has ended.")
        return record

    def _items_and_documents(self, record: RunRecord, stack: ExitStack) -> tuple[ManifestItems, Sequence[Document]]:
        manifest = _manifest_of(record)
        items = read_manifest_items(self._manifests, self._files, manifest, record)
        results = stack.enter_context(ResultsCsv(record.get("columns") or []))
        if (record.get("options") or {}).get("probe"):  # it has stored nothing that a document could be about
            return items, [results]
        documents: list[Document] = [results, Domains(), Croissant(record)]
        schema = None
        is_parquet = record.get("format") == PARQUET
        if is_parquet and self._with_parquet:
            try:
                chunks = self._manifests.read(
                    manifest.bucket, manifest.key, manifest.etag, version_id=manifest.version_id
                )
                rows = stack.enter_context(parquet.ManifestRows(chunks))
                items, schema = replace(items, items=rows), rows.schema
            except ManifestGoneError:
                items = replace(items, readable=False)
        if items.readable and (schema is not None or not is_parquet):
            documents.append(stack.enter_context(LockManifest(record, schema)))
        return items, documents


class _Recorded:
    """Result lines, and the last one that was read. Those of rows that wait for a pass are `lost`: no part has them."""

    def __init__(self, lines: Iterable[ResultLine]) -> None:
        self._lines = lines
        self.last: ResultLine | None = None

    def __iter__(self) -> Iterator[ResultLine]:
        for line in self._lines:
            self.last = line
            yield line


def _manifest_of(record: RunRecord) -> ManifestObject:
    return ManifestObject(
        record["bucket"],
        record["manifest_key"],
        record["etag"],
        record["size"],
        version_id=record.get("version_id", NULL_VERSION),
    )


def _check(record: RunRecord, outcomes: Counter[str], indexed: int | None) -> None:
    """Raises BooksFault unless the summary has the same rows, and the index, if it was written, all of them."""
    expected = Counter({kind.value: int(record.get(kind.value, 0)) for kind in OutcomeKind})  # type: ignore[call-overload]
    if +outcomes != +expected:
        raise BooksFault(f"The summary has {json.dumps(+expected)}, but the results are {json.dumps(+outcomes)}.")
    if indexed is not None and indexed != outcomes.total():
        raise BooksFault(f"The run has {outcomes.total()} rows, but the index has {indexed}.")
