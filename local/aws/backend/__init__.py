"""Everything that depends on moto's internals; no other package imports moto's modules.

The local AWS uses moto's HTTP API where that is good enough. This package holds what has no API (hooks, references
resolved by CloudFormation) and what would be slow over an API (a hundred thousand objects and rows). moto's state is
global to the process.
"""

from local.aws_settings import without_aws_settings

with without_aws_settings():  # moto creates boto3 sessions when it is imported
    from local.aws.backend.application import ACCOUNT, REGION, application, reset
    from local.aws.backend.buckets import bucket_exists, bucket_versioning, sends_events
    from local.aws.backend.rows import delete_row, put_row, rows
    from local.aws.backend.rules import matching_targets, queue_messages, send_to_target, transformed
    from local.aws.backend.stacks import accept_without_effect, is_supported_type, resolved_properties
    from local.aws.backend.telemetry import add_to_metric, put_log_events, put_segment

__all__ = [
    "ACCOUNT",
    "REGION",
    "accept_without_effect",
    "add_to_metric",
    "application",
    "bucket_exists",
    "bucket_versioning",
    "delete_row",
    "is_supported_type",
    "matching_targets",
    "put_log_events",
    "put_row",
    "put_segment",
    "queue_messages",
    "reset",
    "resolved_properties",
    "rows",
    "send_to_target",
    "sends_events",
    "transformed",
]
