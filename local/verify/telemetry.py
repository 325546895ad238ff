"""Logs, metrics, traces and alarms of the runs. AWS delivers them later: each check waits for them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from functions.core.model.types import RunSummary
from functions.telemetry.names import ENVIRONMENT_DIMENSION, NAMESPACE, SERVICE, SERVICE_DIMENSION, Metric
from local.verify.lines import CheckFailedError, NotCheckedError
from local.verify.runs import Run, Waiting
from local.verify.stack import FUNCTIONS, DeployedStack

MAX_SEARCHED_RUNS = 3
"""Runs that logs are searched for: FilterLogEvents allows few requests a second."""

LEVELS_OF_RUNS = ("DEBUG", "INFO")
INVOCATION = "START RequestId"
"""In the line that Lambda writes for each invocation. Above the level INFO, functions log no line of a good run."""

MAX_FILTERED_RUNS = 10
MAX_TRACES = 100
TRACES_PER_REQUEST = 5
PERIOD_SECONDS = 60


class Telemetry:
    """Each method that returns text is a check. Raises CheckFailedError, NotCheckedError, ClientError."""

    def __init__(self, stack: DeployedStack, waiting: Waiting) -> None:
        self._stack = stack
        self._waiting = waiting
        self._since = datetime.now(UTC).replace(second=0, microsecond=0)
        self._alarms_before: set[str] | None = None

    def logs(self, runs: Sequence[Run]) -> str:
        """Each function of the workflow has written the ID of the run into its own log group."""
        searched = _searched(runs)
        groups = {name: self._stack.physical_id("AWS::Logs::LogGroup", f"{name}Log") for name in FUNCTIONS}
        level = self._stack.variables("DownloadBatch").get("POWERTOOLS_LOG_LEVEL", "INFO")
        texts = [run.run_id for run in searched] if level in LEVELS_OF_RUNS else [INVOCATION]
        missing = [(name, text) for name in groups for text in texts]
        for _ in self._waiting.polls():
            missing = [(name, text) for name, text in missing if not self._has_line(groups[name], text)]
            if not missing:
                return f"The log groups of {', '.join(FUNCTIONS)} have lines with {', '.join(texts)}."
        name, text = missing[0]
        raise CheckFailedError(f"The log group of {name} has no line with {text}: {groups[name]}.")

    def _has_line(self, group: str, text: str) -> bool:
        start = round(self._since.timestamp() * 1000)
        pages = self._stack.clients("logs").get_paginator("filter_log_events")
        found = pages.paginate(logGroupName=group, startTime=start, filterPattern=f'"{text}"')
        return any(page["events"] for page in found)

    def metrics(self, runs: Sequence[Run]) -> str:
        """The sums are at least those of the runs: other runs may be under way."""
        if not runs:
            raise NotCheckedError("No run has ended.")
        environment = self._stack.variables("DownloadBatch").get("ENVIRONMENT", "")
        expected = _expected_metrics([run.summary for run in runs])
        for _ in self._waiting.polls():
            found = {metric: self._sum(metric, environment) for metric in expected}
            missing = [metric for metric in expected if found[metric] < expected[metric]]
            if not missing:
                return ", ".join(f"{metric} {found[metric]:.0f}" for metric in expected) + "."
        metric = missing[0]
        raise CheckFailedError(
            f"The metric {metric} in {NAMESPACE} (environment {environment}) has the sum {found[metric]:.0f} of at"
            f" least {expected[metric]}."
        )

    def _sum(self, metric: Metric, environment: str) -> float:
        dimensions = {SERVICE_DIMENSION: SERVICE, ENVIRONMENT_DIMENSION: environment}
        points = self._stack.clients("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric.value,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=self._since,
            EndTime=datetime.now(UTC) + timedelta(seconds=PERIOD_SECONDS),
            Period=PERIOD_SECONDS,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    def traces(self, runs: Sequence[Run]) -> str:
        """A function has a trace with the ID of a run as annotation."""
        if not runs:
            raise NotCheckedError("No run has ended.")
        found: set[str] = set()
        for _ in self._waiting.polls():
            found |= self._traced({run.run_id for run in runs})
            if found >= set(FUNCTIONS):
                return f"X-Ray has traces of {', '.join(FUNCTIONS)} with the IDs of the runs."
        missing = next(name for name in FUNCTIONS if name not in found)
        raise CheckFailedError(
            f"X-Ray has no trace of {missing} with the ID of a run. X-Ray samples one request a second and 5 % of the"
            " others, unless a sampling rule of the account says otherwise."
        )

    def _traced(self, run_ids: set[str]) -> set[str]:
        """The functions with a trace of one of the runs."""
        xray = self._stack.clients("xray")
        ids = list(islice(self._trace_ids(run_ids), MAX_TRACES))
        found = set()
        for start in range(0, len(ids), TRACES_PER_REQUEST):
            traces = xray.batch_get_traces(TraceIds=ids[start : start + TRACES_PER_REQUEST])["Traces"]
            documents = [json.loads(segment["Document"]) for trace in traces for segment in trace["Segments"]]
            found |= {each["name"] for document in documents for each in _annotated(document, run_ids)}
        return found

    def _trace_ids(self, run_ids: set[str]) -> Iterator[str]:
        terms = (f'annotation.run_id = "{run_id}"' for run_id in sorted(run_ids))
        while expression := " OR ".join(islice(terms, MAX_FILTERED_RUNS)):
            pages = self._stack.clients("xray").get_paginator("get_trace_summaries")
            end = datetime.now(UTC) + timedelta(minutes=1)
            for page in pages.paginate(StartTime=self._since, EndTime=end, FilterExpression=expression):
                yield from (summary["Id"] for summary in page["TraceSummaries"])

    def remember_alarms(self) -> None:
        """The alarms that are raised before the first run. Where the caller may not read them, the check says so."""
        with suppress(ClientError):
            self._alarms_before = {alarm["AlarmName"] for alarm in self._alarms() if alarm["StateValue"] == "ALARM"}

    def alarms(self) -> str:
        """No alarm is raised that was not raised before."""
        alarms = self._alarms()
        raised = {alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"}
        before = raised if self._alarms_before is None else self._alarms_before
        if not alarms:
            raise CheckFailedError("The stack has no alarms.")
        if raised - before:
            raise CheckFailedError(f"Raised since the start of this check: {', '.join(sorted(raised - before))}.")
        old = f" Raised before: {', '.join(sorted(raised))}." if raised else ""
        return f"{len(alarms)} alarms, none raised by these runs.{old}"

    def _alarms(self) -> Sequence[Mapping[str, Any]]:
        """The alarms of the stack. Any: the response of CloudWatch."""
        pages = self._stack.clients("cloudwatch").get_paginator("describe_alarms")
        found = [
            alarm for page in pages.paginate(AlarmNamePrefix=f"{self._stack.name}-") for alarm in page["MetricAlarms"]
        ]
        own = {each.physical_id for each in self._stack.resources}  # another stack may have a name that begins alike
        return [alarm for alarm in found if alarm["AlarmName"] in own] or found


def _searched(runs: Sequence[Run]) -> Sequence[Run]:
    """Some of the runs, of which the last was started through the API. Raises NotCheckedError."""
    if not runs:
        raise NotCheckedError("No run has ended.")
    return [*runs[: MAX_SEARCHED_RUNS - 1], *runs[MAX_SEARCHED_RUNS - 1 :][-1:]]


def _expected_metrics(summaries: Sequence[RunSummary]) -> Mapping[Metric, int]:
    """One metric of each function at least."""
    return {
        Metric.RUNS_STARTED: len(summaries),
        Metric.RUNS_SUCCEEDED: len(summaries),
        Metric.STORED: sum(summary["stored"] for summary in summaries),
        Metric.BYTES: sum(summary["bytes"] for summary in summaries),
        **({Metric.FAILED: failed} if (failed := sum(summary["failed"] for summary in summaries)) else {}),
    }


def _annotated(document: Mapping[str, Any], run_ids: set[str]) -> Iterator[Mapping[str, Any]]:
    """The segments and subsegments that name one of the runs. Any: a document of X-Ray."""
    if document.get("annotations", {}).get("run_id") in run_ids:
        yield document
    for inner in document.get("subsegments", []):
        yield from _annotated(inner, run_ids)
