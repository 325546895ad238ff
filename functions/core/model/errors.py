"""Exceptions of the pipeline.

    MirrorError
    ├── InvalidManifest      the manifest cannot be run; never retried, and its message is for the manifest's author
    ├── ManifestGoneError    the manifest was deleted or replaced after its event
    ├── RowError             one row cannot be mirrored; it becomes an outcome and is never an error of the run
    └── InfrastructureError  an AWS service failed; Step Functions retries the batch
        ├── StorageFault     S3
        ├── TableFault       DynamoDB
        ├── WorkflowFault    Step Functions
        ├── AccountFault     the settings of the account in Lambda
        └── BooksFault       the number of outcomes differs from the number of rows

The state machine's Retry and Catch use these names, and run records store them: renaming one is a breaking change.
The packages `web` and `api` have exceptions of their own, which do not leave them.
"""

from functions.core.model.reasons import Reason


class MirrorError(Exception):
    """Base class of the exceptions that `functions.core` raises."""


class InvalidManifest(MirrorError):  # noqa: N818 - stored and shown to users
    """The manifest cannot be run. The message says what is wrong, where, and how to fix it.

    `at_end` is true if the error is caused only by the end of the data. It is then ignored where the data was
    truncated because only the beginning of a manifest is checked.
    """

    def __init__(self, message: str, *, at_end: bool = False) -> None:
        super().__init__(message)
        self.at_end = at_end


class ManifestGoneError(MirrorError):
    """The manifest was deleted or replaced after its event."""


class RowError(MirrorError):
    """One row cannot be mirrored.

    `status` is the HTTP status of the response, if there was one. `wait` is the delay in seconds that the host
    requested (Retry-After). `retryable` overrides that of the reason. `dropped` is true if an open connection was
    lost, which is worth one immediate retry. `robots` is what robots.txt says against the row if it is only recorded.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        status: int | None = None,
        wait: float | None = None,
        retryable: bool | None = None,
        dropped: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.status = status
        self.wait = wait
        self.retryable = reason.retryable if retryable is None else retryable
        self.dropped = dropped
        self.robots: str | None = None


class InfrastructureError(MirrorError):
    """An AWS service failed or throttled a request. Retrying the batch may help."""


class StorageFault(InfrastructureError):  # noqa: N818 - stored and shown to users
    """S3 failed for a reason that does not depend on a single row."""


class TableFault(InfrastructureError):  # noqa: N818 - stored and shown to users
    """DynamoDB failed, or left items unprocessed after all retries."""


class WorkflowFault(InfrastructureError):  # noqa: N818 - stored and shown to users
    """Step Functions failed or cannot be reached."""


class AccountFault(InfrastructureError):  # noqa: N818 - as the others
    """The settings of the account in Lambda cannot be read."""


class BooksFault(InfrastructureError):  # noqa: N818 - stored and shown to users
    """The number of outcomes of a run differs from the number of its rows."""
