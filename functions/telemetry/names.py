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
    LAMBDA_CONCURRENCY = "LambdaConcurrency"
    RUNS_STARTED = "RunsStarted"
    RUNS_SUCCEEDED = "RunsSucceeded"
    RUNS_FAILED = "RunsFailed"
    RUNS_CANCELLED = "RunsCancelled"

    @property
    def unit(self) -> str:
        return _UNITS.get(self, "Count")

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_UNITS = {
    Metric.BYTES: "Bytes",
    Metric.DOWNLOAD_TIME: "Milliseconds",
    Metric.UPLOAD_TIME: "Milliseconds",
    Metric.TIME_PER_IMAGE: "Milliseconds",
}

_MEANINGS = {
    Metric.STORED: "images that were stored",
    Metric.UNCHANGED: "images that were not modified since an earlier run (`on_existing=refresh`)",
    Metric.SKIPPED: "rows whose image was stored by an earlier run",
    Metric.DUPLICATE: "rows whose URL appeared earlier in the manifest",
    Metric.FAILED: "rows that failed",
    Metric.FAILED_BY_REASON: "rows that failed, by the dimension `reason`",
    Metric.BYTES: "size of the stored images",
    Metric.DOWNLOAD_TIME: "time of a download; one value per image, so that percentiles are exact",
    Metric.UPLOAD_TIME: "time of an upload to S3; one value per image",
    Metric.TIME_PER_IMAGE: "time of a round, divided by its rows",
    Metric.ROUNDS: "rounds that a finished batch needed",
    Metric.DEFERRED: "rows that were deferred to the next round",
    Metric.NOT_NOTIFIED: "messages that could not be published to the topic",
    Metric.LAMBDA_CONCURRENCY: "concurrent Lambda executions that the account allows, as PrepareRun found it",
    Metric.RUNS_STARTED: "runs that started",
    Metric.RUNS_SUCCEEDED: "runs that succeeded",
    Metric.RUNS_FAILED: "runs that failed",
    Metric.RUNS_CANCELLED: "runs that were cancelled",
}
