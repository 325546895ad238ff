"""Runs that are started through the API: by URLs, items, stored manifests and upload links; cancelled and retried."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from typing import Any

from local.verify.api import Api
from local.verify.created import Created
from local.verify.lines import CheckFailedError, NotCheckedError
from local.verify.links import Links
from local.verify.runs import Run, Runs, Waiting
from local.verify.samples.manifests import Picture, Row, json_lines
from local.verify.stack import DeployedStack

CANCEL_SECONDS = 180
"""Maximum time until a cancelled run is summarized: its batches end within 90 seconds."""

SLOW_OPTIONS = {"batch_size": 1, "max_concurrency": 1, "rounds": 10}
"""One batch at a time, of which the first tries its only row for a while: its host does not exist."""

FAST_OPTIONS = {"batch_size": 100, "max_concurrency": 5, "rounds": 1}
KEPT_IMAGES = 3
MAX_PAGE = 100


class ApiRuns:
    """Each method returns what was found. Raises CheckFailedError, NotCheckedError."""

    def __init__(self, stack: DeployedStack, created: Created, waiting: Waiting, links: Links, runs: Runs) -> None:
        self._stack = stack
        self._created = created
        self._waiting = waiting
        self._links = links
        self._runs = runs
        self.api = Api(stack)
        self._cancelled: tuple[str, Sequence[Row]] | None = None

    def urls(self) -> Run:
        """Also lists and describes the run, and fetches its report, and a file that the report links."""
        rows = self._links.rows(2, has_failures=True)
        run = self._finish("api-urls", self._submit({"urls": [row.url for row in rows]}), rows)
        described = self.api.call("GET", f"/runs/{run.run_id}")
        if described["status"] != "succeeded" or described["rows"] != len(rows):
            raise CheckFailedError(
                f"GET /runs/{run.run_id} describes a run with the status {described['status']} and"
                f" {described['rows']} rows."
            )
        newest = self.api.call("GET", "/runs", query={"limit": str(MAX_PAGE)})["runs"]
        if run.run_id not in [each["run_id"] for each in newest]:
            raise CheckFailedError(f"GET /runs does not list {run.run_id} among the newest {MAX_PAGE} runs.")
        if run.run_id.encode() not in self.api.fetch(described["links"]["report"]):
            raise CheckFailedError("The link to the report leads to another page.")
        self._check_report(f"/runs/{run.run_id}/report")
        return run

    def _check_report(self, path: str) -> None:
        found = re.search(r'href="([^"]*/summary\.json\?[^"]*)"', self.api.page(path))
        if found is None:
            raise CheckFailedError(f"The report of GET {path} has no presigned link to summary.json.")
        self.api.fetch(unescape(found[1]))

    def items(self) -> Run:
        """With a key and a checksum for each image."""
        rows = self._links.rows(2)
        items = [
            {"url": picture.url, "key": self._requested_key(picture), "sha256": picture.sha256}
            for picture in (row.picture for row in rows)
            if picture is not None
        ]
        return self._finish("api-items", self._submit({"items": items}), rows)

    def _requested_key(self, picture: Picture) -> str:
        """Below the prefix of the images bucket, which the stack adds."""
        return f"{self._created.name}/{picture.key.rpartition('/')[2]}"

    def stored(self) -> Run:
        """A manifest that is in the input bucket already."""
        rows = self._links.rows(2)
        key = f"submitted/{self._created.name}.jsonl"
        bucket = self._stack.outputs["InputBucket"]
        self._created.add_manifest(key)
        self._stack.clients("s3").put_object(Bucket=bucket, Key=key, Body=json_lines(rows))
        return self._finish("api-stored", self._submit({"manifest": f"s3://{bucket}/{key}"}), rows)

    def upload_link(self) -> Run:
        """The link has the options of the run as signed headers."""
        rows = self._links.rows(2)
        body = {"name": f"{self._created.name}.jsonl", "options": {"per_host": 4}}
        upload = self.api.call("POST", "/manifests", body)
        key = str(upload["manifest"]).partition("//")[2].partition("/")[2]
        self._created.add_upload(key)
        response = self.api.session().put(
            upload["url"], data=json_lines(rows), headers=upload["headers"], allow_redirects=False, timeout=60
        )
        if not response.ok or response.is_redirect:
            raise CheckFailedError(f"The upload by the link was answered with {response.status_code}.")
        arn = self._wait_for_start(key)
        return self._finish("api-upload-link", arn, rows)

    def _wait_for_start(self, key: str) -> str:
        for _ in self._waiting.polls():
            if arn := self._runs.execution_of(key):
                return arn
        raise CheckFailedError("The upload by the link has started no run.")

    def cancel(self) -> str:
        """Cancel a run whose first batch waits. The summary must account for every row."""
        rows = [Row(f"https://{self._created.name}.invalid/never.png"), *self._links.rows(KEPT_IMAGES)]
        run_id = self._post_run({"urls": [row.url for row in rows], "options": SLOW_OPTIONS})["run_id"]
        self._wait(run_id, lambda run: run["status"] != "starting")
        self.api.call("POST", f"/runs/{run_id}/cancel")
        run = self._wait(run_id, lambda run: run["ended_at"] is not None)
        counts = run["counts"] or {}
        if run["status"] != "cancelled" or sum(counts.values()) != len(rows) or not counts["failed"]:
            raise CheckFailedError(
                f"The run {run_id} of {len(rows)} rows was cancelled. It is {run['status']}; its counts are {counts}."
            )
        self._cancelled = run_id, rows
        return f"{counts['failed']} of {len(rows)} rows were not reached."

    def retry(self) -> Run:
        """Retry the cancelled run: the rest of its images is stored."""
        if self._cancelled is None:
            raise NotCheckedError("There is no cancelled run to retry.")
        cancelled, rows = self._cancelled
        accepted = self.api.call("POST", f"/runs/{cancelled}/retry", {"options": FAST_OPTIONS})
        arn = self._accepted(accepted)
        before = self.api.call("GET", f"/runs/{cancelled}")["counts"]["stored"]
        run = self._runs.finish("api-retry", arn, () if before else rows)  # which rows are left is not known otherwise
        stored, failed = run.summary["stored"] + run.summary["skipped"] + before, run.summary["failed"]
        if (stored, failed) != (KEPT_IMAGES, 1):
            raise CheckFailedError(
                f"{stored} of {KEPT_IMAGES} images are stored after the retry, and {failed} rows of 1 have failed."
            )
        return run

    def image(self, picture: Picture) -> str:
        """Find a stored image by its URL, and fetch it by a link."""
        found = self.api.call("GET", "/images", query={"url": picture.url})
        content = self.api.fetch(found["link"], found["range"])
        if (found["sha256"], content) != (picture.sha256, picture.body):
            raise CheckFailedError(f"GET /images has another image: {found['object_key']}.")
        return f"{found['object_key']} was found and fetched."

    def _submit(self, body: Mapping[str, object]) -> str:
        """Start a run. Returns the ARN of its execution."""
        return str(self._post_run(body)["execution_arn"])

    def _post_run(self, body: Mapping[str, object]) -> Mapping[str, Any]:
        accepted = self.api.call("POST", "/runs", body)
        self._accepted(accepted)
        return accepted

    def _accepted(self, accepted: Mapping[str, Any]) -> str:
        arn = str(accepted["execution_arn"])
        self._created.add_run(str(accepted["run_id"]), arn)
        return arn

    def _finish(self, name: str, arn: str, rows: Sequence[Row]) -> Run:
        return self._runs.finish(name, arn, rows)

    def _wait(self, run_id: str, condition: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
        """Any: a run as the API describes it."""
        for _ in self._waiting.polls(CANCEL_SECONDS):
            run = self.api.call("GET", f"/runs/{run_id}")
            if condition(run):
                return run
        raise CheckFailedError(f"The run {run_id} is still {json.dumps(run['status'])} after {CANCEL_SECONDS} seconds.")
