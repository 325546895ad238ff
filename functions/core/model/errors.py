"""What can go wrong, as exceptions.

    MirrorError
    ├── InvalidManifest   the manifest cannot be run: a sentence for its author; never retried
    ├── RowError          one row cannot be mirrored: data, ends as an outcome
    └── InfrastructureError       our own side is broken: Step Functions retries the batch
        ├── StorageFault  S3
        ├── TableFault    DynamoDB
        ├── WorkflowFault Step Functions
        └── BooksFault    the outcomes of a run do not add up to its rows

The state machine's Retry and Catch use these names, so a rename is a change of contract.
"""

from functions.core.model.reasons import Reason


class MirrorError(Exception):
    """Root of all that this package raises on purpose."""


class InvalidManifest(MirrorError):
    """Says what is wrong with a manifest, where, and how to mend it.

    `at_end` marks what its end alone is to blame for: it does not count where only the beginning was read.
    """

    def __init__(self, message: str, *, at_end: bool = False) -> None:
        super().__init__(message)
        self.at_end = at_end


class RowError(MirrorError):
    """Why one row did not become an image.

    `status` is the HTTP status where there was one, `wait` the seconds that the host asked for,
    `retryable` overrides the reason's own answer, `dropped` marks a connection that broke: worth one more try in place.
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


class InfrastructureError(MirrorError):
    """Something of ours is broken or overloaded; trying the batch again may help."""


class StorageFault(InfrastructureError):
    """S3 refused for a reason that no single row is to blame for."""


class TableFault(InfrastructureError):
    """DynamoDB refused, or left items unprocessed after every retry."""


class WorkflowFault(InfrastructureError):
    """Step Functions refused, or cannot be reached."""


class BooksFault(InfrastructureError):
    """A run's outcomes do not add up to its rows."""
