"""The alarms, as a table: what each says at night. What to do then is in docs/operations.md, a section a row.

`kind` is the section's heading; of some kinds there is an alarm for each function or table.
"""

from dataclasses import dataclass
from typing import Any

from aws_cdk.aws_cloudwatch import TreatMissingData


@dataclass(frozen=True)
class Alarm:
    kind: str
    sentence: str
    periods: int = 1  # of five minutes, in a row

    @property
    def anchor(self) -> str:
        return self.kind.lower().replace(" ", "-")

    def properties(self, *, stack: str, runbook: str, of: str = "") -> dict[str, Any]:
        """For any threshold of cdk-monitoring-constructs; `of` is the function or table."""
        name = "".join(word[:1].upper() + word[1:] for word in f"{self.kind} {of}".split())
        return {
            "alarm_name_override": f"{stack}-{name}",
            "alarm_description_override": self.sentence.format(of=of),
            "runbook_link": f"{runbook}#{self.anchor}",
            "evaluation_periods": self.periods,
            "datapoints_to_alarm": self.periods,
            "treat_missing_data_override": TreatMissingData.NOT_BREACHING,
        }


RUN_FAILED = Alarm("Run failed", "A run ended as failed: it could not begin, broke down, or lost too many of its rows.")
RUN_TIMED_OUT = Alarm("Run timed out", "A run was ended because it took longer than run_timeout_days.")
BATCHES_LOST = Alarm("Batches lost", "Batches crashed or were stopped three times over; their rows failed.")
STORAGE_FAILED = Alarm("Storage failed", "Images were downloaded but could not be stored in S3.")
NOTICES_LOST = Alarm("Notices lost", "Messages to the topic could not be published; the images are safe.")
FUNCTION_ERRORS = Alarm("Function errors", "{of} ended in errors.")
FUNCTION_THROTTLES = Alarm("Function throttles", "Lambda has refused to start {of} for a quarter of an hour.", 3)
FUNCTION_DURATION = Alarm("Function duration", "{of} came close to its timeout, at which its work would be lost.")
CONCURRENCY = Alarm("Concurrency", "DownloadBatch uses nearly all environments that a new account may run at once.")
TABLE_THROTTLES = Alarm("Table throttles", "DynamoDB has refused requests for ten minutes: {of}.", 2)
NOTIFICATIONS_FAILED = Alarm("Notifications failed", "The topic could not deliver messages to a subscriber.")
EVENTS_LOST = Alarm("Events lost", "Uploaded manifests did not start a run: their events are in the dead-letter queue.")
RULE_FAILED = Alarm("Rule failed", "EventBridge could not start the state machine for an uploaded manifest.")
ENDINGS_LOST = Alarm("Endings lost", "A run was stopped or broke down and nobody balanced its books.")
API_FAULTS = Alarm("API faults", "The API answered with 5xx.")
OPEN_MAP_RUNS = Alarm("Open Map Runs", "The account is near 1,000 open Map Runs; beyond that runs wait for their turn.")

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
