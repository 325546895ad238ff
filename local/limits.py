"""Limits of the local AWS that a user can set: what throttles a run in an AWS account throttles it here."""

from __future__ import annotations

import os
from dataclasses import dataclass

CHILDREN_PER_ENVIRONMENT = 2
"""Child executions of a Distributed Map for each environment: one waits for hosts while the other downloads."""

MAX_CHILDREN = 10_000
"""Quota of Step Functions for the concurrent child executions of a Map Run."""

MAX_DEFAULT_ENVIRONMENTS = 24
"""Environments for a Lambda concurrency if nothing else is said. Each is a process of about 70 MB."""


@dataclass(frozen=True)
class Limits:
    """None means no limit. The rates are per second: S3's of a bucket, DynamoDB's capacity units of a table.

    `lambda_concurrency` is the account's; `environments` the maximum number of sandboxes of a function.
    `async_retry_seconds` is the wait before a failed asynchronous invocation is repeated, 60 in AWS. `pass_seconds` is
    the minimum wait before a pass, and the unit of the waits of rows; by default that of AWS.
    """

    lambda_concurrency: int | None = None
    environments: int | None = None
    s3_requests_per_second: int | None = None
    write_capacity: int | None = None
    read_capacity: int | None = None
    async_retry_seconds: float = 1.0
    pass_seconds: float = 60.0

    @property
    def max_sandboxes(self) -> int:
        """By default one for each core, at least two; with a Lambda concurrency as many, at most 24."""
        if self.environments is not None:
            return self.environments
        if self.lambda_concurrency is not None:
            return min(self.lambda_concurrency, MAX_DEFAULT_ENVIRONMENTS)
        return max(2, os.cpu_count() or 1)

    @property
    def max_children(self) -> int:
        """Maximum number of concurrent child executions of a Map Run, in addition to its MaxConcurrency.

        Where no invocation has to wait for a sandbox, Lambda's throttling is the limit, as in AWS. Otherwise a child
        must not spend its five minutes waiting for a sandbox.
        """
        if self.lambda_concurrency is not None and self.lambda_concurrency <= self.max_sandboxes:
            return MAX_CHILDREN
        return CHILDREN_PER_ENVIRONMENT * self.max_sandboxes
