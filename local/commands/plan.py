"""`make plan`: says what a run of a manifest would be."""

from collections.abc import Mapping

from functions.core.model.errors import InvalidManifest
from functions.core.model.option_validation import validate_options
from local.commands.manifest_plan import planned
from local.commands.plan_table import refused, show
from local.commands.usage import deployed, manifest_file


def plan(*, manifest: str, options: Mapping[str, str]) -> int:
    """The exit status: 1 where the run would be refused. Raises UsageError."""
    path, settings = manifest_file(manifest), deployed()
    try:
        found = planned(path, validate_options(settings.default_options, options), settings.glacier_from_bytes)
    except InvalidManifest as refusal:
        refused(str(refusal))
        return 1
    show(path, found)
    return 0
