"""All that we know of moto's insides; no other folder does. Its state is one for the whole process.

moto is asked over HTTP wherever that is good enough; here is what has no API (hooks, references resolved by
CloudFormation) and what an API would make slow (a hundred thousand objects and rows).
"""

from local.aws.backend.application import application, reset
from local.aws.backend.objects import ObjectFact, objects, on_object_event, put_file
from local.aws.backend.place import ACCOUNT, REGION
from local.aws.backend.rows import put_row, rows
from local.aws.backend.rules import matching_targets, queue_messages, send_to_target, transformed
from local.aws.backend.stacks import accept_without_effect, is_known_type, resolved_properties
from local.aws.backend.telemetry import add_to_metric, put_log_events, put_segment

__all__ = [
    "ACCOUNT",
    "REGION",
    "ObjectFact",
    "accept_without_effect",
    "add_to_metric",
    "application",
    "is_known_type",
    "matching_targets",
    "objects",
    "on_object_event",
    "put_file",
    "put_log_events",
    "put_row",
    "put_segment",
    "queue_messages",
    "reset",
    "resolved_properties",
    "rows",
    "send_to_target",
    "transformed",
]
