"""The command that retries a run, for a shell: in AWS, with `make up`, or with `image-mirror run` on this machine.

Imports no template engine: the terminal shows the same command as the page.
"""

import json
import shlex
from collections.abc import Iterator

from functions.core.model.headers import NOT_RECORDED
from functions.core.model.metadata import options_to_metadata
from functions.core.model.runs import LocalRun
from functions.core.model.types import RunSummary


def retry_command(summary: RunSummary, local: LocalRun | None) -> list[str]:
    """The parts of the command, each quoted for a shell; empty without a retry manifest. `local` is None in AWS.

    A copy of the retry manifest in S3 has the options in its metadata; a file has none, so the command names them. The
    values of headers are not recorded: the command has `…` for each, which is to be replaced.
    """
    key = summary["retry_manifest"]
    if not key:
        return []
    if local and local.command == "run":
        return [*_local_command(summary, local, key)]
    bucket, name = summary["manifest"]["bucket"], key.rpartition("/")[2]
    copy = ["aws s3 cp", f"s3://{bucket}/{key}", f"s3://{bucket}/manifests/{summary['run_id']}-{name}"]
    return [*copy, *_metadata_arguments(summary)]


def environment_command(local: LocalRun | None) -> str:
    """The command that points `aws` at the local AWS of `make up`; empty elsewhere."""
    return f"source {shlex.quote(f'{local.out}/local.env')}" if local and local.command == "up" else ""


def _local_command(summary: RunSummary, local: LocalRun, key: str) -> Iterator[str]:
    yield f"{shlex.quote(local.program)} run {shlex.quote(f'{local.out}/{key}')}"
    if local.demo:
        yield "--demo"
    yield f"--out {shlex.quote(local.out)}"
    if local.allow:
        yield f"--allow {shlex.quote(local.allow)}"
    for name, value in summary.get("retry_options", {}).items():
        if name != "headers":
            yield f"--option {shlex.quote(f'{name}={value}')}"
    for name in _header_names(summary):
        yield f"--header {shlex.quote(f'{name}: {NOT_RECORDED}')}"


def _metadata_arguments(summary: RunSummary) -> Iterator[str]:
    """The options as metadata in JSON; nothing without headers, because the copy then has them already."""
    names = _header_names(summary)
    if names:
        headers = json.dumps(dict.fromkeys(names, NOT_RECORDED), ensure_ascii=False)
        options = options_to_metadata(summary["retry_options"])
        yield "--metadata-directive REPLACE"
        yield f"--metadata {shlex.quote(json.dumps({**options, 'headers': headers}, ensure_ascii=False))}"


def _header_names(summary: RunSummary) -> list[str]:
    return list(json.loads(summary.get("retry_options", {}).get("headers", "{}")))
