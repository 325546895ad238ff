"""Names of the metrics, for the functions that emit them and for the dashboard and alarms that watch them.

CloudWatch bills each combination of name and dimensions as a metric. So no dimension has values from a manifest: URLs,
hosts, runs and rows are fields of log lines.
"""

from enum import StrEnum

NAMESPACE = "ImageMirror"
SERVICE = "image-mirror"
SERVICE_DIMENSION = "service"
ENVIRONMENT_DIMENSION = "environment"
REASON_DIMENSION = "reason"


class Metric(StrEnum):
    """All have the dimensions service and environment; FAILED_BY_REASON also has the reason."""

    STORED = "ImagesStored"
    UNCHANGED = "ImagesUnchanged"
    SKIPPED = "ImagesSkipped"
    DUPLICATE = "ImagesDuplicate"
    FAILED = "ImagesFailed"
    FAILED_BY_REASON = "ImagesFailedByReason"
    BYTES = "BytesStored"
    DOWNLOAD_TIME = "DownloadTime"
    UPLOAD_TIME = "UploadTime"
    TIME_PER_IMAGE = "BatchTimePerImage"
    ROUNDS = "Rounds"
    DEFERRED = "RowsDeferred"
    NOT_NOTIFIED = "NoticesLost"
    RUNS_STARTED = "RunsStarted"
    RUNS_SUCCEEDED = "RunsSucceeded"
    RUNS_FAILED = "RunsFailed"
    RUNS_CANCELLED = "RunsCancelled"

    @property
    def unit(self) -> str:
        return _UNITS.get(self, "Count")


_UNITS = {
    Metric.BYTES: "Bytes",
    Metric.DOWNLOAD_TIME: "Milliseconds",
    Metric.UPLOAD_TIME: "Milliseconds",
    Metric.TIME_PER_IMAGE: "Milliseconds",
}
