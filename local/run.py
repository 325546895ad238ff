"""`make run`: one manifest through the whole pipeline.

Here a file is uploaded and an execution is watched; everything between is the deployed stack's own doing.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from local.cloud import Cloud
from local.demo import DemoSite
from local.terminal import Terminal
from local.usage import manifest_file

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
        watcher = Watcher(cloud)
        _upload(cloud, file, options)
        execution = _watched(watcher, terminal)
        cloud.settle()
        exported = cloud.export(watcher.run_id)
        terminal.show_end(execution, out, watcher.run_id, exported.refused)
    return 0 if execution["status"] == "SUCCEEDED" else 1


def _upload(cloud: Cloud, file: Path, options: Mapping[str, str]) -> None:
    with file.open("rb") as body:
        cloud.client("s3").upload_fileobj(
            body, cloud.outputs["InputBucket"], f"manifests/{file.name}", ExtraArgs={"Metadata": dict(options)}
        )


def _watched(watcher: "Watcher", terminal: Terminal) -> dict[str, Any]:
    execution: dict[str, Any] = {}
    with terminal.progress() as progress:
        for seen in watcher.watch():
            progress.update(watcher.rows(), watcher.finished())
            execution = seen
    return execution


class Watcher:
    """Looks at the one execution of a state machine through the APIs that AWS has, too."""

    def __init__(self, cloud: Cloud) -> None:
        self._states = cloud.client("stepfunctions")
        self._tables = cloud.client("dynamodb")
        self._machine = cloud.outputs["StateMachineArn"]
        self._runs = cloud.outputs["RunsTable"]
        self._images = cloud.outputs["ImagesTable"]
        self._known = self._stored()
        self._map_run: str | None = None
        self._arn = ""
        self._rows: int | None = None
        self.run_id = ""

    def watch(self) -> Iterator[dict[str, Any]]:
        """The execution's description, every fifth of a second, until it has ended."""
        while True:
            if not self._arn:
                self._arn = self._started()
            if self._arn:
                execution = self._states.describe_execution(executionArn=self._arn)
                self._find_record()
                yield execution
                if execution["status"] != "RUNNING":
                    return
            time.sleep(POLL_SECONDS)

    def rows(self) -> int | None:
        """Of the manifest, once PrepareRun has counted them."""
        return self._rows

    def finished(self) -> int:
        """Rows whose batch has ended, or images that are in the table already, whichever is more."""
        return max(self._ended(), self._stored() - self._known)

    def _stored(self) -> int:
        """Up to date at every look here; AWS counts a table's items every six hours."""
        return int(self._tables.describe_table(TableName=self._images)["Table"]["ItemCount"])

    def _ended(self) -> int:
        if self._map_run is None:
            runs = self._states.list_map_runs(executionArn=self._arn)["mapRuns"]
            self._map_run = runs[0]["mapRunArn"] if runs else None
        if self._map_run is None:
            return 0
        counts = self._states.describe_map_run(mapRunArn=self._map_run)["itemCounts"]
        return int(counts["succeeded"] + counts["failed"])

    def _started(self) -> str:
        executions = self._states.list_executions(stateMachineArn=self._machine)["executions"]
        return executions[0]["executionArn"] if executions else ""

    def _find_record(self) -> None:
        if self._rows is None:
            records = self._tables.scan(TableName=self._runs)["Items"]
            if records:
                self.run_id = records[0]["run_id"]["S"]
                self._rows = int(records[0]["rows"]["N"]) if "rows" in records[0] else None
