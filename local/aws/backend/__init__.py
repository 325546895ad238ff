"""Everything that depends on moto's internals; no other package imports moto's modules.

The local AWS uses moto's HTTP API where that is good enough. This package holds what has no API (hooks, references
resolved by CloudFormation) and what would be slow over an API (a hundred thousand objects and rows). moto's state is
global to the process.
"""

from local.aws_settings import without_aws_settings

with without_aws_settings():  # moto creates boto3 sessions when it is imported
    from local.aws.backend.application import ACCOUNT, REGION, application, reset
    from local.aws.backend.buckets import bucket_exists, bucket_versioning, sends_events
    from local.aws.backend.functions import follow_functions, unfollow_functions
    from local.aws.backend.keys import issued_secret
    from local.aws.backend.messages import queue_messages, record_messages
    from local.aws.backend.rows import count_items, delete_item, is_on_demand, put_row, put_rows, rows
    from local.aws.backend.rules import matching_targets, send_to_target, transformed
    from local.aws.backend.settings import KEPT_TYPES, UnknownSettingError, keep_settings
    from local.aws.backend.stacks import (
        accept_without_effect,
        is_supported_type,
        protect_stack,
        resolved_properties,
    )
    from local.aws.backend.tables.batches import PARSED_BODY, BatchRoute
    from local.aws.backend.tables.durable import close_tables, open_tables
    from local.aws.backend.tables.store import TableFileError
    from local.aws.backend.telemetry import add_to_metric, put_log_events, put_segment

__all__ = [
    "ACCOUNT",
    "KEPT_TYPES",
    "PARSED_BODY",
    "REGION",
    "BatchRoute",
    "TableFileError",
    "UnknownSettingError",
    "accept_without_effect",
    "add_to_metric",
    "application",
    "bucket_exists",
    "bucket_versioning",
    "close_tables",
    "count_items",
    "delete_item",
    "follow_functions",
    "is_on_demand",
    "is_supported_type",
    "issued_secret",
    "keep_settings",
    "matching_targets",
    "open_tables",
    "protect_stack",
    "put_log_events",
    "put_row",
    "put_rows",
    "put_segment",
    "queue_messages",
    "record_messages",
    "reset",
    "resolved_properties",
    "rows",
    "send_to_target",
    "sends_events",
    "transformed",
    "unfollow_functions",
]
