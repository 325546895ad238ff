"""What PrepareRun reads before a run: the version of its manifest, its options, and its rows."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from functions.core.manifests.formats import Format
from functions.core.manifests.ranges.check import RangeCheck
from functions.core.manifests.validation import (
    ValidatedManifest,
    range_format,
    validate_manifest,
    with_key_columns,
)
from functions.core.model.errors import InvalidManifest, ManifestGoneError
from functions.core.model.metadata import options_from_metadata
from functions.core.model.option_validation import validate_options
from functions.core.model.options import Options
from functions.core.model.ports import CheckFiles, Manifests
from functions.core.model.rows import RowRules
from functions.core.model.runs import ManifestObject, run_id_of
from functions.core.model.types import ExecutionInput, OptionValues

FilesOf = Callable[[str, str], CheckFiles]
"""The files of a run by the names of the bucket and the run."""


@dataclass(frozen=True, slots=True)
class RequestedManifest:
    """The version of a manifest as S3 has it, and the options of its run; `sources` has them by where they come from:
    the stack, the manifest and the request."""

    run_id: str
    object: ManifestObject
    sources: Mapping[str, OptionValues]
    options: Options

    @property
    def has_own_headers(self) -> bool:
        return "headers" in {*self.sources["manifest"], *self.sources["request"]}


@contextmanager
def rejected_if_gone(manifest: ManifestObject) -> Iterator[None]:
    """Raises InvalidManifest where the block raises ManifestGoneError."""
    try:
        yield
    except ManifestGoneError as error:
        raise InvalidManifest(_gone_message(manifest)) from error


class ManifestChecks:
    """Checks manifests: those up to `whole_bytes` at once, larger ones by ranges of that size if there are `run_files`.

    `defaults` are the options of the stack.
    """

    def __init__(
        self, manifests: Manifests, defaults: OptionValues, whole_bytes: int, run_files: FilesOf | None
    ) -> None:
        self._manifests = manifests
        self._defaults = defaults
        self._whole_bytes = whole_bytes
        self._run_files = run_files

    def describe(self, event: ExecutionInput) -> RequestedManifest:
        """Raises InvalidManifest."""
        named = ManifestObject.from_event(event)
        with rejected_if_gone(named):
            manifest, metadata = self._manifests.describe(named)
        requested = (event.get("run") or {}).get("options") or {}
        sources = {"stack": self._defaults, "manifest": options_from_metadata(metadata), "request": requested}
        return RequestedManifest(run_id_of(event), manifest, sources, validate_options(*sources.values()))

    def validate(self, requested: RequestedManifest, *, ranges_checked: bool) -> ValidatedManifest | list[int]:
        """The numbers of the ranges if these have to be checked before. Raises InvalidManifest, ManifestGoneError,
        StorageFault."""
        rules = RowRules.of(requested.options)
        form = self._range_format(requested)
        if form is not None:
            check = self._range_check(requested, form)
            found = check.join() if ranges_checked else check.plan(self._whole_bytes)
            if isinstance(found, list):
                return found
            if found is not None:
                return with_key_columns(ValidatedManifest(form.name, found, form=form, by_ranges=True), rules)
        return validate_manifest(self._manifests, requested.object, self._whole_bytes, rules=rules)

    def check_range(self, event: ExecutionInput, number: int) -> None:
        """Checks one of the ranges. Raises InvalidManifest if the manifest is gone, StorageFault."""
        requested = self.describe(event)
        with rejected_if_gone(requested.object):
            form = self._range_format(requested)
            assert form is not None, "Only a manifest that can be read by ranges has them."
            self._range_check(requested, form).check(number)

    def _range_format(self, requested: RequestedManifest) -> Format | None:
        """None for a manifest that one invocation checks. Raises InvalidManifest, ManifestGoneError."""
        if self._run_files is None or requested.object.size <= self._whole_bytes:
            return None
        return range_format(self._manifests, requested.object, RowRules.of(requested.options))

    def _range_check(self, requested: RequestedManifest, form: Format) -> RangeCheck:
        assert self._run_files is not None, "Without files, no manifest is checked by ranges."
        files = self._run_files(requested.object.bucket, requested.run_id)
        return RangeCheck(self._manifests, requested.object, files, form, RowRules.of(requested.options))


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
