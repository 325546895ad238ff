"""PrepareRun for the manifest in a file, in a process of its own: `python -m tests.support.prepare_probe FILE`.

Prints the log, and JSON in the last line: the peak memory in bytes, and the error that ended the
run, or the status that PrepareRun returned.
"""

import json
import os
import sys
from pathlib import Path

from tests.hostile.memory_probe import peak

VARIABLES = {
    "AWS_LAMBDA_FUNCTION_NAME": "PrepareRun",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "POWERTOOLS_SERVICE_NAME": "probe",
    "POWERTOOLS_METRICS_NAMESPACE": "probe",
    "ENVIRONMENT": "probe",
}


def main(path: Path) -> None:
    os.environ |= VARIABLES
    from bench.contenders.ours import lambda_context
    from functions import prepare_run
    from functions.adapters.clients import client
    from functions.core.prepare import Preparer
    from local.manifest_files import ManifestFiles
    from tests.support.fakes import FakeRecords

    for service in ("s3", "dynamodb"):  # their memory is a part of PrepareRun's
        client(service)
    preparer = Preparer(manifests=ManifestFiles(), records=FakeRecords(), defaults={})
    setattr(prepare_run, "preparer", lambda: preparer)  # noqa: B010
    created = {"key": path.name, "size": path.stat().st_size, "version-id": "v1"}
    event = {"detail": {"bucket": {"name": str(path.parent)}, "object": created}}
    execution = {"input": event, "execution_arn": "arn:1", "started_at": "2026-07-25T12:00:00.000Z"}
    try:
        end = f"{prepare_run.handler(execution, lambda_context())['status']}"
    except Exception as error:
        end = f"{type(error).__name__}: {error}"
    sys.stdout.write("\n" + json.dumps({"peak": peak(), "end": end}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
