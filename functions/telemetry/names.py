"""What our metrics are called: the functions emit by these names, dashboard and alarms watch them.

Every name with every set of dimensions is billed as a metric of its own, so no dimension takes its values from a
manifest: URLs, hosts, runs and rows stand in the log.
"""

from enum import StrEnum

NAMESPACE = "ImageMirror"
SERVICE = "image-mirror"
SERVICE_DIMENSION = "service"
ENVIRONMENT_DIMENSION = "environment"
REASON_DIMENSION = "reason"


class Metric(StrEnum):
    """With the dimensions service and environment; FAILED_BY_REASON has the reason, too."""

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
