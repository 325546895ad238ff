"""A long run in the local AWS: the time and the memory of each function, and the sum of the outcomes.

    .venv/bin/python -m bench.long_run [--rows 1050000] [--images 50000] [--out FOLDER]

`--images` rows are images of a server on this machine; the others are of an address that is not public, so that they
fail without a request. With more than 2,000 batches, the run is summarized in groups (ADR 0034). Exit status
0 if rows = stored + unchanged + skipped + duplicate + failed, and no invocation took ten minutes.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.rig.origin import origin
from functions.core.model.runs import run_id_of
from local.aws.cloud import Cloud
from local.aws.telemetry.logs import Logs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

ASSEMBLY = Path("cdk.out")
SERVED = 1000
"""Different images of the server."""

IMAGE_BYTES = (200, 400)
OPTIONS = {
    "tolerated-failure-percentage": "100",
    "host-concurrency": "0",
    "robots": "ignore",
    "rounds": "1",
    "passes": "0",
    "output": "shards",
}
OUTCOMES = ("stored", "unchanged", "skipped", "duplicate", "failed")
MAX_SECONDS = 600
REPORT = re.compile(r"^REPORT .*\bDuration: (?P<ms>[\d.]+) ms.*Max Memory Used: (?P<megabytes>\d+) MB", re.DOTALL)


@dataclass(slots=True)
class Usage:
    """Of the invocations of a function: their durations in seconds, and the most memory in MB."""

    seconds: list[float] = field(default_factory=list)
    megabytes: int = 0


class Reports:
    """Reads the REPORT lines that the functions write."""

    def __init__(self) -> None:
        self.functions: dict[str, Usage] = defaultdict(Usage)

    def read(self, group: str, lines: Sequence[str]) -> None:
        for found in filter(None, map(REPORT.match, lines)):
            usage = self.functions[group]
            usage.seconds.append(float(found["ms"]) / 1000)
            usage.megabytes = max(usage.megabytes, int(found["megabytes"]))

    def show(self) -> None:
        print(f"{'function':60}{'invocations':>12}{'longest s':>11}{'MB':>7}")
        for group, usage in sorted(self.functions.items()):
            print(f"{group[-60:]:60}{len(usage.seconds):12,}{max(usage.seconds):11.1f}{usage.megabytes:7,}")

    @property
    def longest(self) -> float:
        return max((max(usage.seconds) for usage in self.functions.values()), default=0.0)


class _ReportedLogs(Logs):
    reports = Reports()

    def __call__(self, group: str, stream: str, lines: list[str]) -> None:
        self.reports.read(group, lines)
        super().__call__(group, stream, lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.long_run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_050_000)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--out", type=Path, help="folder of the local AWS (default: a temporary one)")
    chosen = parser.parse_args(arguments)
    cloud_module = sys.modules[Cloud.__module__]
    vars(cloud_module)["Logs"] = _ReportedLogs
    with ExitStack() as stack:
        out = chosen.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sites = stack.enter_context(origin(SERVED, *IMAGE_BYTES))
        cloud = stack.enter_context(Cloud(assembly=ASSEMBLY, allow="127.0.0.0/8", out=out))
        manifest = out / "list.csv"
        with manifest.open("w") as file:
            file.writelines(_lines(chosen.rows, chosen.images, sites))
        summary = _run(cloud, manifest)
    _ReportedLogs.reports.show()
    counts = {name: int(summary[name]) for name in OUTCOMES}  # type: ignore[call-overload]
    print(json.dumps({"rows": summary["rows"], **counts, "seconds": summary["duration_seconds"]}))
    return 0 if sum(counts.values()) == chosen.rows and _ReportedLogs.reports.longest < MAX_SECONDS else 1


def _lines(rows: int, images: int, sites: Sequence[str]) -> Iterator[str]:
    yield "url,title\n"
    every = max(1, rows // max(1, images))
    for row in range(rows):
        number = row // every
        is_image = row % every == 0 and number < images
        url = (
            f"{sites[number % len(sites)]}/{number % SERVED}.jpg?{number}" if is_image else f"http://10.0.0.1/{row}.png"
        )
        yield f"{url},title {row}\n"


def _run(cloud: Cloud, manifest: Path) -> dict[str, object]:
    """The summary of the run, when its index is made."""
    s3: S3Client = cloud.client("s3")
    states: SFNClient = cloud.client("stepfunctions")
    bucket = cloud.outputs["InputBucket"]
    s3.upload_file(str(manifest), bucket, "manifests/list.csv", ExtraArgs={"Metadata": OPTIONS})
    cloud.events.flush()
    (execution,) = states.list_executions(stateMachineArn=cloud.outputs["StateMachineArn"])["executions"]
    while (described := states.describe_execution(executionArn=execution["executionArn"]))["status"] == "RUNNING":
        time.sleep(1)
    run_id = run_id_of(json.loads(described["input"]))
    print(f"The run {run_id}: {described['status']}. {described.get('cause', '')}")
    index = f"{cloud.outputs['IndexMachineArn'].replace(':stateMachine:', ':execution:')}:{run_id}"
    while (indexed := states.describe_execution(executionArn=index))["status"] == "RUNNING":
        time.sleep(1)
    print(f"Its index: {indexed['status']}. {indexed.get('cause', '')}", flush=True)
    body = s3.get_object(Bucket=bucket, Key=f"runs/{run_id}/summary.json")["Body"]
    summary: dict[str, object] = json.loads(body.read())
    return summary


if __name__ == "__main__":
    sys.exit(main())
