"""Removes what the check has created, with the rights of the caller, and says what is left.

What AWS keeps of a run in its history is not removed: executions, log lines, metrics and traces. They expire.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from functions.core.model.keys import table_key
from local.verify.created import Created
from local.verify.evidence import image_rows
from local.verify.lines import is_denied, sentence
from local.verify.runs import Runs, Waiting
from local.verify.stack import DeployedStack

GRACE_SECONDS = 20
"""Wait for all runs to end by themselves: batches of a run that is stopped may store images for up to 90 seconds."""

STOP_SECONDS = 60
"""Maximum wait for the summary of a run that was stopped: it would be written after the removal."""

END_EVENT_SECONDS = 5.0
"""Wait before the record of a run that failed or was stopped is removed. EventBridge sends the end of such a run to
SummarizeRun, which writes the record again where there is none, and starts the index."""

MAX_DELETED_OBJECTS = 1000
MAX_DELETED_ROWS = 25
VERIFY_STOPPED = "VerifyInterrupted"


def wait_for_end_events() -> None:
    """Nothing shows that SummarizeRun was invoked for a run that is summarized already."""
    time.sleep(END_EVENT_SECONDS)


class Removal:
    """`waiting` is one of its own: that of the checks may have been stopped."""

    def __init__(self, stack: DeployedStack, created: Created, runs: Runs, waiting: Waiting) -> None:
        self._stack = stack
        self._created = created
        self._runs = runs
        self._waiting = waiting
        self._s3 = stack.clients("s3")
        self._images: set[str] = set()
        """Keys of objects in the images bucket."""
        self._stop_at = 0.0
        self._has_failed_runs = False
        self.problems: list[str] = []

    def remove(self) -> Sequence[str]:
        """Returns a sentence for each thing that is left. A step that fails does not keep the others from running."""
        self._stop_at = time.monotonic() + GRACE_SECONDS
        inputs, images = self._stack.outputs["InputBucket"], self._stack.outputs["ImagesBucket"]
        if self._created.uploads:
            self._try("runs that started late", self._runs.refresh)
        for run_id, arn in self._created.executions.items():
            self._try(f"the run {run_id}", partial(self._end, run_id, arn))
            self._try(f"images of the run {run_id}", partial(self._find_images, run_id))
        if self._has_failed_runs:
            wait_for_end_events()
        for run_id in self._created.executions:
            self._try(f"the index of the run {run_id}", partial(self._end_index, run_id))
        self._try("images of batches that crashed", self._find_rows)
        self._try("the subscription", self._unsubscribe)
        self._try("the queue", self._delete_queue)
        for prefix in (self._created.pictures_prefix, *(f"runs/{run_id}/" for run_id in self._created.executions)):
            self._try(f"s3://{inputs}/{prefix}", partial(self._delete, inputs, prefix))
        for bucket, keys in ((inputs, self._created.manifests), (images, self._images)):
            for key in sorted(keys):
                self._try(f"s3://{bucket}/{key}", partial(self._delete, bucket, key, exact=True))
        self._try("rows of the images table", self._delete_rows)
        self._try("records of the runs table", self._delete_records)
        return self.problems

    def _try(self, what: str, step: Callable[[], object]) -> None:
        try:
            step()
        except (BotoCoreError, ClientError) as error:
            self.problems.append(f"Not removed: {what}. {sentence(error)}")

    def _end(self, run_id: str, arn: str) -> None:
        """Wait for the end of a run, then stop it and wait until it is summarized. Learn the key of its manifest."""
        states = self._stack.clients("stepfunctions")
        for _ in self._waiting.polls(max(0.0, self._stop_at - time.monotonic())):
            execution = states.describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                break
        key = json.loads(execution["input"])["detail"]["object"]["key"]
        if not key.startswith("runs/"):  # a retry manifest is among the files of its run
            self._created.add_manifest(key)
        self._has_failed_runs |= execution["status"] != "SUCCEEDED"
        if execution["status"] == "RUNNING":
            states.stop_execution(executionArn=arn, error=VERIFY_STOPPED, cause="verify has removed its runs.")
            self._wait_for_end(run_id)

    def _end_index(self, run_id: str) -> None:
        """Wait for the index of a run, if it was started: it writes into the folder of the run."""
        arn = ""
        for _ in self._waiting.polls(STOP_SECONDS):
            execution = self._runs.index(run_id)
            if execution is None or execution["status"] != "RUNNING":
                return
            arn = execution["executionArn"]
        states = self._stack.clients("stepfunctions")
        states.stop_execution(executionArn=arn, error=VERIFY_STOPPED, cause="verify has removed its runs.")

    def _find_images(self, run_id: str) -> None:
        self._images |= {str(line["object_key"]) for line in self._runs.results(run_id) if line.get("object_key")}

    def _find_rows(self) -> None:
        """A batch that has crashed has no results, but may have table rows."""
        items = image_rows(self._stack, sorted(self._created.urls))
        self._images |= {item["object_key"]["S"] for item in items.values() if "object_key" in item}

    def _wait_for_end(self, run_id: str) -> None:
        for _ in self._waiting.polls(STOP_SECONDS):
            if "ended_at" in self._record(run_id):
                return
        self.problems.append(f"The run {run_id} was stopped and not summarized; it may still write files.")

    def _record(self, run_id: str) -> dict[str, Any]:
        """Any: DynamoDB's attribute values."""
        table = self._stack.outputs["RunsTable"]
        response = self._stack.clients("dynamodb").get_item(
            TableName=table, Key={"run_id": {"S": run_id}}, ConsistentRead=True
        )
        record: dict[str, Any] = response.get("Item", {})
        return record

    def _unsubscribe(self) -> None:
        if self._created.subscription_arn:
            self._stack.clients("sns").unsubscribe(SubscriptionArn=self._created.subscription_arn)

    def _delete_queue(self) -> None:
        if self._created.queue_url:
            self._stack.clients("sqs").delete_queue(QueueUrl=self._created.queue_url)

    def _delete(self, bucket: str, prefix: str, *, exact: bool = False) -> None:
        """All versions of the objects under a prefix, or of one object."""
        try:
            versions = iter([*self._versions(bucket, prefix, exact=exact)])
        except ClientError as error:
            if not (exact and is_denied(error)):
                raise
            versions = iter([{"Key": prefix}])  # a caller who may not list versions may delete the object
        while chunk := list(islice(versions, MAX_DELETED_OBJECTS)):
            response = self._s3.delete_objects(Bucket=bucket, Delete={"Objects": chunk, "Quiet": True})
            for left in response.get("Errors", [])[:1]:
                self.problems.append(f"Not removed: s3://{bucket}/{left['Key']}. {left['Code']}.")

    def _versions(self, bucket: str, prefix: str, *, exact: bool) -> Iterator[dict[str, str]]:
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                if not exact or each["Key"] == prefix:
                    yield {"Key": each["Key"], "VersionId": each["VersionId"]}

    def _delete_rows(self) -> None:
        table = self._stack.outputs["ImagesTable"]
        self._delete_items(table, ({"url": {"S": table_key(url)}} for url in sorted(self._created.urls)))

    def _delete_records(self) -> None:
        table = self._stack.outputs["RunsTable"]
        self._delete_items(table, ({"run_id": {"S": run_id}} for run_id in self._created.executions))

    def _delete_items(self, table: str, keys: Iterable[dict[str, Any]]) -> None:
        """Any: DynamoDB's attribute values."""
        requests = ({"DeleteRequest": {"Key": key}} for key in keys)
        while chunk := list(islice(requests, MAX_DELETED_ROWS)):
            unprocessed: dict[str, Any] = {table: chunk}
            while unprocessed:
                response = self._stack.clients("dynamodb").batch_write_item(RequestItems=unprocessed)
                unprocessed = response.get("UnprocessedItems") or {}
