"""What runs leave behind: objects, table rows, reports, messages, and the settings of the buckets."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from botocore.exceptions import ClientError

from functions.core.model.keys import FULL_URL, table_key
from functions.core.model.types import ResultLine
from functions.core.report.formatting import plural
from local.verify.lines import CheckFailedError, NotCheckedError
from local.verify.runs import OUTCOMES, Run, Runs, cause, listed
from local.verify.samples.manifests import Picture
from local.verify.stack import DeployedStack

MAX_KEYS = 100
"""In a BatchGetItem request."""

VOID_ELEMENTS = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


def range_of(line: ResultLine) -> dict[str, str]:
    """The argument of GetObject for an image in a shard."""
    if "offset" not in line:
        return {}
    return {"Range": f"bytes={line['offset']}-{line['offset'] + (line['bytes'] or 0) - 1}"}


class Evidence:
    """Each method that returns text is a check. Raises CheckFailedError, NotCheckedError, ClientError."""

    def __init__(self, stack: DeployedStack, runs: Runs) -> None:
        self._stack = stack
        self._runs = runs
        self._s3 = stack.clients("s3")

    def stored(self, runs: Sequence[Run]) -> Iterator[tuple[Run, Picture, ResultLine]]:
        """The results of the images that were stored. Raises NotCheckedError if there is none."""
        found = False
        for run in runs:
            for line in self._runs.results(run.run_id):
                picture = run.rows[line["row"] - 1].picture if line["row"] <= len(run.rows) else None
                if line["outcome"] == "stored" and picture is not None:
                    found = True
                    yield run, picture, line
        if not found:
            raise NotCheckedError("No run has stored an image.")

    def objects(self, runs: Sequence[Run]) -> str:
        count, bucket = 0, self._stack.outputs["ImagesBucket"]
        for run, picture, line in self.stored(runs):
            response = self._s3.get_object(Bucket=bucket, Key=str(line["object_key"]), **range_of(line))
            digest = hashlib.sha256(response["Body"].read()).hexdigest()
            content_type = line["content_type"] if "offset" in line else response["ContentType"]
            if (digest, line["sha256"], content_type) != (picture.sha256, digest, picture.content_type):
                raise CheckFailedError(
                    f"{run.name}: {line['object_key']} in {bucket} is not the image of row {line['row']}."
                )
            count += 1
        return f"{count} objects have the SHA-256 and the type of their images."

    def rows(self, runs: Sequence[Run]) -> str:
        stored = list(self.stored(runs))
        items = image_rows(self._stack, [picture.url for _, picture, _ in stored])
        for run, picture, line in stored:
            item = items.get(picture.url)
            expected = {
                "object_key": {"S": line["object_key"]},
                "sha256": {"S": picture.sha256},
                "bytes": {"N": str(len(picture.body))},
                "run_id": {"S": run.run_id},
                "row": {"N": str(line["row"])},
            }
            if item is None:
                raise CheckFailedError(
                    f"{run.name}: the images table has no row for row {line['row']} of the manifest."
                )
            wrong = [name for name, value in expected.items() if item.get(name) != value]
            if wrong:
                raise CheckFailedError(f"{run.name}: the table row of {line['object_key']} has another {wrong[0]}.")
        return f"{len(stored)} rows name their object, its SHA-256 and its run."

    def reports(self, runs: Sequence[Run]) -> str:
        """The page of each run is well-formed, and failures.csv has every failed row."""
        if not runs:
            raise NotCheckedError("No run has ended.")
        for run in runs:
            page = self._runs.read(run.summary["report"]).decode()
            problem = page_problem(page, run.run_id)
            if problem:
                raise CheckFailedError(f"{run.name}: {run.summary['report']} {problem}.")
            report = run.summary["failures_report"]
            failures = [*csv.DictReader(io.StringIO(self._runs.read(report).decode()))] if report else []
            if len(failures) != run.summary["failed"]:
                raise CheckFailedError(f"{run.name}: failures.csv has {len(failures)} rows of {run.summary['failed']}.")
        return f"{len(runs)} reports are well-formed."

    def index(self, runs: Sequence[Run]) -> str:
        """The index of each run was made, and results.csv has the outcomes of all rows."""
        if not runs:
            raise NotCheckedError("No run has ended.")
        for run in runs:
            execution = self._runs.wait_for_index(run.run_id)
            if execution["status"] != "SUCCEEDED":
                raise CheckFailedError(f"{run.name}: the index ended as {execution['status']}: {cause(execution)}")
            results = csv.DictReader(io.StringIO(self._runs.read(f"runs/{run.run_id}/results.csv").decode()))
            counts: Mapping[str, object] = run.summary
            found = Counter(row["outcome"] for row in results)
            if found != +Counter({outcome: int(str(counts[outcome])) for outcome in OUTCOMES}):
                raise CheckFailedError(f"{run.name}: results.csv has {listed(found)}; the summary has other counts.")
        return f"{len(runs)} indexes have the outcomes of all rows."

    def lifecycle(self) -> str:
        """The settings of the buckets can be read: what moves and expires objects, and what starts runs."""
        rules = {name: self._rules(self._stack.outputs[name]) for name in ("ImagesBucket", "InputBucket")}
        notification = self._s3.get_bucket_notification_configuration(Bucket=self._stack.outputs["InputBucket"])
        if "EventBridgeConfiguration" not in notification:
            raise CheckFailedError("The input bucket sends no events to EventBridge: uploads start no run.")
        owned = any(each.physical_id == self._stack.outputs["ImagesBucket"] for each in self._stack.resources)
        moves = [
            f"{transition['StorageClass']} after {plural(transition.get('Days', 0), 'day')}"
            for rule in rules["ImagesBucket"]
            for transition in rule.get("Transitions", [])
        ]
        if owned and not moves:
            raise CheckFailedError("The images bucket has no rule that moves images to S3 Glacier Instant Retrieval.")
        whose = "" if owned else ", which is not a resource of this stack"
        return f"Images bucket{whose}: {', '.join(moves) or 'no transition'}. Input bucket: EventBridge is on."

    def _rules(self, bucket: str) -> Sequence[Mapping[str, Any]]:
        """The lifecycle rules of a bucket. Any: the response of S3."""
        try:
            rules: Sequence[Mapping[str, Any]] = self._s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
                return []
            raise
        return rules


def image_rows(stack: DeployedStack, urls: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Rows of the images table by URL. Any: DynamoDB's attribute values."""
    table = stack.outputs["ImagesTable"]
    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(urls), MAX_KEYS):
        keys = [{"url": {"S": table_key(url)}} for url in urls[start : start + MAX_KEYS]]
        request: dict[str, Any] = {table: {"Keys": keys, "ConsistentRead": True}}
        while request:
            response = stack.clients("dynamodb").batch_get_item(RequestItems=request)
            found |= {item.get(FULL_URL, item["url"])["S"]: item for item in response["Responses"].get(table, [])}
            request = response.get("UnprocessedKeys") or {}
    return found


class _Page(HTMLParser):
    """Finds the first element that is closed and was not opened last."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problem = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element such as `<path/>` of a chart is closed at once."""

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID_ELEMENTS or self.problem:
            return
        if not self.open or self.open.pop() != tag:
            self.problem = f"closes {tag}, which is not the element that was opened last"


def page_problem(page: str, run_id: str) -> str:
    """Empty for a well-formed page about the run."""
    parser = _Page()
    parser.feed(page)
    parser.close()
    if parser.problem or parser.open:
        return parser.problem or f"does not close {parser.open[-1]}"
    if not page.lstrip().lower().startswith("<!doctype html>"):
        return "does not begin with <!doctype html>"
    return "" if run_id in page else "does not name its run"
