"""`make run`: one manifest through the whole pipeline.

Here a file is uploaded and an execution is watched; everything between is the deployed stack's own doing.
"""

import csv
import itertools
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from local.aws.cloud import Cloud
from local.commands.demo_site import DemoSite
from local.commands.terminal import SHOWN_FAILURES, End, Terminal
from local.commands.usage import manifest_file
from local.commands.watcher import Places, Seen, Watcher

LOOPBACK = "127.0.0.0/8"
DEMO = Path("manifests/demo.csv")
DEMO_OPTIONS = {"rounds": "3"}
POLL_SECONDS = 0.2


def run(*, assembly: Path, out: Path, allow: str, manifest: str | None, options: Mapping[str, str]) -> int:
    """The exit status. Raises UsageError."""
    terminal = Terminal()
    with ExitStack() as cleanup:
        file = manifest_file(manifest) if manifest else DEMO
        if not manifest:
            site = cleanup.enter_context(DemoSite())
            allow = ",".join(filter(None, (allow, LOOPBACK)))
            options = {"base-url": site.url, **DEMO_OPTIONS, **options}
        terminal.say(f"Deploying the synthesized stack to an AWS on this machine, then mirroring {file}.")
        cloud = cleanup.enter_context(Cloud(assembly=assembly, parameters={"AllowedNetworks": allow}, out=out))
        stored = _images_since(cloud)
        _upload(cloud, file, options)
        watcher = Watcher(cloud.client, Places.of(cloud.outputs), _execution(cloud), stored)
        seen = terminal.follow(watcher.watch(POLL_SECONDS))
        cloud.settle()
        exported = cloud.export(watcher.run_id)
        terminal.show_end(_end(seen, out, watcher.run_id, exported.refused))
    return 0 if seen.execution["status"] == "SUCCEEDED" else 1


def _upload(cloud: Cloud, file: Path, options: Mapping[str, str]) -> None:
    with file.open("rb") as body:
        cloud.client("s3").upload_fileobj(
            body, cloud.outputs["InputBucket"], f"manifests/{file.name}", ExtraArgs={"Metadata": dict(options)}
        )


def _execution(cloud: Cloud) -> str:
    """The one that the upload has started."""
    while True:
        found = cloud.client("stepfunctions").list_executions(stateMachineArn=cloud.outputs["StateMachineArn"])
        if found["executions"]:
            return str(found["executions"][0]["executionArn"])
        time.sleep(POLL_SECONDS)


def _images_since(cloud: Cloud) -> Callable[[], int]:
    """The images table's growth, up to date at every look here; AWS counts a table's items every six hours."""

    def items() -> int:
        return int(
            cloud.client("dynamodb").describe_table(TableName=cloud.outputs["ImagesTable"])["Table"]["ItemCount"]
        )

    before = items()
    return lambda: items() - before


def _end(seen: Seen, out: Path, run_id: str, refused: Mapping[str, str]) -> End:
    path = out / "runs" / run_id / "summary.json"
    summary: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    files = [(name, out / summary[field]) for name, field in End.REPORTS if summary.get(field)]
    places = [
        *files[:1],
        ("Images", out / "images"),
        ("Table", out / "images.jsonl"),
        ("Messages", out / "messages.jsonl"),
        *files[1:],
        ("Summary", out / "summary.json"),
    ]
    failures = out / summary["failures_report"] if summary.get("failures_report") else None
    return End(
        execution=seen.execution,
        summary=summary,
        places=[(name, str(place)) for name, place in places if place.exists()],
        failures=_rows(failures) if failures else (),
        notes=[f"Not written to {out}, its name is no file's: {key} ({why})" for key, why in refused.items()],
    )


def _rows(report: Path) -> list[dict[str, str]]:
    with report.open(encoding="utf-8", newline="") as file:
        return list(itertools.islice(csv.DictReader(file), SHOWN_FAILURES))
