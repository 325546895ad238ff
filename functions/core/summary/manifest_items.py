"""The items of the manifest, read again after the run, in the order of rows."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from functions.core.manifests.detection import decompressed
from functions.core.manifests.formats import COPY_FORMAT, PARQUET, Format, format_by_name
from functions.core.model.errors import InvalidManifest, ManifestGoneError
from functions.core.model.ports import Manifests, RunResults
from functions.core.model.runs import ManifestObject
from functions.core.model.types import RunFields
from functions.core.summary.fold.groups import Part

MANIFEST_GONE = (
    "The version of the manifest that started the run was deleted during the run, so there is no retry manifest: "
    "upload the rows of failures.csv again."
)


@dataclass(slots=True)
class ManifestItems:
    """`items` are those of the manifest, or placeholders where it cannot be read: then `readable` is False.

    `rows` is None where PrepareRun has not counted the rows. `errors` are the reasons why `items` ended early; they are
    complete once all items were read.
    """

    items: Iterable[object]
    rows: int | None
    readable: bool = True
    errors: list[str] = field(default_factory=list)


def read_manifest_items(
    manifests: Manifests, results: RunResults, manifest: ManifestObject, record: RunFields
) -> ManifestItems:
    """`record` is the run's, as PrepareRun has written it. If it names a copy of the rows, they are read from there."""
    rows = None if record.get("sampled") else int(record.get("rows", 0))
    if record.get("format") == PARQUET:
        return ManifestItems(itertools.repeat(None, rows or 0), rows)
    manifest_format = format_by_name(record.get("format"))
    if "copy_key" in record:
        manifest = replace(manifest, key=record["copy_key"], version_id=record["copy_version_id"], etag="")
        manifest_format = format_by_name(COPY_FORMAT)
    if manifest_format is None:
        return ManifestItems((), rows)
    try:
        chunks = manifests.read(manifest.bucket, manifest.key, manifest.etag, version_id=manifest.version_id)
        first_chunk = next(chunks, b"")
    except ManifestGoneError:
        count = rows if rows is not None else _last_row(results)
        return ManifestItems(itertools.repeat({}, count), rows, readable=False)
    errors: list[str] = []
    content = decompressed(manifest.key, itertools.chain((first_chunk,), chunks))
    return ManifestItems(_items_until_error(manifest_format, content, errors), rows, errors=errors)


def _last_row(results: RunResults) -> int:
    """Number of the last row with a recorded outcome, or that waits for a pass."""
    parts = [Part.parse(name) for name in results.part_names("results")]
    last_batch = max((part.row for part in parts if part.pass_ == 0), default=0)
    names = [part.name for part in parts if part.pass_ == 0 and part.row == last_batch]
    recorded = (line["row"] for _, lines in results.read_parts(names) for line in lines)
    in_passes = (part.last or 0 for part in parts)
    passes = len(results.pass_plans())
    waiting = (deferred["row"] + 1 for number in range(passes + 2) for deferred in results.deferred_items(number))
    return max(itertools.chain(recorded, in_passes, waiting), default=0)


def _items_until_error(manifest_format: Format, chunks: Iterable[bytes], errors: list[str]) -> Iterator[object]:
    """An error is possible only where PrepareRun has checked just a part of the manifest."""
    try:
        yield from manifest_format.read(chunks)
    except InvalidManifest as error:
        errors.append(str(error))
