"""The reports that list rows of a run: `failures.csv`, the retry manifest and `suspects.csv`; and its note."""

from functions.core.model.headers import unrecorded_headers
from functions.core.model.metadata import object_metadata, retry_options
from functions.core.model.ports import RunResults
from functions.core.model.runs import notes_of
from functions.core.model.types import RunRecord
from functions.core.summary import suspects
from functions.core.summary.fold.partial import Partial
from functions.core.summary.fold.run_fold import FoldedRun
from functions.core.summary.manifest_items import MANIFEST_GONE, ManifestItems
from functions.core.summary.retry_manifest import retry_format
from functions.core.summary.run_summary import RunReports

FAILURES = "failures.csv"


def write_row_reports(results: RunResults, run: FoldedRun, record: RunRecord, note: str | None) -> RunReports:
    """Raises StorageFault."""
    options = record.get("options") or {}
    has_suspects = bool(run.partial.suspects.found())
    if has_suspects:
        results.write_text(suspects.FILE, run.partial.suspects.lines(), "text/csv; charset=utf-8")
    retry_name = None
    if run.partial.retries:
        retry_name = f"retry{retry_format(record).extension}"
        results.join(retry_name, run.retries(), "text/plain; charset=utf-8", object_metadata(options))
    if run.partial.failed:
        results.join(FAILURES, run.failures(), "text/csv; charset=utf-8")
    return RunReports(
        retry_manifest=retry_name,
        retry_rows=run.partial.retries,
        retry_options=retry_options(options) if retry_name else {},
        failures_report=FAILURES if run.partial.failed else None,
        note=note,
        passes=run.partial.passes,
        retryable=run.partial.aggregates.failures.retryable(),
        suspects_report=suspects.FILE if has_suspects else None,
    )


def note_of(partial: Partial, record: RunRecord, items: ManifestItems) -> str | None:
    """Sentences about the run that its counts do not show."""
    notes = [*notes_of(record), *items.errors, partial.suspects.note()]
    if not items.readable and partial.failed:
        notes.append(MANIFEST_GONE)
    if partial.missing:
        notes.append(f"{partial.missing} rows of crashed batches could not be put into the retry manifest.")
    if moved := partial.reconciliation.moved:
        images = "1 image has" if moved == 1 else f"{moved} images have"
        former = "what was stored before is left in the bucket, also in older shards (former_key in results/)"
        notes.append(f"{images} a new key; {former}.")
    if partial.retries and (names := unrecorded_headers(record.get("options") or {})):
        notes.append(f"The values of headers are not recorded: set them again for a retry ({', '.join(names)}).")
    return " ".join(filter(None, notes)) or None
