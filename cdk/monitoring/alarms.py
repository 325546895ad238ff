"""The table of alarms. Each description says what happened, where to look and what to do.

Each kind is a section of docs/operations.md. Some kinds have an alarm for each function or table.
"""

from dataclasses import dataclass
from typing import TypedDict

from aws_cdk.aws_cloudwatch import TreatMissingData


class AlarmProperties(TypedDict):
    """The properties that every threshold class of cdk-monitoring-constructs takes."""

    alarm_name_override: str
    alarm_description_override: str
    runbook_link: str
    evaluation_periods: int
    datapoints_to_alarm: int
    treat_missing_data_override: TreatMissingData


@dataclass(frozen=True)
class Alarm:
    """`kind` is part of the name of the deployed alarm. `{resource}` in the description is the function or table.

    `periods` is the number of consecutive periods of five minutes after which the alarm is raised.
    """

    kind: str
    description: str
    periods: int = 1

    @property
    def anchor(self) -> str:
        """The anchor of its section in the runbook."""
        return self.kind.lower().replace(" ", "-")

    def properties(self, *, stack: str, runbook: str, resource: str = "") -> AlarmProperties:
        name = "".join(word[:1].upper() + word[1:] for word in f"{self.kind} {resource}".split())
        return {
            "alarm_name_override": f"{stack}-{name}",
            "alarm_description_override": self.description.format(resource=resource),
            "runbook_link": f"{runbook}#{self.anchor}",
            "evaluation_periods": self.periods,
            "datapoints_to_alarm": self.periods,
            "treat_missing_data_override": TreatMissingData.NOT_BREACHING,
        }


RUN_FAILED = Alarm(
    "Run failed",
    "A run failed: its manifest is invalid, too many of its rows failed, or a step ended in an error. See the error "
    "and cause of the execution in Step Functions. Fix the cause, then upload the manifest or the retry manifest.",
)
RUN_TIMED_OUT = Alarm(
    "Run timed out",
    "A run exceeded run_timeout_days and was stopped. See its report for the rows that were not attempted. Upload "
    "its retry manifest, and raise max_concurrency or split the manifest.",
)
BATCHES_LOST = Alarm(
    "Batches lost",
    "Batches crashed or were stopped in all three attempts, so their rows failed (batch_crashed). See the errors in "
    "the log group of DownloadBatch. Fix the cause, then upload the retry manifest of the run.",
)
STORAGE_FAILED = Alarm(
    "Storage failed",
    "S3 PutObject failed for downloaded images (reason storage). See the log lines 'Image failed' of DownloadBatch "
    "with this reason. Check the permissions of DownloadBatch, or lower max_concurrency if S3 returns SlowDown; then "
    "upload the retry manifest of the run.",
)
NOTICES_LOST = Alarm(
    "Notices lost",
    "SNS publish failed for messages about failures; no image is affected. Search the log group of DownloadBatch for "
    "Throttled or KMS. Check the policies of the topic and its key; the failures are in failures.csv of the run.",
)
FUNCTION_ERRORS = Alarm(
    "Function errors",
    "Invocations of {resource} ended in errors. Search its log group for ERROR and follow xray_trace_id. Fix the "
    "cause; Step Functions retries an invocation twice, callers of the API must retry themselves.",
)
FUNCTION_THROTTLES = Alarm(
    "Function throttles",
    "Lambda has throttled {resource} for 15 minutes. See the concurrent executions of the account. Lower "
    "max_concurrency of the runs, or request a higher quota for concurrent executions.",
    3,
)
FUNCTION_DURATION = Alarm(
    "Function duration",
    "An invocation of {resource} used 90 % of its timeout; at the timeout its work is lost. See its traces for the "
    "slowest phase. Lower batch_size or check_manifests_up_to_bytes, or split the manifest.",
)
CONCURRENCY = Alarm(
    "Concurrency",
    "The functions of this account use 95 % of the concurrent Lambda executions that it allows, or more; above the "
    "limit they are throttled. See the metrics ClaimedAccountConcurrency and LambdaConcurrency. Lower max_concurrency "
    "of the runs, or request a higher quota for concurrent executions.",
)
TABLE_THROTTLES = Alarm(
    "Table throttles",
    "DynamoDB has throttled requests for 10 minutes: {resource}. See the metrics of the table. An on-demand table "
    "adapts within 30 minutes; if it does not, check its maximum throughput and the account quota, or lower "
    "max_concurrency.",
    2,
)
NOTIFICATIONS_FAILED = Alarm(
    "Notifications failed",
    "SNS could not deliver messages to a subscriber of the topic. See its subscriptions and their delivery status. "
    "Fix or remove the endpoint that fails.",
)
EVENTS_LOST = Alarm(
    "Events lost",
    "Uploaded manifests did not start a run. See ERROR_CODE and ERROR_MESSAGE of the messages in the dead-letter "
    "queue of the trigger. Fix the cause, then redrive the events.",
)
RULE_FAILED = Alarm(
    "Rule failed",
    "EventBridge could not start the state machine for an uploaded manifest and does not retry. See the messages in "
    "the dead-letter queue of the trigger. Deploy the stack again to restore the role, then redrive the events.",
)
ENDINGS_LOST = Alarm(
    "Endings lost",
    "A run failed, timed out or was stopped, and SummarizeRun did not summarize it: there is no report and no retry "
    "manifest. See the log group of SummarizeRun. Fix the cause, then invoke SummarizeRun with the event in the "
    "dead-letter queue.",
)
API_FAULTS = Alarm(
    "API faults",
    "The API returned 5xx responses. Search the log group of the function Api for ERROR, and see the field error in "
    "the access log. Fix the cause; clients can retry with the same Idempotency-Key.",
)
OPEN_MAP_RUNS = Alarm(
    "Open Map Runs",
    "The account has more than 900 open Map Runs of the quota of 1,000; above the quota, runs wait. See the running "
    "executions of the state machine. Stop runs that are not needed, and upload fewer, larger manifests.",
)

ALARMS = (
    RUN_FAILED,
    RUN_TIMED_OUT,
    BATCHES_LOST,
    STORAGE_FAILED,
    NOTICES_LOST,
    FUNCTION_ERRORS,
    FUNCTION_THROTTLES,
    FUNCTION_DURATION,
    CONCURRENCY,
    TABLE_THROTTLES,
    NOTIFICATIONS_FAILED,
    EVENTS_LOST,
    RULE_FAILED,
    ENDINGS_LOST,
    API_FAULTS,
    OPEN_MAP_RUNS,
)
