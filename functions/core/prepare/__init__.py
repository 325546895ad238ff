"""Preparation of a run: claim it for this execution, validate its manifest, and determine its options."""

from dataclasses import asdict, replace

from functions.core.manifests.formats import PARQUET
from functions.core.manifests.validation import MAX_WHOLE_CHECK_BYTES, ValidatedManifest, validate_manifest
from functions.core.model.errors import InvalidManifest, ManifestGoneError
from functions.core.model.metadata import options_from_metadata
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options
from functions.core.model.ports import Manifests, RunRecords
from functions.core.model.runs import LocalRun, ManifestObject, new_record, run_id_of
from functions.core.model.types import BatchRun, ExecutionInput, OptionValues, PreparedState, RepeatedRun, RunFields
from functions.core.prepare.shares import ConcurrencyShares, Share, share_fields


class Preparer:
    """Logic of PrepareRun. `defaults` are the options of the stack. Manifests up to `whole_bytes` are read whole.

    `local_run` is None in AWS. Without `shares`, a run gets the concurrency that it requests.
    """

    def __init__(
        self,
        *,
        manifests: Manifests,
        records: RunRecords,
        defaults: OptionValues,
        whole_bytes: int = MAX_WHOLE_CHECK_BYTES,
        local_run: LocalRun | None = None,
        shares: ConcurrencyShares | None = None,
    ) -> None:
        self._manifests = manifests
        self._records = records
        self._defaults = defaults
        self._whole_bytes = whole_bytes
        self._local_run = local_run
        self._shares = shares

    def prepare(self, event: ExecutionInput, execution_arn: str, started_at: str) -> PreparedState | RepeatedRun:
        """The state of the workflow after PrepareRun. Raises InvalidManifest."""
        manifest = ManifestObject.from_event(event)
        run_id = run_id_of(event)
        record = new_record(run_id, manifest, execution_arn, started_at)
        if self._local_run:
            record["local_run"] = self._local_run.as_text()
        if not self._records.claim(record):
            return {"run": {"id": run_id}, "status": "repeated", "reader": "none", "failure": None}
        try:
            manifest, metadata = self._manifests.describe(manifest)
            requested = (event.get("run") or {}).get("options") or {}
            options = validate_options(self._defaults, options_from_metadata(metadata), requested)
            validated = validate_manifest(self._manifests, manifest, self._whole_bytes)
        except ManifestGoneError as error:
            raise InvalidManifest(_gone_message(manifest)) from error
        if validated.format == PARQUET:
            self._check_current(manifest)
        share = self._share(run_id, validated, options)
        self._records.update(run_id, _record_fields(manifest, validated, options) | share_fields(share, options))
        return _prepared_state(run_id, manifest, validated, options, share)

    def _check_current(self, manifest: ManifestObject) -> None:
        """Raises InvalidManifest if the current object is another one: Step Functions reads no version of Parquet."""
        try:
            self._manifests.describe(replace(manifest, version_id=""))
        except ManifestGoneError as error:
            raise InvalidManifest(
                f"The manifest '{manifest.key}' was replaced or deleted before its rows were read, and Step Functions "
                "does not read former versions of Parquet. If it was replaced, the new object has a run of its own; "
                "else upload it again."
            ) from error

    def _share(self, run_id: str, validated: ValidatedManifest, options: Options) -> Share:
        """Determined last, so that the other runs are counted shortly before the batches start."""
        if self._shares is None:
            return Share(options.max_concurrency)
        return self._shares.join(run_id, options, None if validated.sampled else validated.contents.rows)


def _gone_message(manifest: ManifestObject) -> str:
    if manifest.version_id:
        return (
            f"The version {manifest.version_id} of the manifest '{manifest.key}', which started the run, was deleted "
            "before it was read. Upload the manifest again."
        )
    return (
        f"The manifest '{manifest.key}' was replaced or deleted before it was read, and the event that started the run "
        "has no version ID. If it was replaced, the new object has a run of its own; else upload it again."
    )


def _record_fields(manifest: ManifestObject, validated: ValidatedManifest, options: Options) -> RunFields:
    fields: RunFields = {
        "version_id": manifest.version_id,
        "format": validated.format,
        "columns": list(validated.contents.columns),
        "options": asdict(options),
        "note": _note(validated),
    }
    if validated.sampled:
        fields["sampled"] = True
    else:
        fields["rows"] = validated.contents.rows
    return fields


def _prepared_state(
    run_id: str, manifest: ManifestObject, validated: ValidatedManifest, options: Options, share: Share
) -> PreparedState:
    rows = validated.contents.rows
    run: BatchRun = {"id": run_id, "manifest": manifest.key, "options": _non_default(options)}
    if validated.format == PARQUET:  # its rows cannot be read again, so each batch stores the items to retry
        run["keep_items"] = True
    if share.account_limit is not None:
        run["lambda_concurrency"] = share.account_limit
    return {
        "run": run,
        "status": "ready" if rows or validated.sampled else "empty",
        "reader": validated.format,
        "manifest": {
            "bucket": manifest.bucket,
            "key": manifest.key,
            "version_id": manifest.version_id,
            "etag": manifest.etag,
            "size": manifest.size,
            "format": validated.format,
        },
        "rows": None if validated.sampled else rows,
        "batch_size": options.batch_size,
        "max_concurrency": share.batches,
        "map_prefix": f"runs/{run_id}/map",
        "failure": None,
    }


def _note(validated: ValidatedManifest) -> str | None:
    sampled = "Only the beginning and the end of the manifest were validated, since it is large." * validated.sampled
    return " ".join(filter(None, (validated.contents.note, sampled))) or None


def _non_default(options: Options) -> OptionValues:
    """The options that differ from their defaults, which keeps the input of every batch small."""
    defaults = asdict(Options())
    return {name: value for name, value in asdict(options).items() if value != defaults[name]}
