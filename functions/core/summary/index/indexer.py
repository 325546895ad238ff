"""Index a run that has ended: its results as a table, and the documents that follow from them.

Three steps, each of which can be repeated: `plan` divides the rows into groups, `write_group` writes the rows of a
group that have an outcome, `publish` reads the manifest and all outcomes, and writes the other rows and the documents.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from functions.core.manifests.formats import PARQUET
from functions.core.model.errors import ManifestGoneError
from functions.core.model.ports import IndexFiles, Manifests, RunRecords
from functions.core.model.runs import NULL_VERSION, ManifestObject
from functions.core.model.types import RunRecord
from functions.core.summary.fold.groups import GROUPS_FILE, Group, groups_of, read_group
from functions.core.summary.index import parquet
from functions.core.summary.index.athena import athena_sql
from functions.core.summary.index.croissant import Croissant
from functions.core.summary.index.domains import Domains
from functions.core.summary.index.grouped_documents import DOCUMENT_ROWS, GroupedDocuments, check_index
from functions.core.summary.index.lock import LockManifest
from functions.core.summary.index.results_csv import ResultsCsv
from functions.core.summary.index.rows import PARQUET_TYPE, Document, IndexedRows
from functions.core.summary.manifest_items import ManifestItems, read_manifest_items

WITHOUT_OUTCOME = "index/part-without-outcome.parquet"
"""The rows that no batch has recorded. The first file of a run without any part."""


class RunNotEndedError(Exception):
    """The run is not known, or has no summary yet."""


class Indexer:
    """IndexRun's logic, for one run. `with_parquet` is false where pyarrow is not installed: then only the documents
    are written. Documents of a run with more than `document_rows` rows are made in groups."""

    def __init__(
        self,
        *,
        manifests: Manifests,
        files: IndexFiles,
        records: RunRecords,
        run_id: str,
        with_parquet: bool = True,
        document_rows: int = DOCUMENT_ROWS,
    ) -> None:
        self._manifests = manifests
        self._files = files
        self._records = records
        self._run_id = run_id
        self._with_parquet = with_parquet
        self._document_rows = document_rows

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

    def plan_documents(self) -> list[int]:
        """The numbers of the groups of rows from which the documents of a long run are made; none for other runs, and
        for Parquet, whose rows are not written as JSON. Raises StorageFault."""
        record = self._record()
        if int(record.get("rows", 0)) <= self._document_rows or record.get("format") == PARQUET:
            return []
        items = read_manifest_items(self._manifests, self._files, _manifest_of(record), record)
        return self._grouped().plan(items, self._document_rows)

    def write_documents(self, number: int) -> None:
        """Writes what the documents need of a group. Raises BooksFault, StorageFault."""
        self._grouped().write(number)

    def publish(self, indexed: int | None, documents: Sequence[int] = ()) -> int:
        """The number of rows of the run. `indexed` is the sum of `write_group`, None if that has failed; `documents`
        are the groups of `plan_documents`.

        Raises BooksFault if the rows are not those of the summary.
        """
        record = self._record()
        rows = self._grouped().join(indexed) if documents else self._publish_all(record, indexed)
        self._files.write_text("athena.sql", [athena_sql(record, self._run_id)], "text/plain; charset=utf-8")
        return rows

    def _publish_all(self, record: RunRecord, indexed: int | None) -> int:
        with ExitStack() as stack:
            items, documents = self._items_and_documents(record, stack)
            rows = stack.enter_context(IndexedRows(record, documents, with_parquet=self._with_parquet))
            rows.add_all(self._files, items.items)
            missing = rows.missing.rows if rows.missing else 0
            check_index(record, rows.outcomes, None if indexed is None or not rows.missing else indexed + missing)
            if missing or not indexed:
                rows.write_missing(self._files, WITHOUT_OUTCOME)
            for document in documents:
                document.write(self._files)
            return rows.outcomes.total()

    def _grouped(self) -> GroupedDocuments:
        return GroupedDocuments(self._files, self._record(), with_parquet=self._with_parquet)

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


def _manifest_of(record: RunRecord) -> ManifestObject:
    return ManifestObject(
        record["bucket"],
        record["manifest_key"],
        record["etag"],
        record["size"],
        version_id=record.get("version_id", NULL_VERSION),
    )
