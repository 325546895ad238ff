"""Preparation of a run: claim it for this execution, validate its manifest, and determine its options."""

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from functions.core.manifests import json_rows
from functions.core.manifests.detection import decompressed
from functions.core.manifests.formats import COPY_FORMAT, PARQUET
from functions.core.manifests.hosts import HostCounts
from functions.core.manifests.validation import MAX_WHOLE_CHECK_BYTES, ValidatedManifest
from functions.core.model.errors import InvalidManifest, ManifestGoneError
from functions.core.model.headers import recorded_options
from functions.core.model.host_limits import NO_HOST_LIMITS, HostLimits
from functions.core.model.option_validation import option_sources
from functions.core.model.options import OPTION_DEFAULTS, Options
from functions.core.model.ports import ManifestCopies, Manifests, RunRecords
from functions.core.model.runs import SAMPLE_FILE, LocalRun, ManifestObject, new_record, run_id_of
from functions.core.model.types import (
    BatchRun,
    CheckingRun,
    ExecutionInput,
    OptionValues,
    PreparedState,
    RepeatedRun,
    RunFields,
)
from functions.core.prepare.budgets import HOSTS_FILE, HostBudgets, host_budgets
from functions.core.prepare.checks import FilesOf, ManifestChecks, RequestedManifest, rejected_if_gone
from functions.core.prepare.known_bad import copy_list
from functions.core.prepare.probe import ListSample, ListSampler
from functions.core.prepare.shares import ConcurrencyShares, Share, share_fields

MAX_COPIED_ROWS = 5_000_000
"""Number of rows up to which a manifest is copied. It takes 9 microseconds of CPU a row."""

SAMPLED_NOTE = (
    "Only a part of the manifest was validated, since it is large and cannot be read from the middle, such as a gzip "
    "file or a JSON array."
)


@dataclass(frozen=True, slots=True)
class Source:
    """What the Map reads: the manifest, or a copy of its rows, or of some of them; `note` says why. `rows` is None if
    they were not counted, and `hosts` counts those of each host."""

    object: ManifestObject
    format: str
    rows: int | None
    hosts: HostCounts | None
    note: str = ""
    columns: tuple[str, ...] = ()


class Preparer:
    """Logic of PrepareRun. `defaults` are the options of the stack. For `whole_bytes`, see ManifestChecks.

    Without `copies`, manifests whose rows have to be copied are rejected.

    `local_run` is None in AWS. Without `shares`, a run gets the concurrency that it can use. `host_limits` are those of
    the stack, `run_files` returns the files of a run by the names of the bucket and the run.
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
        copies: ManifestCopies | None = None,
        host_limits: HostLimits = NO_HOST_LIMITS,
        run_files: FilesOf | None = None,
    ) -> None:
        self._manifests = manifests
        self._records = records
        self._checks = ManifestChecks(manifests, defaults, whole_bytes, run_files)
        self._whole_bytes = whole_bytes
        self._local_run = local_run
        self._shares = shares
        self._copies = copies
        self._host_limits = host_limits
        self._run_files = run_files

    def prepare(
        self, event: ExecutionInput, execution_arn: str, started_at: str, *, ranges_checked: bool = False
    ) -> PreparedState | RepeatedRun | CheckingRun:
        """The state of the workflow after PrepareRun. Raises InvalidManifest.

        If it is that of a manifest to be checked by ranges, `check_range` follows for each of them, and then this again
        with `ranges_checked`.
        """
        run_id = run_id_of(event)
        record = new_record(run_id, ManifestObject.from_event(event), execution_arn, started_at)
        if self._local_run:
            record["local_run"] = self._local_run.as_text()
        if not self._records.claim(record):
            return {"run": {"id": run_id}, "status": "repeated", "reader": "none", "failure": None}
        requested = self._checks.describe(event)
        with rejected_if_gone(requested.object):
            validated = self._checks.validate(requested, ranges_checked=ranges_checked)
            if isinstance(validated, list):
                return {"run": {"id": run_id}, "status": "checking", "ranges": validated, "failure": None}
            return self._prepare(requested, validated, started_at)

    def _prepare(self, requested: RequestedManifest, validated: ValidatedManifest, started_at: str) -> PreparedState:
        run_id, manifest, options = requested.run_id, requested.object, requested.options
        source = self._source(run_id, manifest, validated, options)
        if options.known_bad and self._run_files is not None:
            files = self._run_files(manifest.bucket, run_id)
            copy_list(options.known_bad, manifest.bucket, self._manifests, files)
        if validated.format == PARQUET:
            self._check_current(manifest)
        rules = validated.contents.rules
        options = replace(options, url_column=rules.url_column, own_columns=rules.own_columns)
        if rules.key_template is not None:
            template = rules.key_template.with_constants(run_id, datetime.fromisoformat(started_at).astimezone(UTC))
            options = replace(options, key_template=template)
        budgets = host_budgets(source.hosts, options, self._host_limits)
        share = self._share(run_id, source, options, budgets)
        # A retry has the headers of the stack anyway. Others must be set again, because their values are not recorded.
        recorded = options if requested.has_own_headers else replace(options, headers={})
        fields = _record_fields(manifest, validated, source, recorded)
        fields["option_sources"] = option_sources(requested.sources)
        self._records.update(run_id, fields | share_fields(share, budgets.batches))
        state = _prepared_state(run_id, manifest.key, source, options, share)
        self._hand_on(budgets, manifest.bucket, state["run"])
        if budgets.has_queue(source.rows, options.batch_size, share.batches):
            state["run"]["waits_in_passes"] = True
        return state

    def check_range(self, event: ExecutionInput, number: int) -> None:
        """Checks one range of a manifest. Raises InvalidManifest if it is gone, StorageFault."""
        self._checks.check_range(event, number)

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

    def _share(self, run_id: str, source: Source, options: Options, budgets: HostBudgets) -> Share:
        """Determined last, so that the other runs are counted shortly before the batches start."""
        share = Share(budgets.batches)
        if self._shares is not None:
            share = self._shares.join(run_id, replace(options, max_concurrency=budgets.batches), source.rows)
        return replace(share, note=" ".join(filter(None, (budgets.note, share.note))) or None)

    def _hand_on(self, budgets: HostBudgets, bucket: str, run: BatchRun) -> None:
        """Tell the batches which hosts are busy. Raises StorageFault."""
        if budgets.unknown:
            run["busy_hosts_unknown"] = True
        if budgets.is_long and self._run_files is not None:
            self._run_files(bucket, run["id"]).write(HOSTS_FILE, [budgets.values()])
            run["busy_hosts_file"] = True
        elif budgets.busy:
            run["busy_hosts"] = budgets.values()

    def _source(self, run_id: str, manifest: ManifestObject, validated: ValidatedManifest, options: Options) -> Source:
        """Raises InvalidManifest, ManifestGoneError, StorageFault."""
        form, contents = validated.form, validated.contents
        if validated.copied and (validated.is_large or contents.rows > MAX_COPIED_ROWS or self._copies is None):
            raise InvalidManifest(
                f"Step Functions cannot read the manifest as it is, because {validated.copied}. The rows of a manifest "
                f"of up to {self._whole_bytes:,} bytes and {MAX_COPIED_ROWS:,} rows are copied for it; this one is "
                "larger. Split it, or give it one header line with a name for each column."
            )
        if options.probe:
            sampler = ListSampler(self._manifests, options, self._whole_bytes)
            return self._sample(run_id, manifest, sampler.sample(run_id, manifest, validated))
        if not validated.copied or form is None or self._copies is None:
            rows = None if validated.sampled else contents.rows
            return Source(manifest, validated.format, rows, contents.hosts)
        chunks = self._manifests.read(manifest.bucket, manifest.key, manifest.etag, version_id=manifest.version_id)
        numbered = form.numbered_rows(decompressed(manifest.key, chunks), contents.rules)
        counter = itertools.count()
        lines = json_rows.write_lines(_counted((row for _, row in numbered), counter))
        copy = self._copies.write(manifest.bucket, run_id, lines)
        note = f"The rows were copied to {copy.key} and are numbered there, because {validated.copied}."
        return Source(copy, COPY_FORMAT, next(counter), contents.hosts, note)

    def _sample(self, run_id: str, manifest: ManifestObject, sample: ListSample) -> Source:
        """Raises StorageFault."""
        assert self._copies is not None, "A probe writes the rows of its sample."
        assert self._run_files is not None, "A probe writes how they were drawn."
        copy = self._copies.write(manifest.bucket, run_id, json_rows.write_lines(sample.items))
        self._run_files(manifest.bucket, run_id).write(SAMPLE_FILE, [sample.design])
        return Source(copy, COPY_FORMAT, len(sample.items), sample.hosts, sample.note(copy.key), sample.columns)


def _counted(rows: Iterator[object], counter: Iterator[int]) -> Iterator[object]:
    for row in rows:
        next(counter)
        yield row


def _record_fields(
    manifest: ManifestObject, validated: ValidatedManifest, source: Source, options: Options
) -> RunFields:
    fields: RunFields = {
        "version_id": manifest.version_id,
        "format": validated.format,
        "columns": [*source.columns, *validated.contents.columns],
        "options": recorded_options(asdict(options)),
        "note": _note(validated, source),
    }
    if source.rows is None:
        fields["sampled"] = True
    else:
        fields["rows"] = source.rows
    if source.object is not manifest:
        fields |= {"copy_key": source.object.key, "copy_version_id": source.object.version_id}
    return fields


def _prepared_state(run_id: str, manifest_key: str, source: Source, options: Options, share: Share) -> PreparedState:
    run: BatchRun = {"id": run_id, "manifest": manifest_key, "options": _non_default(options)}
    if source.format == PARQUET:  # its rows cannot be read again, so each batch stores the items to retry
        run["keep_items"] = True
    if share.account_limit is not None:
        run["lambda_concurrency"] = share.account_limit
    return {
        "run": run,
        "status": "empty" if source.rows == 0 else "ready",
        "reader": source.format,
        "manifest": {
            "bucket": source.object.bucket,
            "key": source.object.key,
            "version_id": source.object.version_id,
            "etag": source.object.etag,
            "size": source.object.size,
            "format": source.format,
        },
        "rows": source.rows,
        "batch_size": options.batch_size,
        "max_concurrency": share.batches,
        "map_prefix": f"runs/{run_id}/map",
        "passes": options.passes,
        "failure": None,
    }


def _note(validated: ValidatedManifest, source: Source) -> str | None:
    sampled = SAMPLED_NOTE if validated.sampled else ""
    return " ".join(filter(None, (validated.contents.note, sampled, source.note))) or None


def _non_default(options: Options) -> OptionValues:
    """The options that differ from their defaults, which keeps the input of every batch small."""
    different = {name: value for name, value in asdict(options).items() if value != OPTION_DEFAULTS[name]}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in different.items()}
