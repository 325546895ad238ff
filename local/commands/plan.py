"""`make plan`: shows what a run of a manifest would do."""

from collections.abc import Mapping
from dataclasses import replace

from functions.core.model.errors import InvalidManifest
from functions.core.model.limits import executions_for_batches
from functions.core.model.option_validation import validate_options
from local.commands.manifest_plan import make_plan
from local.commands.plan_table import Account, show, show_rejection
from local.commands.usage import manifest_file, stack_settings
from local.errors import UsageError


def plan(*, manifest: str, options: Mapping[str, str], lambda_concurrency: int | None = None) -> int:
    """Returns the exit status: 1 where the run would be rejected. Raises UsageError.

    `lambda_concurrency` is the number of concurrent executions that the account allows, None if it is not known.
    """
    path, settings = manifest_file(manifest), stack_settings()
    try:
        run_options = validate_options(settings.default_options, options)
        if run_options.probe:
            raise UsageError("plan estimates a run of the whole list. Remove the option probe.")
        account = Account(lambda_concurrency, run_options.max_concurrency)
        if lambda_concurrency is not None:
            batches = min(run_options.max_concurrency, executions_for_batches(lambda_concurrency))
            run_options = replace(run_options, max_concurrency=batches)
        found = make_plan(
            path, run_options, settings.glacier_from_bytes, settings.images_prefix, settings.all_host_limits
        )
    except InvalidManifest as error:
        show_rejection(str(error))
        return 1
    except OSError as error:
        raise UsageError(f"Cannot read the manifest {path}: {error.strerror}.") from error
    show(path, found, account, has_contact=bool(settings.contact or run_options.user_agent))
    return 0
