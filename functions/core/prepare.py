"""Prepare a run: claim it, check its manifest, settle its options; refuse with a sentence, or say how to run it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from functions.core.faults import InvalidManifest
from functions.core.formats import Format, format_of
from functions.core.option_check import checked
from functions.core.options import Options
from functions.core.ports import ManifestGone, Manifests, RunRecords
from functions.core.rows import own_columns
from functions.core.runs import ManifestObject, run_id_of

RECORD_DAYS = 90
MAX_COLUMNS = 200
"""Of the user's own, in failures.csv."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a manifest holds: rows, and the names of the user's own columns in the order they come."""

    rows: int
    columns: tuple[str, ...]


class Preparer:
    """PrepareRun's logic. `defaults` are the stack's own options."""

    def __init__(self, *, manifests: Manifests, records: RunRecords, defaults: Mapping[str, Any]) -> None:
        self._manifests = manifests
        self._records = records
        self._defaults = defaults

    def prepare(self, event: Mapping[str, Any], execution_arn: str, started_at: str) -> dict[str, Any]:
        """The workflow's state from here on. Raises InvalidManifest."""
        manifest = ManifestObject.from_event(event)
        run_id = run_id_of(event)
        if not self._records.claim(_record(run_id, manifest, execution_arn, started_at)):
            return {"run": {"id": run_id}, "status": "repeated", "reader": "none", "failure": None}
        form = format_of(manifest.key)
        options = self._options(manifest, event)
        contents = self._contents(manifest, form)
        self._records.update(
            run_id,
            {
                "format": form.name,
                "rows": contents.rows,
                "columns": list(contents.columns),
                "options": asdict(options),
            },
        )
        return _payload(run_id, manifest, form, options, contents.rows)

    def _options(self, manifest: ManifestObject, event: Mapping[str, Any]) -> Options:
        asked = (event.get("run") or {}).get("options") or {}
        try:
            metadata = self._manifests.metadata(manifest.bucket, manifest.key)
        except ManifestGone as error:
            raise _gone(manifest) from error
        return checked(self._defaults, metadata, asked)

    def _contents(self, manifest: ManifestObject, form: Format) -> Contents:
        try:
            return examined(form.read(self._manifests.read(manifest.bucket, manifest.key, manifest.etag)))
        except ManifestGone as error:
            raise _gone(manifest) from error


def examined(items: Iterable[Any]) -> Contents:
    """Counts and looks at every row, keeping none. Raises InvalidManifest."""
    rows = 0
    columns: dict[str, None] = {}
    previous: Any = None
    for item in items:
        rows += 1
        if not isinstance(item, Mapping) or len(columns) >= MAX_COLUMNS:
            continue
        if previous is None or item.keys() != previous:
            columns |= dict.fromkeys(own_columns(item))
            previous = item.keys()
    return Contents(rows, tuple(columns)[:MAX_COLUMNS])


def _record(run_id: str, manifest: ManifestObject, execution_arn: str, started_at: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "status": "running",
        "execution_arn": execution_arn,
        "started_at": started_at,
        "bucket": manifest.bucket,
        "manifest_key": manifest.key,
        "etag": manifest.etag,
        "size": manifest.size,
        "expires_at": int(datetime.now(UTC).timestamp()) + RECORD_DAYS * 86_400,
    }


def _payload(run_id: str, manifest: ManifestObject, form: Format, options: Options, rows: int) -> dict[str, Any]:
    return {
        "run": {"id": run_id, "manifest": manifest.key, "options": _changed(options)},
        "status": "ready" if rows else "empty",
        "reader": form.reader,
        "manifest": {
            "bucket": manifest.bucket,
            "key": manifest.key,
            "etag": manifest.etag,
            "size": manifest.size,
            "format": form.name,
        },
        "rows": rows,
        "batch_size": options.batch_size,
        "max_concurrency": options.max_concurrency,
        "map_prefix": f"runs/{run_id}/map",
        "failure": None,
    }


def _changed(options: Options) -> dict[str, Any]:
    """Every batch carries them, so only what differs from the defaults."""
    defaults = asdict(Options())
    return {name: value for name, value in asdict(options).items() if value != defaults[name]}


def _gone(manifest: ManifestObject) -> InvalidManifest:
    return InvalidManifest(
        f"The manifest '{manifest.key}' was replaced or deleted before it could be read. "
        "If it was replaced, its own run takes care of it."
    )
