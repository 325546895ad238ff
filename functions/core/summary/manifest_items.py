"""The manifest once more, when its run is over: each item beside its outcome, in the order of rows."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.core.manifests.detection import decompressed
from functions.core.manifests.formats import PARQUET, Format, format_by_name
from functions.core.model.errors import InvalidManifest, ManifestGoneError
from functions.core.model.ports import Manifests, RunResults
from functions.core.model.runs import ManifestObject
from functions.core.summary.reconciliation import written_lines

GONE = (
    "The manifest was replaced or deleted while the run was under way, so there is no retry manifest: "
    "upload the rows of failures.csv again."
)


@dataclass(slots=True)
class ManifestItems:
    """`items` are the manifest's, or blanks where they cannot be had: then not `exact`. `rows` is None where
    PrepareRun has not counted them. `faults` are what ended `items` early, known when they have been gone through."""

    items: Iterable[Any]
    rows: int | None
    exact: bool = True
    faults: list[str] = field(default_factory=list)


def read_manifest_items(
    manifests: Manifests, results: RunResults, manifest: ManifestObject, record: Mapping[str, Any]
) -> ManifestItems:
    """`record` is the run's, as PrepareRun has written it."""
    rows = None if record.get("sampled") else int(record.get("rows", 0))
    if record.get("format") == PARQUET:
        return ManifestItems(itertools.repeat(None, rows or 0), rows)
    form = format_by_name(record.get("format"))
    if form is None:
        return ManifestItems((), rows)
    try:
        chunks = manifests.read(manifest.bucket, manifest.key, manifest.etag)
        first = next(chunks, b"")
    except ManifestGoneError:
        return ManifestItems(itertools.repeat({}, rows if rows is not None else _last_row(results)), rows, exact=False)
    again = ManifestItems((), rows)
    again.items = _until_fault(form, decompressed(manifest.key, itertools.chain((first,), chunks)), again.faults)
    return again


def _last_row(results: RunResults) -> int:
    """That a batch has written of."""
    return max((line["row"] for line in written_lines(results)), default=0)


def _until_fault(form: Format, chunks: Iterable[bytes], faults: list[str]) -> Iterator[Any]:
    """PrepareRun has seen the faults, unless it has read only the beginning and the end."""
    try:
        yield from form.read(chunks)
    except InvalidManifest as fault:
        faults.append(str(fault))
