"""Prepare a run: claim it, check its manifest, settle its options; refuse with a sentence, or say how to run it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from functions.core.manifests.formats import PARQUET
from functions.core.manifests.validation import MAX_WHOLE_CHECK_BYTES, ValidatedManifest, validate_manifest
from functions.core.model.errors import InvalidManifest
from functions.core.model.metadata import options_from_metadata
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options
from functions.core.model.ports import ManifestGoneError, Manifests, RunRecords
from functions.core.model.runs import ManifestObject, new_record, run_id_of


class Preparer:
    """PrepareRun's logic. `defaults` are the stack's own options; up to `whole_bytes` a manifest is read whole."""

    def __init__(
        self,
        *,
        manifests: Manifests,
        records: RunRecords,
        defaults: Mapping[str, Any],
        whole_bytes: int = MAX_WHOLE_CHECK_BYTES,
    ) -> None:
        self._manifests = manifests
        self._records = records
        self._defaults = defaults
        self._whole_bytes = whole_bytes

    def prepare(self, event: Mapping[str, Any], execution_arn: str, started_at: str) -> dict[str, Any]:
        """The workflow's state from here on. Raises InvalidManifest."""
        manifest = ManifestObject.from_event(event)
        run_id = run_id_of(event)
        if not self._records.claim(new_record(run_id, manifest, execution_arn, started_at)):
            return {"run": {"id": run_id}, "status": "repeated", "reader": "none", "failure": None}
        options = self._options(manifest, event)
        found = self._checked(manifest)
        self._records.update(
            run_id,
            {
                "format": found.format,
                **({"sampled": True} if found.sampled else {"rows": found.contents.rows}),
                "columns": list(found.contents.columns),
                "options": asdict(options),
                "note": _note(found),
            },
        )
        return _payload(run_id, manifest, found, options)

    def _options(self, manifest: ManifestObject, event: Mapping[str, Any]) -> Options:
        asked = (event.get("run") or {}).get("options") or {}
        try:
            metadata = self._manifests.metadata(manifest.bucket, manifest.key)
        except ManifestGoneError as error:
            raise _gone(manifest) from error
        return validate_options(self._defaults, options_from_metadata(metadata), asked)

    def _checked(self, manifest: ManifestObject) -> ValidatedManifest:
        try:
            return validate_manifest(self._manifests, manifest, self._whole_bytes)
        except ManifestGoneError as error:
            raise _gone(manifest) from error


def _payload(run_id: str, manifest: ManifestObject, found: ValidatedManifest, options: Options) -> dict[str, Any]:
    rows = found.contents.rows
    # Of Parquet a row cannot be looked up again, so its batches keep what is to be retried.
    kept = {"keep_items": True} if found.format == PARQUET else {}
    return {
        "run": {"id": run_id, "manifest": manifest.key, "options": _changed(options), **kept},
        "status": "ready" if rows or found.sampled else "empty",
        "reader": found.format,
        "manifest": {
            "bucket": manifest.bucket,
            "key": manifest.key,
            "etag": manifest.etag,
            "size": manifest.size,
            "format": found.format,
        },
        "rows": None if found.sampled else rows,
        "batch_size": options.batch_size,
        "max_concurrency": options.max_concurrency,
        "map_prefix": f"runs/{run_id}/map",
        "failure": None,
    }


def _note(found: ValidatedManifest) -> str | None:
    part = "The manifest is too large to be looked at whole: only its beginning and its end were." * found.sampled
    return " ".join(filter(None, (found.contents.note, part))) or None


def _changed(options: Options) -> dict[str, Any]:
    """Every batch carries them, so only what differs from the defaults."""
    defaults = asdict(Options())
    return {name: value for name, value in asdict(options).items() if value != defaults[name]}


def _gone(manifest: ManifestObject) -> InvalidManifest:
    return InvalidManifest(
        f"The manifest '{manifest.key}' was replaced or deleted before it could be read. "
        "If it was replaced, its own run takes care of it."
    )
